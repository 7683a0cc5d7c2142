-- One row per judge run: can these answers be trusted?
CREATE OR REPLACE VIEW answer_quality AS
WITH asked AS (
    SELECT
        run_id, triplet_no, flipped, repeat, choice,
        choice = CASE WHEN flipped THEN 'right' ELSE 'left' END AS first,
        count(*) OVER question > 1 AS both_orders,
        first_value(choice) OVER (question ORDER BY flipped) AS choice_as_drawn,
        first_value(choice) OVER (PARTITION BY run_id, triplet_no, flipped ORDER BY repeat) AS choice_at_first
    FROM response
    WINDOW question AS (PARTITION BY run_id, triplet_no, repeat)
),

counted AS (
    SELECT
        run_id,
        count(*) AS n_answers,
        count(*) FILTER (choice IS NULL) AS n_invalid,
        avg((choice IS NULL)::DOUBLE) AS invalid_rate,
        avg(first::DOUBLE) AS first_option_rate,
        avg((choice = choice_as_drawn)::DOUBLE) FILTER (flipped AND both_orders) AS order_agreement,
        avg((choice = choice_at_first)::DOUBLE) FILTER (repeat > 0) AS repeat_agreement
    FROM asked
    GROUP BY run_id
),

fitted AS (
    SELECT
        fit.parent_run_id AS run_id,
        arg_max(embedding.heldout_accuracy, embedding.created_at) AS heldout_accuracy,
        arg_max(embedding.heldout_loss, embedding.created_at) AS heldout_loss,
        arg_max(embedding.at_chance, embedding.created_at) AS at_chance
    FROM embedding
    JOIN run AS fit ON fit.run_id = embedding.run_id
    GROUP BY fit.parent_run_id
)

SELECT
    run.rater_id AS rater,                                 -- who answered
    run.config ->> 'answer' AS answer,                     -- score or sample
    run.config ->> 'framing' AS framing,                   -- anchored or odd-one-out
    counted.n_answers,                                     -- answers stored
    counted.n_invalid,                                     -- of them without a valid choice
    counted.invalid_rate,                                  -- share of answers without a valid choice
    counted.first_option_rate,                             -- share of valid answers naming the option shown first
    counted.order_agreement,                               -- share of questions answered alike in both orders
    counted.repeat_agreement,                              -- share of later askings answered like the first
    fitted.heldout_accuracy,                               -- share of held-out answers its newest fit predicts
    fitted.heldout_loss,                                   -- mean held-out loss of that fit, nats
    fitted.at_chance,                                      -- that fit predicts no better than a coin
    run.run_id
FROM counted
JOIN run USING (run_id)
LEFT JOIN fitted USING (run_id);
