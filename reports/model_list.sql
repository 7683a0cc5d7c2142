-- Every model with its main ingredients: those with weights of their own first, then the suite's.
SELECT
    rater_name AS model,
    family,
    n_params,
    instruction_tuned,
    architecture,
    prompt_style,
    coalesce(counted.n_answers, 0) AS n_answers,
    weights,
    is_removed AS removed
FROM rater_current
JOIN model_current USING (rater_id)
LEFT JOIN (
    SELECT rater_id, count(*) AS n_answers FROM response JOIN run USING (run_id) GROUP BY rater_id
) AS counted USING (rater_id)
WHERE $everyone OR (NOT is_removed AND rater_id IN (SELECT rater_id FROM rater_shown))
ORDER BY removed, weights IS NULL, family, n_params, model
