-- One row per judge run: can these answers be trusted?
CREATE OR REPLACE VIEW answer_quality AS
SELECT
    run.rater_id AS rater,                                 -- who answered
    run.config ->> 'answer' AS answer,                     -- score or sample
    run.config ->> 'framing' AS framing,                   -- anchored or odd-one-out
    count(*) AS n_answers,                                 -- answers stored
    count(*) FILTER (response.choice IS NULL) AS n_invalid, -- of them without a valid choice
    avg((response.choice IS NULL)::DOUBLE) AS invalid_rate, -- share of answers without a valid choice
    avg((response.choice = CASE WHEN response.flipped THEN 'right' ELSE 'left' END)::DOUBLE)
        AS first_option_rate,                              -- share of valid answers naming the option shown first
    any_value(heldout.accuracy) AS heldout_accuracy,       -- share of held-out answers its newest fit predicts
    any_value(heldout.loss) AS heldout_loss,               -- mean held-out loss of that fit, nats
    any_value(heldout.at_chance) AS at_chance,             -- that fit predicts no better than a coin
    run.run_id
FROM response
JOIN run USING (run_id)
LEFT JOIN (
    SELECT
        fit.parent_run_id AS run_id,
        arg_max(embedding.heldout_accuracy, embedding.created_at) AS accuracy,
        arg_max(embedding.heldout_loss, embedding.created_at) AS loss,
        arg_max(embedding.at_chance, embedding.created_at) AS at_chance
    FROM embedding
    JOIN run AS fit ON fit.run_id = embedding.run_id
    GROUP BY fit.parent_run_id
) AS heldout ON heldout.run_id = run.run_id
GROUP BY run.run_id, run.rater_id, run.config;
