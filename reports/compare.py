"""`report compare A B`: the difference of two models on each metric, draw by draw, with its interval."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pandas as pd

from triadic.reports.frames import FEW, AnyMetricSetting, ReferenceSetting
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
    difference. Of each kind of fit the figure that is shown (most answers, then most draws, then the newest) is compared
    with the other's of the same kind. Raises NotFound for a model without figures, BadInput where the two have none in
    common.

    Example: triadic report compare gemma-3-270m all-MiniLM-L6-v2
    """
    ids = (find_rater(store, first), find_rater(store, second))
    frame = differences(store, ids[0], ids[1], metric, reference)
    shown = "SELECT rater_name FROM rater_current WHERE rater_id = ?"
    first, second = (store.value(shown, [rater_id]) for rater_id in ids)
    notes = [
        f"first: {first}, {_behind(frame, 'first')}; second: {second}, {_behind(frame, 'second')}.",
        "difference = first − second. Intervals are 95% percentiles of the differences draw by draw, moved onto the "
        "difference of the figures; p is two-sided, how often such draws fall on the other side of zero.",
        "over answers: would the difference hold if these models were asked other questions of the kind? "
        "over concepts: would it hold with other concepts?",
    ]
    if not frame.same_questions.all():
        notes += ["Where same_questions is false the models answered different triplet sets: the draws are unpaired."]
    fewer = frame[["n_answers_first", "n_answers_second"]]
    if (fewer.min(axis=1) < FEW * fewer.max(axis=1)).any():
        notes += [
            f"Where one model has less than {FEW:.0%} of the other's answers (n_answers) the difference is one of answers as "
            "much as of models: R² grows with their number."
        ]
    return Report("compare", f"{first} minus {second}", [Table("compare", "Difference in alignment", frame)], notes)


def _behind(frame: pd.DataFrame, which: str) -> str:
    """How many answers and draws are behind the figures of one side."""
    counts = [(frame[f"n_{what}_{which}"].dropna().astype(int), what) for what in ("answers", "draws")]
    ranges = [(sorted({int(n.min()), int(n.max())}), what) for n, what in counts if len(n)]
    return (
        " and ".join(f"{' to '.join(f'{n:,}' for n in ends)} {what}" for ends, what in ranges) + " behind each figure"
    )


def differences(
    store: Store, first: str, second: str, metric: str | None = None, reference: str | None = None
) -> pd.DataFrame:
    """One row per reference, kind of fit and metric that both models have."""
    # Empty cells (an embedding that came without answers) are equal to each other here.
    left, right = (_shown(store, name, metric, reference).fillna({"temperature": -1.0}) for name in (first, second))
    shared = ["reference", "concept_set_id", "metric_name", "fit", "answers", "temperature", "framing"]
    pairs = left.merge(right, on=shared, suffixes=("_first", "_second"))
    if pairs.empty:
        raise BadInput(f"{first} and {second} share no reference, metric and kind of fit: `triadic align` makes them")
    draws = store.read(
        "SELECT run_id, name, kind, draw, value FROM metric_draw WHERE list_contains($1, kind) "
        "AND list_contains($2, run_id) ORDER BY run_id, name, kind, draw",
        [[kind.value for kind in KINDS], [*{*pairs.run_id_first, *pairs.run_id_second}]],
    )
    drawn = {key: part.value.to_numpy() for key, part in draws.groupby(["run_id", "name", "kind"])}
    rows = pd.DataFrame([_difference(pair, drawn) for pair in pairs.itertuples()])
    if rows.concept_set_id.nunique() == 1:
        rows = rows.drop(columns="concept_set_id")
    return rows.sort_values(["reference", "fit", "metric_name"], ignore_index=True)


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
    row = {"reference": pair.reference, "concept_set_id": pair.concept_set_id}
    row |= {"metric_name": pair.metric_name, "fit": pair.fit}
    row |= {"first": pair.value_first, "second": pair.value_second, "difference": pair.value_first - pair.value_second}
    for kind, word in KINDS.items():
        a, b = (drawn.get((run_id, pair.metric_name, kind)) for run_id in (pair.run_id_first, pair.run_id_second))
        if a is None or b is None:
            continue
        n = min(len(a), len(b))
        low, high, p = paired(row["difference"], a[:n] - b[:n])
        row |= {f"{word}_low": low, f"{word}_high": high, f"{word}_p": p, f"n_{word}_draws": n}
    for which in ("n_answers_first", "n_answers_second", "n_draws_first", "n_draws_second"):
        row[which] = getattr(pair, which)
    same_set = pair.triplet_set_id_first == pair.triplet_set_id_second
    return row | {"same_questions": same_set and pair.seed_first == pair.seed_second}


def _shown(store: Store, rater: str, metric: str | None, reference: str | None) -> pd.DataFrame:
    frame = store.read(query("triadic.reports", "comparable"), [rater, metric, reference])
    if frame.empty:
        raise NotFound(f"no alignment figure of {rater} here with these options: `triadic run {rater}` makes them")
    return frame
