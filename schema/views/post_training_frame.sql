-- One row per model and alignment figure with its place in a line of post-training, and one per cell of the paper's
-- Table 1 as printed. A line is what is left of a model's name without organisation and stage; a model whose stage is
-- unknown is base or it by whether it was instruction-tuned.
CREATE OR REPLACE VIEW post_training_frame AS
WITH staged AS (
    SELECT
        * EXCLUDE (post_training_stage),
        coalesce(post_training_stage, CASE WHEN instruction_tuned THEN 'it' ELSE 'base' END) AS post_training_stage,
        regexp_replace(
            regexp_replace(lower(rater_id), '^.*/', ''),
            '[-_.](base|pt|stage1|sft|dpo|rlvr|rlhf|instruct|chat|it)\b', '', 'g'
        ) AS lineage
    FROM ingredient_frame
    WHERE post_training_stage IS NOT NULL OR instruction_tuned IS NOT NULL
)
SELECT
    lineage,                                               -- the line: models that were made from one another
    CASE post_training_stage WHEN 'base-stage1' THEN 'base_stage1' ELSE post_training_stage END
        AS stage,                                          -- base_stage1, base, sft, dpo, rlvr, it (unspecified tuning)
    list_position(['base-stage1', 'base', 'sft', 'dpo', 'rlvr', 'it'], post_training_stage) AS stage_no, -- order of stages
    alignment,                                             -- the alignment figure
    rater_name,                                            -- the model (Table 1: models of Table 4 with exactly this figure)
    family,                                                -- model family
    instruction_tuned,                                     -- trained to follow instructions
    hidden_size,                                           -- width, to see that a line is of one shape
    n_layers,                                              -- layers, likewise
    origin,                                                -- published or measured
    metric_name,                                           -- the alignment metric with its variant
    reference,                                             -- what it is compared with
    method,                                                -- how it was judged and fitted
    CASE origin WHEN 'published' THEN 'table4' ELSE 'measured' END AS listing -- table4, table1 (as printed) or measured
FROM staged
UNION ALL
SELECT
    cell.lineage,
    replace(replace(lower(cell.stage), ' ', '_'), 'stage_1', 'stage1'),
    list_position(['base_stage1', 'base', 'sft', 'dpo', 'rlvr'], replace(replace(lower(cell.stage), ' ', '_'), 'stage_1', 'stage1')),
    cell.r2,
    (
        SELECT string_agg(rater_id, ', ' ORDER BY rater_id)
        FROM published_alignment
        WHERE metric = 'procrustes_r2' AND abs(value - cell.r2) < 1e-9
    ),
    NULL,
    NULL,
    NULL,
    NULL,
    'published',
    'procrustes_r2',
    'paper, Table 1',
    'as published',
    'table1'
FROM published_stage AS cell
WHERE cell.lineage <> 'Average';
