-- Raw answers as people read them: one row per answer, with words instead of positions, and what the main reference says.
-- The words are joined from the left: inner joins let the planner pair concepts with concepts first, n³ rows of them.
CREATE OR REPLACE VIEW judgment AS
SELECT
    rater.rater_name,                                      -- who answered
    anchor.word AS anchor,                                 -- the item asked about
    left_concept.word AS left_item,                        -- the left option of the triplet
    right_concept.word AS right_item,                      -- the right option
    CASE answered.choice
        WHEN 'left' THEN left_concept.word
        WHEN 'right' THEN right_concept.word
    END AS choice,                                         -- the option named nearer to the anchor; NULL when invalid
    answered.choice AS side,                               -- left, right, or apart (odd-one-out: the anchor is the odd one)
    answered.chose_first,                                  -- chose what was shown first
    answered.invalid_reason,                               -- why there is no choice
    answered.raw_text,                                     -- the text given, where there is one
    answered.logprob_left - answered.logprob_right AS preference, -- ln odds of left over right, where scored
    answered.logprob_anchor,                               -- ln P(naming the anchor), odd-one-out only
    answered.logprob_left,                                 -- ln P(naming the left option)
    answered.logprob_right,                                -- ln P(naming the right option)
    reference.reference,                                   -- the concept set's main reference, where it has one
    CASE CASE answered.framing WHEN 'anchored' THEN reference_answer.anchored ELSE reference_answer.odd_one_out END
        WHEN 'left' THEN left_concept.word
        WHEN 'right' THEN right_concept.word
    END AS reference_choice,                               -- the option nearer to the anchor in that reference
    answered.answer,                                       -- score, sample or imported
    answered.framing,                                      -- anchored or odd-one-out
    answered.flipped,                                      -- options shown right, left
    answered.repeat,                                       -- 0 for the first asking
    answered.triplet_no,                                   -- number of the question in its set
    anchor.category AS anchor_category,                    -- category of the anchor, where the set has them
    left_concept.category AS left_category,                -- category of the left option
    right_concept.category AS right_category,              -- category of the right option
    answered.concept_set_id,                               -- the concepts
    answered.triplet_set_id,                               -- the questions
    answered.rater_id,                                     -- key of the rater
    answered.run_id,                                       -- the judge run
    answered.anchor AS anchor_position,                    -- position of the anchor in the concept set
    answered.left_item AS left_position,                   -- position of the left option
    answered.right_item AS right_position                  -- position of the right option
FROM answered
JOIN rater_current AS rater ON rater.rater_id = answered.rater_id
LEFT JOIN main_reference AS reference ON reference.concept_set_id = answered.concept_set_id
LEFT JOIN reference_answer
    ON reference_answer.reference_id = reference.reference_id
    AND reference_answer.triplet_set_id = answered.triplet_set_id AND reference_answer.triplet_no = answered.triplet_no
LEFT JOIN concept AS anchor ON anchor.concept_set_id = answered.concept_set_id AND anchor.position = answered.anchor
LEFT JOIN concept AS left_concept
    ON left_concept.concept_set_id = answered.concept_set_id AND left_concept.position = answered.left_item
LEFT JOIN concept AS right_concept
    ON right_concept.concept_set_id = answered.concept_set_id AND right_concept.position = answered.right_item;
