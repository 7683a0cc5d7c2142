"""Models as people read them: all in a list, or one on a card with each value and where it comes from."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from triadic.reports.report import explained
from triadic.schema.lab import Lab
from triadic.schema.lookup import find_rater
from triadic.schema.store import query

CARD = ["ingredient", "value", "evidence", "provenance", "also"]


def model_list(lab: Lab, everyone: bool = False) -> pd.DataFrame:
    """Every model with its main ingredients, one row each: those with weights of their own first, then the suite's.

    Removed ones are there only with `everyone`, at the end and marked in a column of their own.
    """
    models = lab.store.read(query("triadic.reports", "model_list"), {"everyone": everyone})
    models = models if everyone else models.drop(columns="removed")
    return explained(models, "no models in this lab: `triadic model add` adds one, `triadic ingest suite` the paper's")


def model_card(lab: Lab, name: str) -> pd.DataFrame:
    """Rows of ingredient, value, evidence, provenance and what other evidence says; what the rater is comes first.

    A removed rater is shown too, and said to be removed. Raises NotFound for an unknown name.
    """
    rater_id = find_rater(lab.store, name, removed=True)
    rows = lab.store.arrow(
        "SELECT * EXCLUDE (model_id, rater_id, recorded_at, trust) FROM model_evidence WHERE rater_id = ? ORDER BY trust",
        [rater_id],
    ).to_pylist()
    cards = _about(lab, rater_id)
    for column in rows[0] if rows else ():
        known = [row for row in rows if row[column] is not None]
        if column in ("evidence", "provenance") or not known:
            continue
        best, *others = known
        provenance = json.loads(best["provenance"]).get(column)
        differing = {f"{row['evidence']}: {row[column]}": None for row in others if row[column] != best[column]}
        cards.append((column, str(best[column]), best["evidence"], provenance, "; ".join(differing) or None))
    return pd.DataFrame(cards, columns=CARD)


def _about(lab: Lab, rater_id: str) -> list[tuple[Any, ...]]:
    """What is known of any rater, as the first lines of its card."""
    rater = lab.store.read("SELECT * FROM rater_current WHERE rater_id = ?", [rater_id]).iloc[0]
    n_answers = lab.store.value("SELECT count(*) FROM response JOIN run USING (run_id) WHERE rater_id = ?", [rater_id])
    first = f"first called {rater_id}" if rater.rater_name != rater_id else None
    lines = [
        ("name", rater.rater_name, None, None, first),
        ("kind", rater.kind, None, rater.description, None),
        ("answers", f"{n_answers:,}", None, None, None),
    ]
    if rater.is_removed:
        way_back = f"`triadic model remove {rater.rater_name} --undo` brings it back"
        lines.append(("removed", "yes", None, way_back, None))
    return lines
