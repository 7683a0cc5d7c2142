-- How a rater answered in its last run of this kind: answers a second, and the seconds before the first (NULL in old runs).
-- Runs cut short after a few answers count only where there is no longer one.
SELECT
    (asked.detail ->> 'answered_now')::DOUBLE / (asked.detail ->> 'seconds')::DOUBLE AS rate,
    (
        SELECT arg_max((started.detail ->> 'load_seconds')::DOUBLE, started.happened_at)
        FROM run_event AS started
        WHERE started.run_id = asked.run_id AND started.status = 'started' AND started.happened_at < asked.happened_at
    ) AS load_seconds
FROM run_event AS asked
JOIN judge_run USING (run_id)
WHERE judge_run.rater_id = ? AND judge_run.answer = ? AND judge_run.framing = ?
    AND asked.status IN ('finished', 'failed', 'interrupted')
    AND (asked.detail ->> 'answered_now')::INTEGER > 0 AND (asked.detail ->> 'seconds')::DOUBLE > 0
ORDER BY (asked.detail ->> 'answered_now')::INTEGER >= 32 DESC, asked.happened_at DESC
LIMIT 1
