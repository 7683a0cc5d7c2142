-- One row per judge run: can these answers be trusted?
CREATE OR REPLACE VIEW answer_quality AS
WITH asked AS (
    SELECT
        run_id, triplet_no, flipped, repeat, choice, chose_first,
        count(*) OVER question > 1 AS both_orders,
        first_value(choice) OVER (question ORDER BY flipped) AS choice_as_drawn,
        first_value(choice) OVER (PARTITION BY run_id, triplet_no, flipped ORDER BY repeat) AS choice_at_first
    FROM answered
    WHERE NOT is_read_again
    WINDOW question AS (PARTITION BY run_id, triplet_no, repeat)
),

counted AS (
    SELECT
        run_id,
        count(*) AS n_answers,
        count(*) FILTER (choice IS NULL) AS n_invalid,
        avg((choice IS NULL)::DOUBLE) AS invalid_rate,
        avg(chose_first::DOUBLE) AS first_option_rate,
        avg((choice = choice_as_drawn)::DOUBLE) FILTER (flipped AND both_orders) AS order_agreement,
        avg((choice = choice_at_first)::DOUBLE) FILTER (repeat > 0) AS repeat_agreement
    FROM asked
    GROUP BY run_id
)

SELECT
    rater_shown.rater_name,                                -- who answered
    judge_run.answer,                                      -- score, sample or imported
    judge_run.framing,                                     -- anchored or odd-one-out
    counted.n_answers,                                     -- answers stored
    counted.n_invalid,                                     -- of them without a valid choice
    counted.invalid_rate,                                  -- share of answers without a valid choice
    counted.first_option_rate,                             -- share of valid answers naming the option shown first
    counted.order_agreement,                               -- share of questions answered alike in both orders
    counted.repeat_agreement,                              -- share of later askings answered like the first
    fit.heldout_accuracy,                                  -- share of held-out answers its newest fit predicts
    fit.heldout_loss,                                      -- mean held-out loss of that fit, nats
    fit.at_chance,                                         -- that fit predicts no better than a coin
    judge_run.concept_set_id,                              -- the concepts
    judge_run.triplet_set_id,                              -- the questions
    judge_run.rater_id,                                    -- key of the rater
    judge_run.run_id                                       -- the judge run
FROM counted
JOIN judge_run USING (run_id)
JOIN rater_shown USING (rater_id)
LEFT JOIN fit ON fit.judge_run_id = judge_run.run_id AND fit.is_newest_of_run;
