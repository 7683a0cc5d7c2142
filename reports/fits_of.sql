-- The fits of one rater ($1, its key) over concepts that have the reference $2 (NULL: any), in the concept set $3 (NULL:
-- any): first the one with most answers, then most refits, then the newest; of equal ones the fit to choices.
SELECT
    fit.embedding_id, fit.concept_set_id, fit.method, fit.framing, fit.n_answers, fit.judge_run_id,
    coalesce(counted.n, 0) AS n_refits
FROM fit
LEFT JOIN (SELECT embedding_id, count(*) FILTER (position = 0) AS n FROM refit GROUP BY embedding_id) AS counted
    ON counted.embedding_id = fit.embedding_id
WHERE fit.rater_id = $1
    AND ($2 IS NULL OR fit.concept_set_id IN (SELECT concept_set_id FROM embedding WHERE role = 'reference' AND name = $2))
    AND ($3 IS NULL OR fit.concept_set_id = $3)
ORDER BY
    fit.is_read_again, fit.n_answers DESC NULLS LAST, n_refits DESC, fit.answers = 'hard' DESC NULLS LAST, fit.created_at DESC, fit.embedding_id
