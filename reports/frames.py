"""Reading the frame views: which alignment figures a report is about, never mixing two kinds in one statistic."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from triadic.schema.errors import BadInput, NotFound

if TYPE_CHECKING:
    import pandas as pd

    from triadic.schema.store import Store

ORIGINS = ("published", "measured", "both")
HEADLINE = "procrustes_r2"
AT_CHANCE = 0.147  # a little above the 0.12–0.13 of coin flips at 128 × 30


@dataclass(frozen=True)
class Scope:
    """One kind of alignment figure: where it comes from, which metric, against what, judged and fitted how."""

    origin: str
    metric: str
    reference: str
    method: str

    @property
    def columns(self) -> dict[str, str]:
        """What every row of a report says about where it comes from."""
        return {"origin": self.origin, "metric": self.metric, "reference": self.reference, "method": self.method}

    @property
    def suffix(self) -> str:
        """What tells this scope's figures from those of the published suite, whose names are the paper's."""
        if self.origin == "published" and self.metric == HEADLINE:
            return ""
        return "_" + re.sub(r"\W+", "_", "_".join(self.columns.values())).strip("_").lower()

    def __str__(self) -> str:
        return f"{self.origin} {self.metric} ({self.reference}; {self.method})"


def scoped(
    store: "Store",
    view: str,
    origin: str = "published",
    metric: str | None = HEADLINE,
    reference: str | None = None,
) -> list[tuple[Scope, "pd.DataFrame"]]:
    """The rows of one frame view, split into scopes. `metric` or `reference` None means every one there is.

    With `origin` both, `reference` chooses among the measured figures: published ones have no other.

    Raises
    ------
    BadInput
        `origin` is none of published, measured, both.
    NotFound
        No row answers; the message says which metrics and references there are.
    """
    if origin not in ORIGINS:
        raise BadInput(f"origin {origin!r}: choose one of {', '.join(ORIGINS)}")
    frame = store.read(
        f"""SELECT * FROM {view}
        WHERE (? = 'both' OR origin = ?) AND (? IS NULL OR metric = ?)
            AND (? IS NULL OR reference = ? OR (? = 'both' AND origin = 'published'))
        ORDER BY ALL""",
        [origin, origin, metric, metric, reference, reference, origin],
    )
    if frame.empty:
        raise NotFound(_nothing(store, origin, metric, reference))
    keys = ["origin", "metric", "reference", "method"]
    parts = [(Scope(*key), part.reset_index(drop=True)) for key, part in frame.groupby(keys, dropna=False)]
    return sorted(parts, key=lambda part: (part[0].origin != "published", str(part[0])))


def chance(scope: Scope, frame: "pd.DataFrame") -> list[str]:
    """A note on how many models stand where random answers do: a Procrustes R² of nothing is not zero."""
    if scope.metric != HEADLINE:
        return []
    low = int((numbers(frame, "alignment") <= AT_CHANCE).sum())
    return [
        f"{scope}: {low} of {len(frame)} models have R² of {AT_CHANCE} or less. Random answers give about 0.12 to 0.13 at "
        "128 concepts × 30 dimensions, so differences among these say little."
    ]


def numbers(frame: "pd.DataFrame", name: str) -> np.ndarray:
    """A column as doubles (n,), NaN where a cell is missing."""
    return frame[name].to_numpy(dtype=float, na_value=np.nan)


def _nothing(store: "Store", origin: str, metric: str | None, reference: str | None) -> str:
    there = store.read("SELECT DISTINCT origin, metric, reference FROM alignment_score ORDER BY ALL")
    if there.empty:
        return (
            "the lab holds no alignment figures: `triadic ingest published`, or judge a model with `triadic run MODEL`"
        )
    if origin == "measured" and "measured" not in set(there.origin):
        return "nothing has been measured in this lab yet: `triadic run MODEL`, or report with --origin published"
    known = "; ".join(f"{row.origin} {row.metric} against {row.reference}" for row in there.itertuples())
    asked = " ".join(part for part in (origin, metric or "", f"against {reference}" if reference else "") if part)
    return f"no alignment figures for {asked}; there are: {known}"
