-- The raters that reports show: all that were not removed, or of them those that `--raters` names and `--exclude` does not.
CREATE OR REPLACE VIEW rater_shown AS
SELECT
    *,                                                     -- everything in rater_current
    coalesce(list_contains(getvariable('raters')::VARCHAR[], rater_id), false) AS is_named -- named by --raters
FROM rater_current
WHERE NOT is_removed
    AND coalesce(list_contains(getvariable('raters')::VARCHAR[], rater_id), true)
    AND NOT coalesce(list_contains(getvariable('excluded')::VARCHAR[], rater_id), false);
