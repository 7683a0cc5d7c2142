-- One row per fitted embedding, with the settings of its fit and of the answers under it.
-- Fits are of one kind when they differ in their seed and sample of answers only: the one with most answers speaks for it,
-- of those the newest.
CREATE OR REPLACE VIEW fit AS
WITH finished AS (
    SELECT run_id, arg_max(detail, happened_at) AS detail FROM run_event WHERE status = 'finished' GROUP BY run_id
),
unpacked AS (
    SELECT
        embedding.*,
        embed.config ->> 'answers' AS answers,
        (embed.config ->> 'temperature')::DOUBLE AS temperature,
        judge_run.framing,
        judge_run.answer,
        judge_run.run_id AS judge_run_id,
        coalesce(judge_run.is_read_again, FALSE) AS is_read_again,
        coalesce(
            (asked.detail ->> 'answers')::BIGINT - (fitted.detail ->> 'n_invalid')::BIGINT,
            embedding.n_train + embedding.n_heldout
        ) AS n_answers
    FROM embedding
    LEFT JOIN run AS embed ON embed.run_id = embedding.run_id
    LEFT JOIN judge_run ON judge_run.run_id = embed.parent_run_id
    LEFT JOIN finished AS fitted ON fitted.run_id = embedding.run_id
    LEFT JOIN finished AS asked ON asked.run_id = judge_run.run_id
    WHERE embedding.role = 'fitted'
),
named AS (
    SELECT
        *,
        concat_ws(
            ', ', name, n_dims || 'D', framing, answer,
            CASE WHEN answers = 'graded' THEN 'temperature ' || regexp_replace(temperature::VARCHAR, '\.0$', '') END,
            CASE WHEN concept_set_id <> 'things-128' THEN concept_set_id END
        ) AS method
    FROM unpacked
)
SELECT
    embedding_id,                                          -- the fitted embedding
    rater_id,                                              -- whose concepts
    concept_set_id,                                        -- the concepts
    name,                                                  -- algorithm, dimensions, and answers hard or graded
    algorithm,                                             -- CKL, STE, …
    n_dims,                                                -- dimensions of the fitted space
    answers,                                               -- hard (the choices) or graded (the log-probabilities)
    temperature,                                           -- of the graded answers
    framing,                                               -- anchored or odd-one-out
    answer,                                                -- score, sample or imported
    method,                                                -- the kind in words: fit, framing, way of answering, temperature where graded, concept set where it is not the paper's
    heldout_accuracy,                                      -- share of held-out answers it predicts
    heldout_loss,                                          -- mean loss per held-out answer, nats
    at_chance,                                             -- it predicts them no better than a coin
    converged,                                             -- the solver met its tolerance
    n_answers,                                             -- valid answers it was fitted to, those held out included
    row_number() OVER (
        PARTITION BY rater_id, concept_set_id, method
        ORDER BY is_read_again, n_answers DESC NULLS LAST, created_at DESC, embedding_id
    ) = 1 AS is_shown,                                     -- of its rater's fits of this kind the one with most answers, then the newest; before all one to texts as today's rule reads them
    row_number() OVER (PARTITION BY judge_run_id ORDER BY created_at DESC, embedding_id) = 1
        AS is_newest_of_run,                               -- the newest of the fits, of any kind, to its judge run's answers
    is_read_again,                                         -- a later rule read its answers' texts again, in another run
    run_id,                                                -- the embed run
    judge_run_id,                                          -- the judge run whose answers it was fitted to
    created_at                                             -- when it came into the lab
FROM named;
