-- One row per judge run, its configuration unpacked.
CREATE OR REPLACE VIEW judge_run AS
SELECT
    run_id,                                                -- the judge run
    rater_id,                                              -- who answers
    config ->> 'answer' AS answer,                         -- score, sample or imported
    config ->> 'framing' AS framing,                       -- anchored or odd-one-out
    config ->> 'orders' AS orders,                         -- drawn: options shown as they were drawn; both: and the other way round
    (config ->> 'repeats')::INTEGER AS repeats,            -- how often each question is asked
    (config ->> 'n_questions')::BIGINT AS n_questions,     -- answers it will have when it is finished
    config -> 'judge' AS judge,                            -- what the judge says it is
    config ->> 'texts_of' AS texts_of,                     -- the run whose texts it reads again, where it does
    EXISTS (
        FROM run AS later
        JOIN run_event ON run_event.run_id = later.run_id AND run_event.status = 'finished'
        WHERE later.stage = 'judge' AND (later.config ->> 'texts_of') = run.run_id
    ) AS is_read_again,                                    -- a later rule read its texts again, in another run: that one is shown
    concept_set_id,                                        -- the concepts
    triplet_set_id,                                        -- the questions
    created_at                                             -- when it was first started
FROM run
WHERE stage = 'judge';
