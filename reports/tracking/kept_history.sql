-- The history of the restart that was kept of an embed run ($1), step by step.
SELECT *
FROM fit_history
WHERE run_id = $1 AND restart = (
    SELECT arg_min(fit_history.restart, abs(fit_history.train_loss - embedding.train_loss))
    FROM fit_history
    JOIN embedding USING (run_id)
    WHERE run_id = $1
)
ORDER BY step
