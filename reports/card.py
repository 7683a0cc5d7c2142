"""One model on one card: each value, and where it comes from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from triadic.schema.lab import Lab
from triadic.schema.lookup import find_rater

if TYPE_CHECKING:
    import pandas as pd


def model_card(lab: Lab, name: str) -> pd.DataFrame:
    """Rows of ingredient, value, evidence, provenance and what other evidence says. Raises NotFound for an unknown name."""
    import pandas as pd

    rater = find_rater(lab, name)
    rows = lab.store.read(
        "SELECT * EXCLUDE (model_id, rater_id), CASE evidence WHEN 'user' THEN 3 WHEN 'checkpoint' THEN 2 ELSE 1 END "
        "AS rank FROM model WHERE rater_id = ? ORDER BY rank DESC, recorded_at DESC",
        [rater],
    )
    cards = []
    for column in rows.columns.drop(["evidence", "recorded_at", "provenance", "rank"]):
        known = rows[rows[column].notna()]
        if known.empty:
            continue
        best, others = known.iloc[0], known.iloc[1:]
        differing = [f"{r.evidence}: {r[column]}" for _, r in others.iterrows() if r[column] != best[column]]
        cards.append(
            {
                "ingredient": column,
                "value": best[column],
                "evidence": best.evidence,
                "provenance": json.loads(best.provenance).get(column),
                "also": "; ".join(differing) or None,
            }
        )
    return pd.DataFrame(cards, columns=["ingredient", "value", "evidence", "provenance", "also"])
