-- Every valid answer as comparisons: seen from `anchor`, `near` is nearer than `far`. An anchored answer is one comparison;
-- an odd-one-out answer is two, one from each of the chosen pair.
CREATE OR REPLACE VIEW nearer AS
WITH paired AS (
    SELECT
        concept_set_id, rater_id, run_id, triplet_no, framing,
        CASE choice WHEN 'apart' THEN left_item ELSE anchor END AS anchor,
        CASE choice WHEN 'left' THEN left_item ELSE right_item END AS near,
        CASE choice WHEN 'left' THEN right_item WHEN 'right' THEN left_item ELSE anchor END AS far
    FROM answered
    WHERE choice IS NOT NULL AND NOT is_read_again
)
SELECT
    concept_set_id,                                        -- the concepts the positions index
    rater_id,                                              -- who answered
    run_id,                                                -- the judge run
    triplet_no,                                            -- the question
    anchor,                                                -- position looked from
    near,                                                  -- position of what is nearer
    far                                                    -- position of what is farther
FROM paired
UNION ALL
SELECT concept_set_id, rater_id, run_id, triplet_no, near, anchor, far
FROM paired
WHERE framing = 'odd-one-out';
