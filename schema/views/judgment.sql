-- Raw answers as people read them: one row per answer, with words instead of positions, and what the main reference says.
-- The words are joined from the left: inner joins let the planner pair concepts with concepts first, n³ rows of them.
-- What the reference says is as in view reference_answer, but worked out where a query asks for it only.
CREATE OR REPLACE VIEW judgment AS
WITH answered_in_words AS (
    SELECT
        answered.*,
        anchor.word AS anchor_word, left_concept.word AS left_word, right_concept.word AS right_word,
        anchor.category AS anchor_category, left_concept.category AS left_category, right_concept.category AS right_category,
        anchor.reference,
        list_distance(anchor.vector, left_concept.vector) AS to_left,
        list_distance(anchor.vector, right_concept.vector) AS to_right,
        CASE WHEN framing = 'odd-one-out' THEN list_distance(left_concept.vector, right_concept.vector) END AS between
    FROM answered
    LEFT JOIN concept_in_reference AS anchor
        ON anchor.concept_set_id = answered.concept_set_id AND anchor.position = answered.anchor
    LEFT JOIN concept_in_reference AS left_concept
        ON left_concept.concept_set_id = answered.concept_set_id AND left_concept.position = answered.left_item
    LEFT JOIN concept_in_reference AS right_concept
        ON right_concept.concept_set_id = answered.concept_set_id AND right_concept.position = answered.right_item
    WHERE NOT answered.is_read_again
)
SELECT
    rater.rater_name,                                      -- who answered
    answered.anchor_word AS anchor,                        -- the item asked about
    answered.left_word AS left_item,                       -- the left option of the triplet
    answered.right_word AS right_item,                     -- the right option
    CASE answered.choice
        WHEN 'left' THEN answered.left_word
        WHEN 'right' THEN answered.right_word
    END AS choice,                                         -- the option named nearer to the anchor; NULL when invalid
    answered.choice AS side,                               -- left, right, or apart (odd-one-out: the anchor is the odd one)
    answered.chose_first,                                  -- chose what was shown first
    answered.invalid_reason,                               -- why there is no choice
    answered.raw_text,                                     -- the text given, where there is one
    answered.logprob_left - answered.logprob_right AS preference, -- ln odds of left over right, where scored
    answered.logprob_anchor,                               -- ln P(naming the anchor), odd-one-out only
    answered.logprob_left,                                 -- ln P(naming the left option)
    answered.logprob_right,                                -- ln P(naming the right option)
    answered.reference,                                    -- the concept set's main reference, where it has one
    CASE
        WHEN to_left < least(to_right, between) * (1 - 1e-9) THEN answered.left_word
        WHEN to_right < least(to_left, between) * (1 - 1e-9) THEN answered.right_word
    END AS reference_choice,                               -- the option nearer to the anchor in that reference; NULL for a tie or an odd anchor
    answered.answer,                                       -- score, sample or imported
    answered.framing,                                      -- anchored or odd-one-out
    answered.flipped,                                      -- options shown right, left
    answered.repeat,                                       -- 0 for the first asking
    answered.triplet_no,                                   -- number of the question in its set
    answered.anchor_category,                              -- category of the anchor, where the set has them
    answered.left_category,                                -- category of the left option
    answered.right_category,                               -- category of the right option
    answered.concept_set_id,                               -- the concepts
    answered.triplet_set_id,                               -- the questions
    answered.rater_id,                                     -- key of the rater
    answered.run_id,                                       -- the judge run
    answered.anchor AS anchor_position,                    -- position of the anchor in the concept set
    answered.left_item AS left_position,                   -- position of the left option
    answered.right_item AS right_position                  -- position of the right option
FROM answered_in_words AS answered
JOIN rater_current AS rater ON rater.rater_id = answered.rater_id;
