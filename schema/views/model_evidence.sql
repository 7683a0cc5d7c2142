-- Table model with its rows in order of trust: the one place that says whom to believe.
-- user (given by option) outranks checkpoint (read from its files) outranks suite (shipped figures); then the newest row.
CREATE OR REPLACE VIEW model_evidence AS
SELECT
    *,                                                     -- everything in table model
    row_number() OVER (
        PARTITION BY rater_id
        ORDER BY list_position(['user', 'checkpoint', 'suite'], evidence) NULLS LAST, recorded_at DESC, model_id
    ) AS trust                                             -- 1 for the row of its rater that is believed first, 2 for the next …
FROM model;
