-- The shown alignment figures of one rater ($1, its key), of one metric ($2) and reference ($3) where these are not NULL, with
-- what says whether two raters' draws are of the same questions.
SELECT
    alignment.reference, alignment.metric_name, fit, answers, temperature, framing, alignment.concept_set_id, value,
    n_answers, n_draws, alignment.run_id, align.seed, embed.triplet_set_id
FROM alignment
JOIN run AS align ON align.run_id = alignment.run_id
LEFT JOIN run AS embed ON embed.run_id = align.parent_run_id
WHERE is_shown AND alignment.rater_id = $1 AND ($2 IS NULL OR metric_name = $2) AND ($3 IS NULL OR reference = $3)
