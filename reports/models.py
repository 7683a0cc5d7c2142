"""Models as people read them: all in a list, or one on a card with each value and where it comes from."""

from __future__ import annotations

import json

import pandas as pd

from triadic.schema.lab import Lab
from triadic.schema.lookup import find_rater

CARD = ["ingredient", "value", "evidence", "provenance", "also"]


def model_list(lab: Lab) -> pd.DataFrame:
    """Every model with its main ingredients, one row each."""
    return lab.store.read(
        "SELECT rater_id AS model, family, n_params, instruction_tuned, architecture, prompt_style, weights "
        "FROM model_current ORDER BY family, n_params, model"
    )


def model_card(lab: Lab, name: str) -> pd.DataFrame:
    """Rows of ingredient, value, evidence, provenance and what other evidence says. Raises NotFound for an unknown name."""
    rows = lab.store.arrow(
        "SELECT * EXCLUDE (model_id, rater_id, recorded_at, trust) FROM model_evidence WHERE rater_id = ? ORDER BY trust",
        [find_rater(lab.store, name)],
    ).to_pylist()
    cards = []
    for column in rows[0] if rows else ():
        known = [row for row in rows if row[column] is not None]
        if column in ("evidence", "provenance") or not known:
            continue
        best, *others = known
        provenance = json.loads(best["provenance"]).get(column)
        differing = [f"{row['evidence']}: {row[column]}" for row in others if row[column] != best[column]]
        cards.append((column, str(best[column]), best["evidence"], provenance, "; ".join(differing) or None))
    return pd.DataFrame(cards, columns=CARD)
