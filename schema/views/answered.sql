-- One row per answer, with the positions of its question and how it was asked: what every reading of answers starts from.
CREATE OR REPLACE VIEW answered AS
SELECT
    response.run_id,                                       -- the judge run
    judge_run.rater_id,                                    -- who answered
    judge_run.answer,                                      -- score, sample or imported
    judge_run.framing,                                     -- anchored or odd-one-out
    judge_run.concept_set_id,                              -- the concepts that the positions index
    judge_run.triplet_set_id,                              -- the questions
    response.triplet_no,                                   -- number of the question in its set
    response.flipped,                                      -- options shown right, left
    response.repeat,                                       -- 0 for the first asking
    triplet.anchor,                                        -- position of the item asked about
    triplet.left_item,                                     -- position of the left option
    triplet.right_item,                                    -- position of the right option
    response.choice,                                       -- left, right, or apart (odd-one-out: the anchor is the odd one); NULL when invalid
    response.choice = CASE WHEN response.flipped THEN 'right' ELSE 'left' END AS chose_first, -- chose what was shown first
    response.invalid_reason,                               -- why there is no choice
    response.raw_text,                                     -- the text given, where there is one
    response.logprob_anchor,                               -- ln P(naming the anchor), odd-one-out only
    response.logprob_left,                                 -- ln P(naming the left option)
    response.logprob_right,                                -- ln P(naming the right option)
    judge_run.is_read_again                                -- a later rule read these texts again, in another run
FROM response
JOIN judge_run USING (run_id)
JOIN triplet ON triplet.triplet_set_id = judge_run.triplet_set_id AND triplet.triplet_no = response.triplet_no;
