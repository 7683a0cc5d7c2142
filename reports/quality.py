"""Can these answers be trusted? Invalid answers and why, the pull of the first option, agreement of a rater with itself,
with people, and with what a fit of its own answers predicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from triadic.reports.report import Report, Table

if TYPE_CHECKING:
    import pandas as pd

    from triadic.schema.store import Store

WORST = 10  # concepts shown per run

_AGREEMENT = """
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
"""


def report(store: Store) -> Report:
    """One row per judge run, the reasons for invalid answers, and the concepts each run fails on.

    `human_agreement` is the share of the lab's own human answers to the same questions that went the same way.
    """
    runs = store.read("SELECT * FROM answer_quality ORDER BY heldout_accuracy DESC NULLS LAST, rater")
    people = store.read(_AGREEMENT)
    runs = runs.merge(people, on="run_id", how="left").assign(run=lambda f: f.run_id.str[:8]).drop(columns="run_id")
    reasons = store.read(
        "SELECT rater_id AS rater, config ->> 'answer' AS answer, invalid_reason AS reason, count(*) AS n_answers, "
        "count(*) / any_value(total) AS share, left(run_id, 8) AS run FROM response JOIN run USING (run_id) "
        "JOIN (SELECT run_id, count(*) AS total FROM response GROUP BY 1) USING (run_id) "
        "WHERE invalid_reason IS NOT NULL GROUP BY ALL ORDER BY rater, n_answers DESC"
    )
    concepts = store.read(
        "SELECT * EXCLUDE (run_id), left(run_id, 8) AS run FROM concept_quality WHERE invalid_rate > 0 "
        "QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY invalid_rate DESC, concept) <= ? "
        "ORDER BY rater, run, invalid_rate DESC, concept",
        [WORST],
    )
    return Report(
        "quality",
        "Can the answers be trusted?",
        [
            Table("quality", "One row per judge run", _without_empty(runs)),
            Table("reasons", "Why answers are invalid", reasons),
            Table("concepts", f"Concepts with the most invalid answers, {WORST} per run", concepts),
        ],
        [
            "first_option_rate: 0.5 is a rater that does not care for the order; agreement in both orders is order_agreement "
            "(--orders both), with itself repeat_agreement (--repeat).",
            "at_chance: the fit predicts held-out answers no better than a coin, so its embedding says nothing.",
        ],
    )


def _without_empty(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.dropna(axis=1, how="all") if len(frame) else frame
