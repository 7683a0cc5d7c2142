"""`report quality`: can the answers be trusted? How a rater agrees with itself, with people, and with its own fit."""

from __future__ import annotations

from triadic.reports.report import Report, Table
from triadic.schema.store import Store, query

WORST = 10  # concepts listed per run
NONE = "no answers in this lab yet: `triadic run MODEL` asks for some"


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
        sets = store.read("SELECT triplet_set_id, name AS questions FROM question_set")
    runs = (
        runs.merge(people, on="run_id", how="left")
        .merge(sets, on="triplet_set_id", how="left")
        .assign(run=lambda f: f.run_id.str[:8])
        .drop(columns=["run_id", "rater_id", "concept_set_id", "triplet_set_id"])
    )
    runs.insert(runs.columns.get_loc("n_answers"), "questions", runs.pop("questions"))
    valid = "every answer is a choice" if len(runs) else NONE
    return Report(
        "quality",
        "Can the answers be trusted?",
        [
            Table(
                "quality", "One row per judge run", runs.dropna(axis=1, how="all") if len(runs) else runs, empty=NONE
            ),
            Table("reasons", "Why answers are invalid", reasons, empty=valid),
            Table("concepts", f"Concepts with the most invalid answers, {WORST} per run", concepts, empty=valid),
        ],
        [
            "questions: the triplet set that was asked; rows with one name answered the same questions (`triadic status --sets`).",
            "first_option_rate: 0.5 is a rater that does not care for the order; agreement in both orders is order_agreement "
            "(--orders both), with itself repeat_agreement (--repeat).",
            "at_chance: the fit predicts held-out answers no better than a coin, so its embedding says nothing.",
        ],
    )
