-- One row per model, alignment figure and benchmark score.
-- Scores of different harnesses and scales do not compare, so a correlation takes rows with is_comparable only:
-- SELECT benchmark, regr_count(alignment, score) AS n, corr(alignment, score) AS r FROM benchmark_frame
-- WHERE origin = 'published' AND is_comparable GROUP BY benchmark.
CREATE OR REPLACE VIEW benchmark_frame AS
WITH scored AS (
    -- The harness is the source without its dtype, its route ("via …") and its remarks in brackets.
    SELECT *, regexp_replace(source, '( \(|, via| /).*$', '') AS harness FROM benchmark_score
),
commonest AS (
    SELECT benchmark, harness, scale, count(DISTINCT rater_id) AS n_raters
    FROM scored
    WHERE is_primary
    GROUP BY benchmark, harness, scale
    QUALIFY row_number() OVER (PARTITION BY benchmark ORDER BY n_raters DESC, harness, scale) = 1
),
marked AS (
    SELECT
        scored.*,
        scored.is_primary AND commonest.harness IS NOT NULL
            AND row_number() OVER (
                PARTITION BY rater_id, benchmark, harness, scale ORDER BY is_primary DESC, source
            ) = 1 AS is_comparable
    FROM scored
    LEFT JOIN commonest USING (benchmark, harness, scale)
)
SELECT
    alignment_score.rater_id,                              -- key of the model
    alignment_score.rater_name,                            -- the model
    alignment_score.origin,                                -- published or measured
    alignment_score.metric_name,                           -- the alignment metric with its variant
    alignment_score.reference,                             -- what it is compared with
    alignment_score.method,                                -- how it was judged and fitted
    alignment_score.alignment,                             -- the alignment figure
    marked.benchmark,                                      -- IFEval, BBH, MATH, GPQA, MUSR, MMLU, MMLU-PRO …
    marked.score,                                          -- the score, in the unit of `scale`
    marked.scale,                                          -- unit of the score
    marked.harness,                                        -- who measured it, in what setting
    marked.source,                                         -- the same as stored, with dtype and route
    marked.is_primary,                                     -- marked as primary where it was collected
    marked.is_comparable,                                  -- primary, and of the benchmark's commonest harness and scale
    marked.confidence,                                     -- high, medium or low
    model.instruction_tuned,                               -- trained to follow instructions
    model.family,                                          -- model family
    model.n_params                                         -- parameters, in billions
FROM alignment_score
JOIN marked ON marked.rater_id = alignment_score.rater_id
JOIN rater_shown ON rater_shown.rater_id = alignment_score.rater_id AND (NOT is_stand_in OR is_named)
LEFT JOIN model_current AS model ON model.rater_id = alignment_score.rater_id;
