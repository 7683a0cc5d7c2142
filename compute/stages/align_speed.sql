-- Of a finished alignment that made refits: seconds a refit, seconds of all else, and its answers. Of those of fits by the
-- same loss and number of dimensions, on the same device, the one whose number of answers is nearest.
SELECT
    (ended.detail ->> 'refit_seconds')::DOUBLE / (ended.detail ->> 'n_refits')::DOUBLE AS each_refit,
    (ended.detail ->> 'seconds')::DOUBLE - (ended.detail ->> 'refit_seconds')::DOUBLE AS other_seconds,
    (ended.detail ->> 'n_answers')::DOUBLE AS n_answers
FROM run
JOIN run AS fit ON fit.run_id = run.parent_run_id
JOIN run_event AS ended ON ended.run_id = run.run_id AND ended.status = 'finished'
JOIN run_event AS started ON started.run_id = run.run_id AND started.status = 'started'
WHERE run.stage = 'align' AND (ended.detail ->> 'n_refits')::INTEGER > 0 AND (started.detail ->> 'device') = $device
    AND (fit.config ->> 'algorithm') = $algorithm AND (fit.config ->> 'n_dims')::INTEGER IS NOT DISTINCT FROM $n_dims
ORDER BY abs(ln((ended.detail ->> 'n_answers')::DOUBLE / $n_answers)), ended.happened_at DESC
LIMIT 1
