-- One row per judge run and anchor: on which concepts does it fail?
CREATE OR REPLACE VIEW concept_quality AS
SELECT
    rater_shown.rater_name,                                -- who answered
    answered.answer,                                       -- score, sample or imported
    answered.framing,                                      -- anchored or odd-one-out
    concept.word AS anchor,                                -- the item asked about
    count(*) AS n_answers,                                 -- answers about it
    avg((answered.choice IS NULL)::DOUBLE) AS invalid_rate, -- share of them without a valid choice
    avg(answered.chose_first::DOUBLE) AS first_option_rate, -- share of valid ones naming the option shown first
    mode(answered.invalid_reason) AS main_reason,          -- the commonest reason for having no choice
    answered.rater_id,                                     -- key of the rater
    answered.run_id                                        -- the judge run
FROM answered
JOIN rater_shown USING (rater_id)
JOIN concept ON concept.concept_set_id = answered.concept_set_id AND concept.position = answered.anchor
WHERE NOT answered.is_read_again
GROUP BY answered.run_id, answered.rater_id, rater_shown.rater_name, answered.answer, answered.framing, concept.word;
