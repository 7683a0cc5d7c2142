-- Per judge run: how much of the lab's own human answers to the same questions went the same way.
WITH people AS (
    SELECT concept_set_id, anchor, least(near, far) AS low, greatest(near, far) AS high, near, count(*) AS votes
    FROM nearer JOIN rater USING (rater_id)
    WHERE rater.kind = 'human'
    GROUP BY ALL
)
SELECT
    nearer.run_id,
    sum(people.votes) FILTER (people.near = nearer.near)::DOUBLE / sum(people.votes) AS human_agreement,
    sum(people.votes)::BIGINT AS n_human_answers
FROM nearer
JOIN rater USING (rater_id)
JOIN people
    ON people.concept_set_id = nearer.concept_set_id AND people.anchor = nearer.anchor
    AND people.low = least(nearer.near, nearer.far) AND people.high = greatest(nearer.near, nearer.far)
WHERE rater.kind <> 'human'
GROUP BY nearer.run_id
