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
    rows = lab.store.arrow(
        "SELECT * EXCLUDE (model_id, rater_id, recorded_at), CASE evidence WHEN 'user' THEN 3 WHEN 'checkpoint' THEN 2 "
        "ELSE 1 END AS rank FROM model WHERE rater_id = ? ORDER BY rank DESC, recorded_at DESC",
        [rater],
    ).to_pylist()
    cards = []
    for column in rows[0] if rows else ():
        known = [row for row in rows if row[column] is not None]
        if column in ("evidence", "provenance", "rank") or not known:
            continue
        best, *others = known
        differing = [f"{row['evidence']}: {row[column]}" for row in others if row[column] != best[column]]
        cards.append(
            {
                "ingredient": column,
                "value": str(best[column]),
                "evidence": best["evidence"],
                "provenance": json.loads(best["provenance"]).get(column),
                "also": "; ".join(differing) or None,
            }
        )
    return pd.DataFrame(cards, columns=["ingredient", "value", "evidence", "provenance", "also"])
