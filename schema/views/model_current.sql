-- One row per llm rater: for every ingredient the value of the best evidence that has one.
CREATE OR REPLACE VIEW model_current AS
SELECT
    rater_id,                                              -- the llm rater
    arg_min(COLUMNS(* EXCLUDE (rater_id, trust)), trust)   -- each ingredient under its own name, as in table model
FROM (SELECT * EXCLUDE (model_id, recorded_at, evidence, provenance) FROM model_evidence)
GROUP BY rater_id;
