"""`report quality`: can the answers be trusted? How a rater agrees with itself, with people, and with its own fit."""

from __future__ import annotations

from triadic.reports.report import Report, Table
from triadic.schema.store import Store, query

WORST = 10  # concepts listed per run


def report(store: Store) -> Report:
    """Can the answers be trusted: invalid answers, pull of the first option, agreements, held-out accuracy.

    One row per judge run, the reasons for invalid answers, and the concepts each run fails on. `human_agreement` is the
    share of the lab's own human answers to the same questions that went the same way.

    Example: triadic report quality
    """
    with store.connect():
        runs = store.read("SELECT * FROM answer_quality ORDER BY heldout_accuracy DESC NULLS LAST, rater_name")
        people = store.read(query("triadic.reports", "human_agreement"))
        reasons = store.read(query("triadic.reports", "invalid_reasons"))
        concepts = store.read(query("triadic.reports", "worst_concepts"), [WORST])
    runs = (
        runs.merge(people, on="run_id", how="left")
        .assign(run=lambda f: f.run_id.str[:8])
        .drop(columns=["run_id", "rater_id", "concept_set_id", "triplet_set_id"])
    )
    return Report(
        "quality",
        "Can the answers be trusted?",
        [
            Table("quality", "One row per judge run", runs.dropna(axis=1, how="all") if len(runs) else runs),
            Table("reasons", "Why answers are invalid", reasons),
            Table("concepts", f"Concepts with the most invalid answers, {WORST} per run", concepts),
        ],
        [
            "first_option_rate: 0.5 is a rater that does not care for the order; agreement in both orders is order_agreement "
            "(--orders both), with itself repeat_agreement (--repeat).",
            "at_chance: the fit predicts held-out answers no better than a coin, so its embedding says nothing.",
        ],
    )
