-- The triplets of a judge run with their words, in their order.
SELECT triplet.triplet_no, anchor.word AS anchor, left_concept.word AS left_word, right_concept.word AS right_word
FROM triplet
JOIN judge_run USING (triplet_set_id)
JOIN concept AS anchor ON anchor.concept_set_id = judge_run.concept_set_id AND anchor.position = triplet.anchor
JOIN concept AS left_concept
    ON left_concept.concept_set_id = judge_run.concept_set_id AND left_concept.position = triplet.left_item
JOIN concept AS right_concept
    ON right_concept.concept_set_id = judge_run.concept_set_id AND right_concept.position = triplet.right_item
WHERE judge_run.run_id = ?
ORDER BY triplet.triplet_no
