-- Raw answers as people read them: one row per answer, with words instead of positions.
-- The words are joined from the left: inner joins let the planner pair concepts with concepts first, n³ rows of them.
CREATE OR REPLACE VIEW judgment AS
SELECT
    answered.rater_id AS rater,                            -- who answered
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
    answered.answer,                                       -- score, sample or imported
    answered.framing,                                      -- anchored or odd-one-out
    answered.flipped,                                      -- options shown right, left
    answered.repeat,                                       -- 0 for the first asking
    answered.triplet_no,                                   -- number of the question in its set
    answered.triplet_set_id,                               -- the questions
    answered.run_id,                                       -- the judge run
    answered.anchor AS anchor_position,                    -- position of the anchor in the concept set
    answered.left_item AS left_position,                   -- position of the left option
    answered.right_item AS right_position                  -- position of the right option
FROM answered
LEFT JOIN concept AS anchor ON anchor.concept_set_id = answered.concept_set_id AND anchor.position = answered.anchor
LEFT JOIN concept AS left_concept
    ON left_concept.concept_set_id = answered.concept_set_id AND left_concept.position = answered.left_item
LEFT JOIN concept AS right_concept
    ON right_concept.concept_set_id = answered.concept_set_id AND right_concept.position = answered.right_item;
