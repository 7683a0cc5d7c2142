-- One row per llm rater: for every ingredient the value of the best evidence that has one.
-- user (given by option) outranks checkpoint (read from its files) outranks suite (shipped figures); then the newest row.
CREATE OR REPLACE VIEW model_current AS
WITH ranked AS (
    SELECT
        * EXCLUDE (model_id, recorded_at, evidence, provenance),
        CASE evidence WHEN 'user' THEN 3 WHEN 'checkpoint' THEN 2 ELSE 1 END * 1e12 + epoch(recorded_at) AS weight
    FROM model
)
SELECT
    rater_id,                                              -- the llm rater
    arg_max(COLUMNS(* EXCLUDE (rater_id, weight)), weight) -- each ingredient under its own name, as in table model
FROM ranked
GROUP BY rater_id;
