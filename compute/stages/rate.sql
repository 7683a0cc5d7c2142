-- Answers per second, on average over finished judge runs: of one rater, and of all.
SELECT avg(speed) FILTER (rater_id = ?), avg(speed)
FROM (
    SELECT run.rater_id, (detail ->> 'answered_now')::DOUBLE / (detail ->> 'seconds')::DOUBLE AS speed
    FROM run_event
    JOIN run USING (run_id)
    WHERE run.stage = 'judge' AND run_event.status = 'finished'
        AND (detail ->> 'answered_now')::INTEGER > 0 AND (detail ->> 'seconds')::DOUBLE > 0
)
