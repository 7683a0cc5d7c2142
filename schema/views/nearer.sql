-- Every valid answer as comparisons: seen from `anchor`, `near` is nearer than `far`. An anchored answer is one comparison;
-- an odd-one-out answer is two, one from each of the chosen pair.
CREATE OR REPLACE VIEW nearer AS
WITH answered AS (
    SELECT
        run.concept_set_id, run.rater_id, response.run_id, response.triplet_no,
        run.config ->> 'framing' = 'odd-one-out' AS odd,
        CASE response.choice WHEN 'apart' THEN triplet.left_item ELSE triplet.anchor END AS one,
        CASE response.choice WHEN 'left' THEN triplet.left_item ELSE triplet.right_item END AS other,
        CASE response.choice WHEN 'left' THEN triplet.right_item WHEN 'right' THEN triplet.left_item ELSE triplet.anchor END
            AS far
    FROM response
    JOIN run USING (run_id)
    JOIN triplet ON triplet.triplet_set_id = run.triplet_set_id AND triplet.triplet_no = response.triplet_no
    WHERE response.choice IS NOT NULL
)
SELECT
    concept_set_id,                                        -- the concepts the positions index
    rater_id,                                              -- who answered
    run_id,                                                -- the judge run
    triplet_no,                                            -- the question
    one AS anchor,                                         -- position looked from
    other AS near,                                         -- position of what is nearer
    far                                                    -- position of what is farther
FROM answered
UNION ALL
SELECT concept_set_id, rater_id, run_id, triplet_no, other, one, far
FROM answered
WHERE odd;
