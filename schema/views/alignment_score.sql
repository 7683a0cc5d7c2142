-- One row per alignment figure that a report may use: published ones, and the lab's own that are shown (view alignment).
CREATE OR REPLACE VIEW alignment_score AS
SELECT
    published_alignment.rater_id,                          -- key of the rater
    rater_name,                                            -- whose concepts
    'published' AS origin,                                 -- published: from the literature; measured: from this lab
    metric AS metric_name,                                 -- the metric with its variant
    source AS reference,                                   -- published: publication and table; measured: name of the reference
    'as published' AS method,                              -- measured: fit, framing, way of answering, temperature where graded
    value AS alignment,                                    -- the figure
    NULL::BIGINT AS n_answers,                             -- valid answers behind it; NULL where unknown
    1 AS n_fits,                                           -- fits of this kind in the lab; the one with most answers is shown
    null_of.chance,                                        -- mean of coin flips through the same fit, else of shuffled concepts
    null_of.chance_p95,                                    -- 95th percentile of the same null
    value <= null_of.chance_p95 AS at_chance               -- the figure does not stand out from that null; NULL where none is known
FROM published_alignment
JOIN rater_shown USING (rater_id)
LEFT JOIN (SELECT metric_name, chance, chance_p95 FROM published_chance) AS null_of ON null_of.metric_name = published_alignment.metric
UNION ALL
SELECT rater_id, rater_name, 'measured', metric_name, reference, method, value, n_answers, n_fits, chance, chance_p95, at_chance
FROM alignment
WHERE is_shown AND method IS NOT NULL;
