-- Published figures as rows of the ranking; $1 is the metric, $2 the reference, NULL for every one.
SELECT rater_name, rater_id, origin, reference, metric_name, alignment AS value, chance, chance_p95, at_chance
FROM alignment_score
WHERE origin = 'published' AND metric_name = $1 AND ($2 IS NULL OR reference = $2)
