-- Per anchor, how often the first answers of one judge run ($1) to the questions as drawn are those of another run, or of
-- a reference ($2). Questions that either has no answer to, ties of the reference among them, are left out.
WITH other AS (
    SELECT triplet_set_id, triplet_no, choice AS anchored, choice AS odd_one_out
    FROM answered
    WHERE run_id = $2 AND repeat = 0 AND NOT flipped
    UNION ALL
    SELECT triplet_set_id, triplet_no, anchored, odd_one_out
    FROM reference_answer
    WHERE reference_id = $2
),
compared AS (
    SELECT
        answered.concept_set_id, answered.anchor, answered.choice,
        CASE answered.framing WHEN 'anchored' THEN other.anchored ELSE other.odd_one_out END AS side
    FROM answered
    JOIN other ON other.triplet_set_id = answered.triplet_set_id AND other.triplet_no = answered.triplet_no
    WHERE answered.run_id = $1 AND answered.repeat = 0 AND NOT answered.flipped
)
SELECT concept.word AS anchor, concept.category, count(*) AS n_answers, avg((choice = side)::DOUBLE) AS agreement
FROM compared
JOIN concept ON concept.concept_set_id = compared.concept_set_id AND concept.position = compared.anchor
WHERE choice IS NOT NULL AND side IS NOT NULL
GROUP BY compared.anchor, concept.word, concept.category
ORDER BY agreement, n_answers DESC, compared.anchor
