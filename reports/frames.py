"""Reading the frame views: which alignment figures a report is about, never mixing two kinds in one statistic."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd

from triadic.reports.raters import stand_ins
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.options import Option
from triadic.schema.store import Store, query
from triadic.schema.vocabulary import Origin

HEADLINE = "procrustes_r2"
FEW = 0.25  # a figure with less than this share of the answers behind another is no like for like

# The settings that reports share. A report gives each its default.
OriginSetting = Annotated[Origin, Option("Figures of the paper, of this lab, or both.")]
MetricSetting = Annotated[str, Option("Alignment metric to explain.")]
AnyMetricSetting = Annotated[str | None, Option("Only this alignment metric.", unset="every one there is")]
ReferenceSetting = Annotated[str | None, Option("Only figures against this reference.", unset="every one there is")]


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
        return {"origin": self.origin, "metric_name": self.metric, "reference": self.reference, "method": self.method}

    @property
    def label(self) -> str:
        """The axis of a figure."""
        return f"{self.metric} ({self.reference})"

    @property
    def suffix(self) -> str:
        """What tells this scope's figures from those of the published suite, whose names are the paper's."""
        if self.origin == Origin.published and self.metric == HEADLINE:
            return ""
        return "_" + re.sub(r"\W+", "_", "_".join(self.columns.values())).strip("_").lower()

    def __str__(self) -> str:
        return f"{self.origin} {self.metric} ({self.reference}; {self.method})"


def scoped(
    store: Store,
    view: str,
    origin: Origin = Origin.published,
    metric: str | None = HEADLINE,
    reference: str | None = None,
) -> list[tuple[Scope, pd.DataFrame]]:
    """The rows of one frame view, split into scopes. `metric` or `reference` None means every one there is.

    With `origin` both, `reference` chooses among the measured figures: published ones have no other. Raises BadInput for
    an origin that is none, NotFound, naming the metrics and references there are, when no row answers.
    """
    frame = store.read(query("triadic.reports", "scoped").format(view=view), [checked(origin).value, metric, reference])
    if frame.empty:
        raise nothing(store, origin, metric, reference)
    keys = ["origin", "metric_name", "reference", "method"]
    parts = [(Scope(*key), part.reset_index(drop=True)) for key, part in frame.groupby(keys, dropna=False)]
    return sorted(parts, key=lambda part: (part[0].origin != Origin.published, str(part[0])))


def enough(parts: list[tuple[Scope, pd.DataFrame]], fewest: int) -> tuple[list[tuple[Scope, pd.DataFrame]], list[str]]:
    """The scopes with models enough for a statistic over models, and a note on this lab's own that have too few yet.

    Where no scope has enough they are all returned, for the report to say what is missing.
    """
    counts = [(part[0].origin == Origin.measured, part[1].rater_id.nunique()) for part in parts]
    few = [n for is_own, n in counts if is_own and n < fewest]
    if not few or len(few) == len(parts):
        return parts, []
    kept = [part for part, (is_own, n) in zip(parts, counts, strict=True) if not is_own or n >= fewest]
    kinds = "1 kind of figure" if len(few) == 1 else f"{len(few)} kinds of figures"
    return kept, [
        f"This lab's own models are too few yet: {kinds} with {max(few)} at most, {fewest} are needed. "
        "`triadic report ranking` shows each."
    ]


def checked(origin: str) -> Origin:
    """The origin of that name. Raises BadInput, naming those there are."""
    if origin not in list(Origin):
        raise BadInput(f"no origin {origin!r}: use one of {', '.join(Origin)}")
    return Origin(origin)


def chance(store: Store, scope: Scope, frame: pd.DataFrame) -> list[str]:
    """A note on how many models do not stand out from random answers: a Procrustes R² of nothing is not zero."""
    low = store.read(query("triadic.reports", "at_chance"), scope.columns)
    low = low[low.rater_id.isin(frame.rater_id)].at_chance.dropna().astype(bool)
    if low.empty:
        return []
    return [
        f"{scope}: {low.sum()} of {len(frame)} models are at chance, no better than 95% of random answers through the "
        "same fit, so differences among these say little."
    ]


def numbers(frame: pd.DataFrame, name: str) -> Floats:
    """A column as doubles (n,), NaN where a cell is missing."""
    values: Floats = frame[name].to_numpy(dtype=float, na_value=np.nan)
    return values


def nothing(store: Store, origin: str, metric: str | None, reference: str | None) -> NotFound:
    """What to raise where no alignment figure answers: the message says which there are."""
    known = store.read("SELECT DISTINCT origin, metric_name, reference FROM alignment_score ORDER BY ALL")
    if known.empty:
        return NotFound(
            "no alignment figures in this lab: `triadic ingest published`, or judge a model with `triadic run MODEL`"
        )
    if origin != Origin.published and (hidden := stand_ins(store, origin)):
        return NotFound(f"no alignment figures of models: {hidden[0].rstrip('.')}")
    if origin == Origin.measured and Origin.measured not in set(known.origin):
        return NotFound("nothing measured in this lab yet: `triadic run MODEL`, or report with --origin published")
    listed = "; ".join(f"{row.origin} {row.metric_name} against {row.reference}" for row in known.itertuples())
    asked = " ".join(part for part in (origin, metric or "", f"against {reference}" if reference else "") if part)
    return NotFound(f"no alignment figures for {asked}; there are: {listed}")
