-- One row per question and reference: what the reference itself would answer, without noise, by Euclidean distance.
-- Distances that differ by less than a billionth of themselves are a tie: rounding does not answer.
CREATE OR REPLACE VIEW reference_answer AS
WITH measured AS (
    SELECT
        triplet.triplet_set_id, triplet.triplet_no, embedding.concept_set_id, embedding.embedding_id, embedding.name,
        list_distance(anchor.vector, left_row.vector) AS to_left,
        list_distance(anchor.vector, right_row.vector) AS to_right,
        list_distance(left_row.vector, right_row.vector) AS between
    FROM triplet
    JOIN triplet_set USING (triplet_set_id)
    JOIN embedding ON embedding.concept_set_id = triplet_set.concept_set_id AND embedding.role = 'reference'
    JOIN embedding_row AS anchor ON anchor.embedding_id = embedding.embedding_id AND anchor.position = triplet.anchor
    JOIN embedding_row AS left_row
        ON left_row.embedding_id = embedding.embedding_id AND left_row.position = triplet.left_item
    JOIN embedding_row AS right_row
        ON right_row.embedding_id = embedding.embedding_id AND right_row.position = triplet.right_item
)
SELECT
    triplet_set_id,                                        -- the questions
    triplet_no,                                            -- number of the question in its set
    concept_set_id,                                        -- the concepts
    embedding_id AS reference_id,                          -- the embedding of the reference
    name AS reference,                                     -- its name
    CASE
        WHEN to_left < to_right * (1 - 1e-9) THEN 'left'
        WHEN to_right < to_left * (1 - 1e-9) THEN 'right'
    END AS anchored,                                       -- which option is nearer to the anchor; NULL for a tie
    CASE
        WHEN to_left < least(to_right, between) * (1 - 1e-9) THEN 'left'
        WHEN to_right < least(to_left, between) * (1 - 1e-9) THEN 'right'
        WHEN between < least(to_left, to_right) * (1 - 1e-9) THEN 'apart'
    END AS odd_one_out,                                    -- the nearest pair: anchor and left, anchor and right, or both options; NULL for a tie
    to_right - to_left AS margin                           -- how much nearer left is than right; what the reference is sure of
FROM measured;
