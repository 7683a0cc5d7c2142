-- anchor: What did every rater say about one concept?
SELECT rater_name, answer, left_item, right_item, choice, reference_choice
FROM judgment
WHERE anchor = 'butterfly' AND framing = 'anchored' AND NOT flipped AND repeat = 0
ORDER BY triplet_set_id DESC, triplet_no, rater_name
LIMIT 12;

-- disagreement: Which questions do two raters answer differently, and how sure is the first of its answer?
SELECT anchor, left_item, right_item, choice, other_choice, preference
FROM disagreement
WHERE rater_name = 'gemma-3-270m' AND other_name = 'all-MiniLM-L6-v2'
ORDER BY abs(preference) DESC, triplet_no
LIMIT 10;

-- against-reference: Where does a rater answer otherwise than a reference that is sure?
SELECT anchor, choice, other_choice AS reference_choice, round(abs(other_preference), 2) AS margin
FROM disagreement
WHERE rater_name = 'gemma-3-270m' AND other_name = 'wordnet' AND answer = 'score'
ORDER BY margin DESC, triplet_no
LIMIT 10;

-- invalid-reasons: How many answers are no choice, and why?
SELECT
    rater_name, answer, coalesce(invalid_reason, 'valid') AS reason, count(*) AS n_answers,
    count(*) / sum(count(*)) OVER (PARTITION BY rater_name, answer) AS share
FROM judgment
GROUP BY rater_name, answer, reason
ORDER BY rater_name, answer, n_answers DESC, reason;

-- first-option: Who names whatever is shown first? A rater that does not care is at 0.5.
SELECT
    rater_name, answer, count(*) AS n_answers, avg(chose_first::INTEGER) AS first_option_rate,
    2 * sqrt(0.25 / count(*)) AS two_standard_errors
FROM judgment
WHERE framing = 'anchored' AND choice IS NOT NULL
GROUP BY rater_name, answer
ORDER BY first_option_rate DESC, rater_name;

-- alignment: How alike are each model's concepts to a reference's, beside chance and with its interval?
SELECT rater_name, reference, fit, value, low, high, chance, at_chance, n_answers
FROM alignment
WHERE metric_name = 'procrustes_r2' AND is_shown
ORDER BY reference, value DESC, rater_name, fit, framing;

-- by-category: On which kinds of concepts does a rater go the reference's way?
SELECT
    rater_name, anchor_category, count(*) AS n_answers, avg((choice = reference_choice)::INTEGER) AS agreement
FROM judgment
WHERE framing = 'anchored' AND choice IS NOT NULL AND reference_choice IS NOT NULL
GROUP BY rater_name, anchor_category
HAVING count(*) >= 10
ORDER BY rater_name, agreement DESC, anchor_category;

-- ingredient: Does alignment go with the number of parameters, among base and among tuned models?
SELECT
    instruction_tuned, count(*) AS n_models, corr(alignment, ln(n_params)) AS r, avg(alignment) AS mean_alignment
FROM ingredient_frame
WHERE origin = 'published' AND metric_name = 'procrustes_r2' AND n_params IS NOT NULL
GROUP BY instruction_tuned
ORDER BY instruction_tuned;

-- loss-curve: Did the fit stop before it learned its answers by heart?
SELECT rater_name, fit.name AS fit, step, train_loss, fit_history.heldout_loss
FROM fit_history
JOIN fit USING (run_id)
JOIN rater_current USING (rater_id)
WHERE rater_name = 'gemma-3-270m' AND fit.is_shown AND answers = 'hard' AND answer = 'score'
ORDER BY fit.embedding_id, restart, step
LIMIT 10;

-- run-costs: What did each rater's answers cost in time and tokens?
SELECT
    rater_name, sum(n_answers) AS n_answers, round(sum(seconds), 1) AS seconds,
    sum(n_answers) FILTER (seconds > 0) / sum(seconds) AS per_second,
    sum(prompt_tokens) AS prompt_tokens, sum(answer_tokens) AS answer_tokens
FROM run_cost
WHERE stage = 'judge'
GROUP BY rater_name
ORDER BY n_answers DESC, rater_name;

-- paired-draws: Is one rater better than another? Draws of one number come from the same resampled questions.
SELECT
    ours.reference, count(*) AS n_draws, avg(a.value - b.value) AS difference,
    quantile_cont(a.value - b.value, 0.025) AS low, quantile_cont(a.value - b.value, 0.975) AS high
FROM alignment AS ours
JOIN alignment AS theirs USING (reference, metric_name, method)
JOIN metric_draw AS a ON a.run_id = ours.run_id AND a.name = ours.metric_name
JOIN metric_draw AS b ON b.run_id = theirs.run_id AND b.name = theirs.metric_name AND b.kind = a.kind AND b.draw = a.draw
WHERE ours.rater_name = 'gemma-3-270m' AND theirs.rater_name = 'all-MiniLM-L6-v2'
    AND metric_name = 'procrustes_r2' AND a.kind = 'bootstrap_answers' AND ours.is_shown AND theirs.is_shown
GROUP BY ours.reference
ORDER BY ours.reference;

-- neighbours: Which concepts lie nearest to one, for a reference and for a model?
SELECT
    rater_name, embedding.name AS space, string_agg(word, ', ' ORDER BY far, word) AS nearest_first
FROM (
    SELECT
        here.embedding_id, concept.word, list_distance(here.vector, there.vector) AS far,
        row_number() OVER (PARTITION BY here.embedding_id ORDER BY far, concept.word) AS place
    FROM embedding_row AS here
    JOIN embedding USING (embedding_id)
    JOIN concept AS anchor ON anchor.concept_set_id = embedding.concept_set_id AND anchor.position = here.position
    JOIN embedding_row AS there ON there.embedding_id = here.embedding_id AND there.position <> here.position
    JOIN concept ON concept.concept_set_id = embedding.concept_set_id AND concept.position = there.position
    WHERE anchor.word = 'butterfly' AND embedding.role IN ('reference', 'fitted')
)
JOIN embedding USING (embedding_id)
JOIN rater_current USING (rater_id)
WHERE place <= 4
GROUP BY embedding_id, rater_name, embedding.name, embedding.role
ORDER BY embedding.role DESC, rater_name, space, embedding_id;

-- hard-concepts: About which concepts do raters give no answer most often?
SELECT anchor, sum(n_answers) AS n_answers, sum(invalid_rate * n_answers) / sum(n_answers) AS invalid_rate, mode(main_reason) AS main_reason
FROM concept_quality
GROUP BY anchor
HAVING sum(n_answers) >= 8
ORDER BY invalid_rate DESC, anchor
LIMIT 10;

-- published: What did a model score in the paper, and what does it score here?
SELECT rater_name, published.alignment AS published, here.alignment AS measured, here.reference, here.method, here.n_answers
FROM alignment_score AS published
JOIN alignment_score AS here USING (rater_id, rater_name, metric_name)
WHERE published.origin = 'published' AND here.origin = 'measured' AND metric_name = 'procrustes_r2'
ORDER BY rater_name, reference, method;

-- question-sets: Which sets of questions are there, which is the main one, and who answered them?
SELECT
    question_set.name, is_main, n_triplets, scheme, count(DISTINCT rater_name) AS n_raters,
    string_agg(DISTINCT rater_name, ', ' ORDER BY rater_name) AS raters
FROM question_set
LEFT JOIN judge_run USING (triplet_set_id)
LEFT JOIN rater_current USING (rater_id)
GROUP BY question_set.name, is_main, n_triplets, scheme, question_set.created_at
ORDER BY question_set.created_at;
