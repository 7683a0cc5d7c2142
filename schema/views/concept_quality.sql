-- One row per judge run and anchor: on which concepts does it fail?
CREATE OR REPLACE VIEW concept_quality AS
SELECT
    run.rater_id AS rater,                                 -- who answered
    run.config ->> 'answer' AS answer,                     -- score or sample
    run.config ->> 'framing' AS framing,                   -- anchored or odd-one-out
    concept.word AS concept,                               -- the anchor of the questions
    count(*) AS n_answers,                                 -- answers about it
    avg((response.choice IS NULL)::DOUBLE) AS invalid_rate, -- share of them without a valid choice
    avg((response.choice = CASE WHEN response.flipped THEN 'right' ELSE 'left' END)::DOUBLE)
        AS first_option_rate,                              -- share of valid ones naming the option shown first
    mode(response.invalid_reason) AS main_reason,          -- the commonest reason for having no choice
    response.run_id
FROM response
JOIN run USING (run_id)
JOIN triplet ON triplet.triplet_set_id = run.triplet_set_id AND triplet.triplet_no = response.triplet_no
JOIN concept ON concept.concept_set_id = run.concept_set_id AND concept.position = triplet.anchor
GROUP BY response.run_id, run.rater_id, run.config, concept.word;
