-- The vectors of every human embedding in the lab as they were before reduction, concept by concept.
SELECT embedding.name, embedding_row.vector
FROM embedding
JOIN rater USING (rater_id)
JOIN embedding_row USING (embedding_id)
WHERE embedding.role = 'raw' AND rater.kind = 'human'
ORDER BY embedding.created_at, embedding.embedding_id, embedding_row.position
