-- Questions that a judge run ($1, of rater $2) answers otherwise than $3, a rater by its judge run $4 or a reference.
SELECT
    anchor, left_item, right_item, coalesce(choice, side) AS choice, coalesce(other_choice, other_side) AS other_choice,
    preference, other_preference, triplet_no, flipped
FROM disagreement
WHERE run_id = $1 AND rater_id = $2 AND other_id = $3 AND other_run_id IS NOT DISTINCT FROM $4 AND repeat = 0
