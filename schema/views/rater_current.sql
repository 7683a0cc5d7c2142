-- One row per rater, with the name it goes by now.
CREATE OR REPLACE VIEW rater_current AS
WITH decided AS (
    SELECT
        rater_id,
        arg_max(name, happened_at) FILTER (action = 'renamed') AS name,
        arg_max(action, happened_at) FILTER (action <> 'renamed') AS last
    FROM rater_event
    GROUP BY rater_id
)
SELECT
    rater.rater_id,                                        -- key: the name it came into the lab with
    coalesce(decided.name, rater.rater_id) AS rater_name,  -- the name it goes by: `triadic model rename` changes it
    rater.kind,                                            -- llm, human, vectors or simulated
    coalesce(decided.last = 'removed', false) AS is_removed, -- reports leave it out; its answers are all there
    rater.kind = 'simulated' OR EXISTS (
        SELECT 1 FROM model
        WHERE model.rater_id = rater.rater_id AND (starts_with(weights, 'scripted:') OR starts_with(weights, 'simulated:'))
    ) AS is_stand_in,                                      -- answers by a rule: never in a regression unless it is named
    rater.description,                                     -- what it is, in one line
    rater.created_at                                       -- when it came into the lab
FROM rater
LEFT JOIN decided USING (rater_id);
