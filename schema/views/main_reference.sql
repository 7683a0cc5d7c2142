-- One row per concept set: the reference that answers are shown beside. People's comes first, then the newest.
CREATE OR REPLACE VIEW main_reference AS
SELECT
    embedding.concept_set_id,                              -- the concepts
    embedding.embedding_id AS reference_id,                -- the embedding of the reference
    embedding.name AS reference                            -- its name
FROM embedding
JOIN rater USING (rater_id)
WHERE embedding.role = 'reference'
QUALIFY row_number() OVER (
    PARTITION BY embedding.concept_set_id
    ORDER BY rater.kind = 'human' DESC, embedding.created_at DESC, embedding.embedding_id
) = 1;
