-- One row per alignment figure of this lab, with what it needs to be read: interval, chance, ceiling.
-- Intervals are percentiles of the draws, moved so that the draws' mean is the figure: refits to resampled answers see
-- fewer different answers and score lower than the figure itself (R² of a good rater by 0.03, five times the interval's
-- half width), so that the unmoved interval would not even hold it. Shifts are shown; the draws are in metric_draw.
CREATE OR REPLACE VIEW alignment AS
WITH drawn AS (
    SELECT
        draw.run_id, draw.name, draw.kind,
        count(*) AS n,
        avg(draw.value) AS mean,
        quantile_cont(draw.value, 0.025) AS low,
        quantile_cont(draw.value, 0.975) AS high,
        quantile_cont(draw.value, 0.95) AS p95,
        (1 + count(*) FILTER (draw.value >= metric.value)) / (1 + count(*)) AS p
    FROM metric_draw AS draw
    JOIN metric ON metric.run_id = draw.run_id AND metric.name = draw.name
    GROUP BY draw.run_id, draw.name, draw.kind
)
SELECT
    rater.rater_name,                                      -- whose concepts
    rater.kind,                                            -- llm, human, vectors or simulated
    reference.name AS reference,                           -- what they are compared with
    metric.name AS metric_name,                            -- the metric with its variant
    embedded.name AS fit,                                  -- algorithm, dimensions, and answers hard or graded
    fit.answers,                                           -- hard (the choices) or graded (the log-probabilities)
    fit.temperature,                                       -- of the graded answers; R² depends on it
    fit.framing,                                           -- anchored or odd-one-out
    fit.answer,                                            -- score, sample or imported
    metric.value,                                          -- the figure
    metric.value + coalesce(answer.low - answer.mean, concept.low - concept.mean) AS low, -- 95% interval: over answers, refitted; else over concepts
    metric.value + coalesce(answer.high - answer.mean, concept.high - concept.mean) AS high, -- its upper end
    metric.value + concept.low - concept.mean AS concepts_low, -- 95% interval over concepts, without refits
    metric.value + concept.high - concept.mean AS concepts_high, -- its upper end
    coalesce(coin.mean, shuffled.mean) AS chance,          -- mean of coin flips through the same fit, else of shuffled concepts
    coalesce(coin.p95, shuffled.p95) AS chance_p95,        -- 95th percentile of the same null
    coalesce(coin.p, shuffled.p) AS p,                     -- (1 + null draws at or above the figure) / (1 + null draws)
    CASE WHEN coalesce(coin.n, shuffled.n) >= 20 THEN coalesce(coin.p, shuffled.p) > 0.05 END
        AS at_chance,                                      -- the figure does not stand out from that null; NULL below 20 draws
    CASE WHEN coin.n IS NOT NULL THEN 'coin_flips' WHEN shuffled.n IS NOT NULL THEN 'permutation' END AS chance_kind, -- which null that is
    shuffled.mean AS permutation_mean,                     -- the permutation null: the same space, concepts shuffled
    shuffled.p95 AS permutation_p95,                       -- its 95th percentile
    shuffled.p AS permutation_p,                           -- p against it: an easier null than coins for a space with structure
    ceiling.mean AS ceiling,                               -- simulated people, erring as people do, same questions and fit
    noise_free.mean AS ceiling_deterministic,              -- the same people when they never err; R² can be lower than the ceiling
    halves.mean AS split_half,                             -- the lab's own human answers, one half against the other
    (metric.value - coalesce(coin.mean, shuffled.mean)) / nullif(ceiling.mean - coalesce(coin.mean, shuffled.mean), 0)
        AS share,                                          -- share of the way from chance to ceiling; may pass 0 and 1
    embedded.heldout_accuracy,                             -- share of held-out answers the fit predicts
    answer.mean - metric.value AS answers_shift,           -- what resampling answers does to the mean of the draws
    concept.mean - metric.value AS concepts_shift,         -- what resampling concepts does to it
    answer.n AS n_answer_draws,                            -- draws of each kind
    concept.n AS n_concept_draws,                          -- over concepts
    coin.n AS n_coin_flip_draws,                           -- of coin flips
    shuffled.n AS n_permutation_draws,                     -- of shuffled concepts
    ceiling.n AS n_ceiling_draws,                          -- of simulated people
    embedded.converged,                                    -- the fit met its tolerance
    embedded.n_dims,                                       -- dimensions of the fitted space
    fit.n_answers,                                         -- valid answers behind the fit
    coalesce(answer.n, 0) + coalesce(concept.n, 0) + coalesce(coin.n, 0) + coalesce(shuffled.n, 0) + coalesce(ceiling.n, 0)
        AS n_draws,                                        -- draws behind chance, ceiling and intervals
    row_number() OVER (
        kind
        ORDER BY coalesce(fit.is_read_again, FALSE), fit.n_answers DESC NULLS LAST, n_draws DESC, embedded.created_at DESC, align.created_at DESC, metric.run_id
    ) = 1 AS is_shown,                                     -- of its kind the one with most answers, then most draws, then the newest
    embedded.concept_set_id,                               -- the concepts
    embedded.rater_id,                                     -- key of the rater
    metric.embedding_id,                                   -- the embedding judged
    metric.reference_id,                                   -- the embedding of the reference
    metric.run_id,                                         -- the align run
    fit.method,                                            -- the kind of fit in words, as in view fit
    count(DISTINCT metric.embedding_id) OVER kind AS n_fits -- fits of this kind that have this figure
FROM metric
JOIN embedding AS embedded ON embedded.embedding_id = metric.embedding_id
JOIN embedding AS reference ON reference.embedding_id = metric.reference_id
JOIN rater_shown AS rater ON rater.rater_id = embedded.rater_id
LEFT JOIN fit ON fit.embedding_id = metric.embedding_id
LEFT JOIN run AS align ON align.run_id = metric.run_id
LEFT JOIN drawn AS answer ON answer.run_id = metric.run_id AND answer.name = metric.name AND answer.kind = 'bootstrap_answers'
LEFT JOIN drawn AS concept ON concept.run_id = metric.run_id AND concept.name = metric.name AND concept.kind = 'bootstrap_concepts'
LEFT JOIN drawn AS coin ON coin.run_id = metric.run_id AND coin.name = metric.name AND coin.kind = 'coin_flips'
LEFT JOIN drawn AS shuffled ON shuffled.run_id = metric.run_id AND shuffled.name = metric.name AND shuffled.kind = 'permutation'
LEFT JOIN drawn AS ceiling ON ceiling.run_id = metric.run_id AND ceiling.name = metric.name AND ceiling.kind = 'ceiling'
LEFT JOIN drawn AS noise_free ON noise_free.run_id = metric.run_id AND noise_free.name = metric.name AND noise_free.kind = 'ceiling_deterministic'
LEFT JOIN drawn AS halves ON halves.run_id = metric.run_id AND halves.name = metric.name AND halves.kind = 'split_half'
WINDOW kind AS (
    PARTITION BY embedded.rater_id, embedded.concept_set_id, reference.name, metric.name, coalesce(fit.method, metric.embedding_id)
);
