-- One row per line that has both a base model and one tuned from it: the furthest stage there is.
-- The mean change: SELECT count(*) AS n, avg(difference) FROM model_pair WHERE origin = 'published'.
CREATE OR REPLACE VIEW model_pair AS
WITH lined AS (
    SELECT * FROM post_training_frame WHERE listing <> 'table1'
),
base AS (
    SELECT * FROM lined
    WHERE stage = 'base' AND NOT instruction_tuned
    QUALIFY row_number() OVER (PARTITION BY lineage, origin, metric_name, reference, method ORDER BY rater_name) = 1
),
tuned AS (
    SELECT * FROM lined
    WHERE instruction_tuned
    QUALIFY row_number()
        OVER (PARTITION BY lineage, origin, metric_name, reference, method ORDER BY stage_no DESC, rater_name) = 1
)
SELECT
    lineage,                                               -- the line
    base.rater_name AS base_rater,                           -- the base model
    tuned.rater_name AS tuned_rater,                         -- the model tuned from it, furthest stage
    tuned.stage AS tuned_stage,                            -- that stage
    base.alignment AS base_alignment,                      -- alignment of the base model
    tuned.alignment AS tuned_alignment,                    -- alignment of the tuned one
    tuned.alignment - base.alignment AS difference,        -- what tuning changed
    base.hidden_size IS NOT DISTINCT FROM tuned.hidden_size AND base.n_layers IS NOT DISTINCT FROM tuned.n_layers
        AS same_shape,                                     -- width and layers agree, as they must in one line
    base.family,                                           -- model family
    origin,                                                -- published or measured
    metric_name,                                           -- the alignment metric with its variant
    reference,                                             -- what it is compared with
    method                                                 -- how it was judged and fitted
FROM base
JOIN tuned USING (lineage, origin, metric_name, reference, method);
