-- One row per run: when it began, how long it was at work, and what it asked and read in tokens.
-- Time counts up to each stop, failure and end; a process that was killed told nothing of its last stretch.
CREATE OR REPLACE VIEW run_cost AS
WITH stretched AS (
    SELECT
        *,
        lag(happened_at) OVER events AS since,
        lag(status) OVER events AS status_before
    FROM run_event
    WINDOW events AS (PARTITION BY run_id ORDER BY happened_at)
),
timed AS (
    SELECT
        run_id,
        min(happened_at) AS started_at,
        sum(coalesce(
            (detail ->> 'seconds')::DOUBLE, CASE WHEN status_before = 'started' THEN epoch(happened_at) - epoch(since) END
        )) FILTER (status <> 'started') AS seconds,
        sum((detail ->> 'answered_now')::BIGINT) FILTER (status <> 'started') AS answered,
        sum((detail ->> 'seconds')::DOUBLE) FILTER (status <> 'started' AND (detail ->> 'answered_now') IS NOT NULL)
            AS asking_seconds
    FROM stretched
    GROUP BY run_id
),
counted AS (
    SELECT
        run_id, count(*) AS n_answers, sum(prompt_tokens)::BIGINT AS prompt_tokens, sum(answer_tokens)::BIGINT AS answer_tokens
    FROM response
    GROUP BY run_id
)
SELECT
    rater_current.rater_name,                              -- whose run it is
    run_status.stage,                                      -- judge, embed, align or report
    run_status.status,                                     -- planned, started, finished, failed or interrupted
    coalesce(timed.started_at, run_status.created_at) AS started_at, -- when it was first started
    timed.seconds,                                         -- at work, all its stretches; NULL where nothing was timed
    CASE WHEN run_status.stage = 'judge' THEN coalesce(counted.n_answers, 0) END AS n_answers, -- answers stored, of a judge run
    judge_run.n_questions AS n_asked,                      -- answers it has when it is finished
    timed.answered / nullif(timed.asking_seconds, 0) AS answers_per_second, -- while it was asking
    CASE WHEN judge_run.texts_of IS NULL THEN counted.prompt_tokens END AS prompt_tokens, -- tokens of all prompts, where they are known
    CASE WHEN judge_run.texts_of IS NULL THEN counted.answer_tokens END AS answer_tokens, -- tokens generated, or scored over all options
    run_status.status_detail ->> 'error' AS error,         -- the line of the error that stopped it
    run_status.status_at,                                  -- when what its status says happened
    run_status.rater_id,                                   -- key of the rater
    run_status.triplet_set_id,                             -- the questions
    run_status.run_id                                      -- the run
FROM run_status
LEFT JOIN rater_current USING (rater_id)
LEFT JOIN judge_run ON judge_run.run_id = run_status.run_id
LEFT JOIN timed ON timed.run_id = run_status.run_id
LEFT JOIN counted ON counted.run_id = run_status.run_id;
