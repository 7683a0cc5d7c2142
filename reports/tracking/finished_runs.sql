-- The finished runs among $1, in the order they were finished, with what their judges said of themselves.
SELECT status.*, rater_current.rater_name, run.seed, run.concept_set_id, run.git_commit, run.versions, started.judge
FROM run_status AS status
JOIN run USING (run_id)
LEFT JOIN rater_current ON rater_current.rater_id = status.rater_id
LEFT JOIN (
    SELECT run_id, arg_max(detail ->> 'judge', happened_at) AS judge
    FROM run_event
    WHERE status = 'started'
    GROUP BY run_id
) AS started USING (run_id)
WHERE list_contains($1, status.run_id) AND status.status = 'finished'
ORDER BY status.status_at, status.run_id
