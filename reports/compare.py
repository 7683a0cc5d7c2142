"""`report compare A B`: the difference of two models on each metric, draw by draw, with its interval."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pandas as pd

from triadic.reports.frames import AnyMetricSetting, ReferenceSetting
from triadic.reports.report import Report, Row, Table
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lookup import find_rater
from triadic.schema.options import Option
from triadic.schema.store import Store, query
from triadic.schema.vocabulary import DrawKind

KINDS = {DrawKind.bootstrap_answers: "answers", DrawKind.bootstrap_concepts: "concepts"}


def report(
    store: Store,
    first: Annotated[str, Option("The model whose figures are taken.")],
    second: Annotated[str, Option("The model whose figures are taken away.")],
    metric: AnyMetricSetting = None,
    reference: ReferenceSetting = None,
) -> Report:
    """Two models draw by draw: the difference of every figure, with its interval.

    Value of `first` minus value of `second`, with 95% intervals over answers (refits) and over concepts. Draw i
    resamples the same questions, or the same concepts, in both models, so that what they share drops out of the
    difference. Each model's newest embedding of each kind is compared with the other's of the same kind. Raises
    NotFound for a model without figures, BadInput where the two have none in common.

    Example: triadic report compare gemma-3-270m all-MiniLM-L6-v2
    """
    first, second = (find_rater(store, name) for name in (first, second))
    frame = differences(store, first, second, metric, reference)
    notes = [
        "difference = first − second. Intervals are 95% percentiles of the differences draw by draw, moved onto the "
        "difference of the figures; p is two-sided, how often such draws fall on the other side of zero.",
        "over answers: would the difference hold if these models were asked other questions of the kind? "
        "over concepts: would it hold with other concepts?",
    ]
    if not frame.same_questions.all():
        notes += ["Where same_questions is false the models answered different triplet sets: the draws are unpaired."]
    return Report("compare", f"{first} minus {second}", [Table("compare", "Difference in alignment", frame)], notes)


def differences(
    store: Store, first: str, second: str, metric: str | None = None, reference: str | None = None
) -> pd.DataFrame:
    """One row per reference, kind of fit and metric that both models have."""
    # Empty cells (an embedding that came without answers) are equal to each other here.
    left, right = (_newest(store, name, metric, reference).fillna({"temperature": -1.0}) for name in (first, second))
    shared = ["reference", "metric_name", "fit", "answers", "temperature", "framing"]
    pairs = left.merge(right, on=shared, suffixes=("_first", "_second"))
    if pairs.empty:
        raise BadInput(f"{first} and {second} share no reference, metric and kind of fit: `triadic align` makes them")
    draws = store.read(
        "SELECT run_id, name, kind, draw, value FROM metric_draw WHERE list_contains($1, kind) "
        "AND list_contains($2, run_id) ORDER BY run_id, name, kind, draw",
        [[kind.value for kind in KINDS], [*{*pairs.run_id_first, *pairs.run_id_second}]],
    )
    drawn = {key: part.value.to_numpy() for key, part in draws.groupby(["run_id", "name", "kind"])}
    rows = [_difference(pair, drawn) for pair in pairs.itertuples()]
    return pd.DataFrame(rows).sort_values(["reference", "fit", "metric_name"], ignore_index=True)


def paired(difference: float, draws: Floats, level: float = 0.95) -> tuple[float, float, float]:
    """Interval (low, high) and two-sided p of a difference from the draws of it, moved so that their mean is it.

    Resampling shifts both models' figures, and not by the same amount; the spread is what the draws tell.
    """
    if len(draws) < 2:
        raise BadInput(f"{len(draws)} draws are too few for an interval: two are needed")
    moved = draws - draws.mean() + difference
    low, high = np.quantile(moved, [(1 - level) / 2, (1 + level) / 2])
    beyond = min(np.count_nonzero(moved <= 0), np.count_nonzero(moved >= 0))
    return float(low), float(high), float(min(1.0, 2 * (1 + beyond) / (1 + len(moved))))


def _difference(pair: pd.Series, drawn: dict[tuple[str, str, str], Floats]) -> Row:
    row = {"reference": pair.reference, "metric_name": pair.metric_name, "fit": pair.fit}
    row |= {"first": pair.value_first, "second": pair.value_second, "difference": pair.value_first - pair.value_second}
    for kind, word in KINDS.items():
        a, b = (drawn.get((run_id, pair.metric_name, kind)) for run_id in (pair.run_id_first, pair.run_id_second))
        if a is None or b is None:
            continue
        n = min(len(a), len(b))
        low, high, p = paired(row["difference"], a[:n] - b[:n])
        row |= {f"{word}_low": low, f"{word}_high": high, f"{word}_p": p, f"n_{word}_draws": n}
    same_set = pair.triplet_set_id_first == pair.triplet_set_id_second
    return row | {"same_questions": same_set and pair.seed_first == pair.seed_second}


def _newest(store: Store, rater: str, metric: str | None, reference: str | None) -> pd.DataFrame:
    frame = store.read(query("triadic.reports", "comparable"), [rater, metric, reference])
    if frame.empty:
        raise NotFound(f"no alignment figure of {rater} here with these options: `triadic run {rater}` makes them")
    return frame
