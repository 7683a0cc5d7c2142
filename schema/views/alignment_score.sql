-- One row per alignment figure that a report may use: published ones, and the lab's own from the newest fit of each kind.
CREATE OR REPLACE VIEW alignment_score AS
SELECT
    rater_id,                                              -- whose concepts
    'published' AS origin,                                 -- published: from the literature; measured: from this lab
    metric,                                                -- the metric with its variant
    source AS reference,                                   -- published: publication and table; measured: name of the reference
    'as published' AS method,                              -- measured: fit, framing, way of answering, temperature where graded
    value AS alignment,                                    -- the figure
    1 AS n_fits,                                           -- fits of this kind in the lab; the newest is shown
    null_of.chance,                                        -- mean of coin flips through the same fit, else of shuffled concepts
    null_of.chance_p95,                                    -- 95th percentile of the same null
    value <= null_of.chance_p95 AS at_chance               -- the figure does not stand out from that null; NULL where none is known
FROM published_alignment
LEFT JOIN (SELECT metric, chance, chance_p95 FROM published_chance) AS null_of USING (metric)
UNION ALL
SELECT rater, 'measured', metric, reference, method, value, n_fits, chance, chance_p95, at_chance
FROM alignment
WHERE is_newest AND method IS NOT NULL;
