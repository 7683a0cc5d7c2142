-- Raw answers as people read them: one row per answer, with words instead of positions.
CREATE OR REPLACE VIEW judgment AS
SELECT
    run.rater_id AS rater,                                 -- who answered
    anchor.word AS anchor,                                 -- the item asked about
    left_concept.word AS left_item,                        -- the options of the triplet …
    right_concept.word AS right_item,
    CASE response.choice
        WHEN 'left' THEN left_concept.word
        WHEN 'right' THEN right_concept.word
    END AS choice,                                         -- the option named nearer to the anchor; NULL when invalid
    response.choice AS side,                               -- left, right, or apart (odd-one-out: the anchor is the odd one)
    response.choice = CASE WHEN response.flipped THEN 'right' ELSE 'left' END AS chose_first, -- chose what was shown first
    response.invalid_reason,                               -- why there is no choice
    response.raw_text,                                     -- the text given, where there is one
    response.logprob_left - response.logprob_right AS preference, -- ln odds of left over right, where scored
    response.logprob_anchor, response.logprob_left, response.logprob_right, -- ln P(naming each)
    run.config ->> 'answer' AS answer,                     -- score or sample
    run.config ->> 'framing' AS framing,                   -- anchored or odd-one-out
    response.flipped,                                      -- options shown right, left
    response.repeat,                                       -- 0 for the first asking
    response.triplet_no, run.triplet_set_id, response.run_id,
    triplet.anchor AS anchor_position, triplet.left_item AS left_position, triplet.right_item AS right_position
FROM response
JOIN run USING (run_id)
JOIN triplet ON triplet.triplet_set_id = run.triplet_set_id AND triplet.triplet_no = response.triplet_no
JOIN concept AS anchor ON anchor.concept_set_id = run.concept_set_id AND anchor.position = triplet.anchor
JOIN concept AS left_concept
    ON left_concept.concept_set_id = run.concept_set_id AND left_concept.position = triplet.left_item
JOIN concept AS right_concept
    ON right_concept.concept_set_id = run.concept_set_id AND right_concept.position = triplet.right_item;
