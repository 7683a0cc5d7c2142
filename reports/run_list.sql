-- Every run in the order of their beginnings, with what an open one had when it was last started.
SELECT
    run_cost.* EXCLUDE (rater_id, triplet_set_id, status_at),
    epoch(now()) - epoch(run_cost.status_at) AS seconds_since,
    coalesce((run_status.status_detail ->> 'answers')::BIGINT, 0) AS answers_before
FROM run_cost
JOIN run_status USING (run_id)
LEFT JOIN rater_shown ON rater_shown.rater_id = run_status.rater_id
WHERE run_status.rater_id IS NULL OR rater_shown.rater_id IS NOT NULL
ORDER BY run_cost.started_at, run_id
