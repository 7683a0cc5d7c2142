-- Seconds of a finished fit by the same loss and number of dimensions, and its answers: of those on the same device the one
-- whose number of answers is nearest.
SELECT (ended.detail ->> 'seconds')::DOUBLE / (run.config ->> 'n_restarts')::DOUBLE AS seconds, (ended.detail ->> 'n_answers')::DOUBLE AS n_answers
FROM run
JOIN run_event AS ended ON ended.run_id = run.run_id AND ended.status = 'finished'
JOIN run_event AS started ON started.run_id = run.run_id AND started.status = 'started'
WHERE run.stage = 'embed' AND (started.detail ->> 'device') = $device
    AND (run.config ->> 'algorithm') = $algorithm AND (run.config ->> 'n_dims')::INTEGER IS NOT DISTINCT FROM $n_dims
ORDER BY abs(ln((ended.detail ->> 'n_answers')::DOUBLE / $n_answers)), ended.happened_at DESC
LIMIT 1
