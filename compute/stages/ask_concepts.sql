-- The concept set to ask about words $1 in: the one that holds most of them, of those one with references, then the first.
SELECT concept_set_id
FROM concept_set
ORDER BY
    (SELECT count(*) FROM concept WHERE concept.concept_set_id = concept_set.concept_set_id AND list_contains($1, word)) DESC,
    (SELECT count(*) FROM embedding WHERE embedding.concept_set_id = concept_set.concept_set_id AND role = 'reference') = 0,
    created_at, concept_set_id
LIMIT 1
