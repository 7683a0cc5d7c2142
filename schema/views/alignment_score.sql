-- One row per alignment figure that a report may use: published ones, and the lab's own from the newest fit of each kind.
CREATE OR REPLACE VIEW alignment_score AS
SELECT
    rater_id,                                              -- whose concepts
    'published' AS origin,                                 -- published: from the literature; measured: from this lab
    metric,                                                -- the metric with its variant
    source AS reference,                                   -- published: publication and table; measured: name of the reference
    'as published' AS method,                              -- measured: fit, framing and way of answering
    value AS alignment,                                    -- the figure
    1 AS n_fits                                            -- fits of this kind in the lab; the newest is shown
FROM published_alignment
UNION ALL
SELECT
    fit.rater_id,
    'measured',
    metric.name,
    reference.name,
    concat_ws(', ', fit.name, fit.n_dims || 'D', judge.config ->> 'framing', judge.config ->> 'answer') AS method,
    arg_max(metric.value, fit.created_at),
    count(*)
FROM metric
JOIN embedding AS fit ON fit.embedding_id = metric.embedding_id
JOIN embedding AS reference ON reference.embedding_id = metric.reference_id
LEFT JOIN run AS embed ON embed.run_id = fit.run_id
LEFT JOIN run AS judge ON judge.run_id = embed.parent_run_id
WHERE fit.role = 'fitted'
GROUP BY fit.rater_id, metric.name, reference.name, method;
