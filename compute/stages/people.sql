-- Finished judge runs of people about a concept set; a participant's answers are in the run of the pool already.
SELECT run.run_id
FROM run
JOIN rater USING (rater_id)
JOIN run_status USING (run_id)
WHERE run.stage = 'judge' AND rater.kind = 'human' AND run_status.status = 'finished' AND run.concept_set_id = ?
    AND (run.config ->> '$.judge.participant') IS NULL
ORDER BY run.run_id
