-- The raters of the lab that were not removed: those that answered first, then those with weights of their own, then the rest.
SELECT
    rater_name,
    answered OR weights IS NOT NULL AS is_own
FROM (
    SELECT *, EXISTS (SELECT 1 FROM run WHERE run.rater_id = rater_current.rater_id AND stage = 'judge') AS answered
    FROM rater_current
    LEFT JOIN model_current USING (rater_id)
    WHERE NOT is_removed
)
ORDER BY NOT answered, weights IS NULL, rater_name
