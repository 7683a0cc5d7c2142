-- Why answers are no choices: per judge run and reason, how many and which share of its answers.
SELECT
    rater_shown.rater_name,
    config ->> 'answer' AS answer,
    invalid_reason AS reason,
    count(*) AS n_answers,
    count(*) / any_value(total) AS share,
    left(run_id, 8) AS run
FROM response
JOIN run USING (run_id)
JOIN rater_shown USING (rater_id)
JOIN (SELECT run_id, count(*) AS total FROM response GROUP BY 1) USING (run_id)
WHERE invalid_reason IS NOT NULL
GROUP BY ALL
ORDER BY rater_name, n_answers DESC
