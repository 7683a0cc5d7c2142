-- Raters × stages: what is there, and what is missing.
CREATE OR REPLACE VIEW rater_status AS
SELECT
    rater_shown.rater_name,                                -- who answers
    rater_shown.kind,                                            -- llm, human, vectors or simulated
    coalesce(answers.n_answers, 0) AS n_answers,           -- answers stored, all runs
    coalesce(answers.n_asked, 0) AS n_asked,               -- answers its judge runs will have when finished
    count(*) FILTER (status.stage = 'judge' AND status.status = 'finished') AS judge_runs, -- finished judge runs
    count(*) FILTER (status.stage = 'embed' AND status.status = 'finished') AS embed_runs, -- finished fits
    count(*) FILTER (status.stage = 'align' AND status.status = 'finished') AS align_runs, -- finished alignments
    count(*) FILTER (status.status = 'failed') AS failed_runs, -- runs whose newest event is a failure
    count(*) FILTER (status.status IN ('planned', 'started', 'interrupted')) AS open_runs, -- begun and not yet finished
    rater_shown.rater_id                                   -- key of the rater
FROM rater_shown
LEFT JOIN run_status AS status USING (rater_id)
LEFT JOIN (
    SELECT rater_id, sum(counted.n) AS n_answers, sum(n_questions) AS n_asked
    FROM judge_run
    LEFT JOIN (SELECT run_id, count(*) AS n FROM response GROUP BY run_id) AS counted USING (run_id)
    GROUP BY rater_id
) AS answers USING (rater_id)
GROUP BY rater_shown.rater_id, rater_shown.rater_name, rater_shown.kind, answers.n_answers, answers.n_asked;
