-- What coin flips give in the literature's own recipe, where no figure of this lab can say: one row per published metric.
CREATE OR REPLACE VIEW published_chance AS
SELECT
    'procrustes_r2' AS metric_name,                        -- the metric
    0.119::DOUBLE AS chance,                               -- mean over simulated coin flippers
    0.132::DOUBLE AS chance_p95,                           -- their 95th percentile: figures up to it are at chance
    0.144::DOUBLE AS greatest,                             -- the best of them
    1000 AS n_flippers,                                    -- how many there were
    '1,000 simulated coin flippers through the paper''s recipe, against VICE in 30 dimensions' AS source -- how they were made
;
