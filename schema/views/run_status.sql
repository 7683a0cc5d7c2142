-- One row per run with what happened to it last.
CREATE OR REPLACE VIEW run_status AS
SELECT
    run.run_id,                                            -- the run
    run.stage,                                             -- judge, embed, align or report
    run.rater_id,                                          -- whose run it is
    run.triplet_set_id,                                    -- the questions
    run.parent_run_id,                                     -- the run whose rows it read
    run.config,                                            -- everything that decided the result
    run.mlflow_run_id,                                     -- its mirror, NULL until it has one
    coalesce(last_event.status, 'planned') AS status,      -- planned, started, finished, failed or interrupted
    last_event.status_at,                                  -- when that was
    last_event.status_detail,                              -- rows, seconds, or the error's line
    run.created_at                                         -- when it was first started
FROM run
LEFT JOIN (
    SELECT
        run_id,
        max(happened_at) AS status_at,
        arg_max(status, happened_at) AS status,
        arg_max(detail, happened_at) AS status_detail
    FROM run_event
    GROUP BY run_id
) AS last_event USING (run_id);
