-- Which figures of one scope do not stand out from random answers.
SELECT rater_id, at_chance
FROM alignment_score
WHERE origin = $origin AND metric_name = $metric_name AND reference = $reference AND method = $method
