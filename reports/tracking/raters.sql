-- Raters with a finished run, of those in $1 unless it is NULL: their ingredients, how long they have been at work, and their newest fit of any kind.
SELECT rater.rater_id, rater.rater_name, newest.run_id AS fit, worked.* EXCLUDE (rater_id), rater.kind, rater.description,
    model_current.* EXCLUDE (rater_id)
FROM rater_current AS rater
JOIN (
    SELECT rater_id, epoch_ms(min(created_at)) AS started, epoch_ms(max(status_at)) AS ended
    FROM run_status
    WHERE status = 'finished'
    GROUP BY rater_id
) AS worked USING (rater_id)
LEFT JOIN (
    SELECT rater_id, run_id
    FROM fit
    WHERE is_shown
    QUALIFY row_number() OVER (PARTITION BY rater_id ORDER BY created_at DESC, embedding_id) = 1
) AS newest USING (rater_id)
LEFT JOIN model_current USING (rater_id)
WHERE $1 IS NULL OR list_contains($1, rater.rater_id)
ORDER BY rater.rater_id
