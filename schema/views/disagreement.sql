-- One row per question that two raters, or a rater and a reference, answer differently: both as (A, B) and as (B, A).
-- How A and B differ: SELECT * FROM disagreement WHERE rater_name = 'A' AND other_name = 'B'.
-- Raters are joined to their answers first, so that a query about two of them reads the answers of those two only.
CREATE OR REPLACE VIEW disagreement AS
WITH given AS NOT MATERIALIZED (
    SELECT
        rater.rater_name, rater.kind, answered.rater_id, answered.run_id, answered.answer, answered.framing,
        answered.concept_set_id, answered.triplet_set_id, answered.triplet_no, answered.flipped, answered.repeat,
        answered.anchor, answered.left_item, answered.right_item, answered.choice,
        answered.logprob_left - answered.logprob_right AS preference
    FROM answered
    JOIN rater_shown AS rater ON rater.rater_id = answered.rater_id
    WHERE answered.choice IS NOT NULL AND NOT answered.is_read_again
),
pairs AS (
    SELECT
        given.*, other.rater_id AS other_id, other.rater_name AS other_name, other.kind AS other_kind,
        other.choice AS other_side, other.preference AS other_preference, other.answer AS other_answer,
        other.run_id AS other_run_id
    FROM given
    JOIN given AS other
        ON other.triplet_set_id = given.triplet_set_id AND other.triplet_no = given.triplet_no
        AND other.flipped = given.flipped AND other.repeat = given.repeat AND other.framing = given.framing
        AND other.rater_id <> given.rater_id AND other.choice <> given.choice
    UNION ALL
    SELECT
        given.*, reference_id, reference, 'reference',
        CASE given.framing WHEN 'anchored' THEN anchored ELSE odd_one_out END AS side, margin, NULL, NULL
    FROM given
    JOIN reference_answer USING (triplet_set_id, triplet_no)
    WHERE side <> given.choice
)
SELECT
    pairs.rater_name,                                      -- one who answered
    pairs.other_name,                                      -- the other, who answered otherwise: a rater or a reference
    pairs.other_kind,                                      -- llm, human, vectors, simulated or reference
    anchor.word AS anchor,                                 -- the item asked about
    left_concept.word AS left_item,                        -- the left option of the triplet
    right_concept.word AS right_item,                      -- the right option
    CASE pairs.choice WHEN 'left' THEN left_concept.word WHEN 'right' THEN right_concept.word END AS choice, -- the option named nearer to the anchor
    CASE pairs.other_side WHEN 'left' THEN left_concept.word WHEN 'right' THEN right_concept.word END AS other_choice, -- the other's
    pairs.preference,                                      -- ln odds of left over right, where scored
    pairs.other_preference,                                -- the other's; of a reference how much nearer left is, in its units
    pairs.answer,                                          -- score, sample or imported
    pairs.other_answer,                                    -- the other's; NULL for a reference
    pairs.framing,                                         -- anchored or odd-one-out
    pairs.flipped,                                         -- options shown right, left
    pairs.repeat,                                          -- 0 for the first asking
    pairs.choice AS side,                                  -- left, right, or apart
    pairs.other_side,                                      -- the other's
    pairs.concept_set_id,                                  -- the concepts
    pairs.triplet_set_id,                                  -- the questions
    pairs.triplet_no,                                      -- number of the question in its set
    pairs.rater_id,                                        -- key of the rater
    pairs.other_id,                                        -- key of the other: a rater's, or the embedding of the reference
    pairs.run_id,                                          -- the judge run
    pairs.other_run_id                                     -- the other's; NULL for a reference
FROM pairs
LEFT JOIN concept AS anchor ON anchor.concept_set_id = pairs.concept_set_id AND anchor.position = pairs.anchor
LEFT JOIN concept AS left_concept
    ON left_concept.concept_set_id = pairs.concept_set_id AND left_concept.position = pairs.left_item
LEFT JOIN concept AS right_concept
    ON right_concept.concept_set_id = pairs.concept_set_id AND right_concept.position = pairs.right_item;
