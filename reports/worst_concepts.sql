-- Per judge run the $1 concepts with the most invalid answers.
SELECT * EXCLUDE (run_id, rater_id), left(run_id, 8) AS run
FROM concept_quality
WHERE invalid_rate > 0
QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY invalid_rate DESC, anchor) <= $1
ORDER BY rater_name, run, invalid_rate DESC, anchor
