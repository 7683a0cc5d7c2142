"""`report concepts MODEL`: which concepts lie furthest from where people have them, and which answers say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import numpy as np
import pandas as pd

from triadic.reports import figures
from triadic.reports.report import Report, Table
from triadic.reports.spaces import Pair, beside_rater, beside_reference
from triadic.reports.statistics.procrustes import Turned, moved_interval, n_lost, nearest, turned
from triadic.reports.statistics.proportion import wilson
from triadic.schema.arrays import Floats, Ints
from triadic.schema.errors import BadInput
from triadic.schema.options import Option
from triadic.schema.store import Store, query
from triadic.schema.vocabulary import DrawKind

FEWEST_DRAWS = 20  # below, a share of draws decides nothing: as in view alignment
PREVIEW = 15
WIDTH = 24  # signs for the names of neighbours in a line: table changes has all
MOST_TRIPLETS = 200  # view disagreement has all


def report(
    store: Store,
    model: Annotated[str, Option("The rater whose concepts are looked at.")],
    other: Annotated[
        str | None, Option("Lay it over this rater's concepts instead of a reference's.", unset="none")
    ] = None,
    reference: Annotated[
        str | None, Option("Reference it is laid over.", unset="the main one of its concepts, people's first")
    ] = None,
    concepts: Annotated[str | None, Option("Concept set.", unset="that of its fit with most answers")] = None,
    neighbours: Annotated[int, Option("How many of the nearest concepts are a concept's neighbours.")] = 10,
) -> Report:
    """Which concepts lie furthest from people's: residuals, neighbours lost and gained, and the triplets that differ.

    The rater's space is turned, mirrored and scaled onto the reference (as for procrustes_r2); what is then left of each
    concept is its residual, judged by refits to resampled answers (intervals) and to coin flips (chance). With `other`
    two raters are laid over one another. Raises NotFound for a rater without a fit or concepts without a reference,
    BadInput for both a reference and another rater.

    Example: triadic report concepts gemma-3-270m --reference wordnet
    """
    if other and reference:
        raise BadInput("--other and --reference name two things to compare with: give one of them")
    if neighbours < 1:
        raise BadInput(f"{neighbours} neighbours: choose 1 or more")
    with store.connect():
        pair = (
            beside_rater(store, model, other, concepts)
            if other
            else beside_reference(store, model, reference, concepts)
        )
        return _report(store, pair, neighbours)


def _report(store: Store, pair: Pair, k: int) -> Report:
    asked, k = k, min(k, max(1, (len(pair.concepts) - 1) // 2))  # of a small set everything would be near everything
    found = turned(pair.other.vectors, pair.model.vectors)
    drawn = Drawn.read(store, pair, k)
    concepts = _concepts(pair, found, drawn, n_lost(pair.other.vectors, pair.model.vectors, k), k)
    changes = _changes(pair, k)
    kept = [
        "concept",
        "category",
        "residual",
        "low",
        "high",
        "chance",
        "p",
        "at_chance",
        "share_of_error",
        "from_centre",
    ]
    shown = concepts[kept].sort_values("residual", ascending=False, kind="stable", ignore_index=True)
    tables = [
        Table(
            "concepts", f"Concepts of {pair.model.name}, furthest from {pair.other.name} first", _known(shown), PREVIEW
        ),
        Table("neighbours", f"Of the {k} nearest concepts, which changed", _neighbours(concepts, changes), PREVIEW),
        Table("changes", "Every neighbour lost or gained", changes, preview=0),
    ]
    if pair.concepts.category.notna().any():
        tables.append(Table("categories", "Mean over each category", _categories(concepts, drawn)))
    tables += [
        Table(
            "triplets",
            "Answers that differ most",
            _triplets(store, pair),
            PREVIEW,
            empty=f"no question that {pair.model.name} and {pair.other.name} both answered, and not alike",
        ),
        Table(
            "anchors",
            "Share of answers that agree, by anchor, fewest first",
            _anchors(store, pair),
            PREVIEW,
            empty=f"no question that {pair.model.name} and {pair.other.name} both answered",
        ),
    ]
    rows = concepts.assign(target=list(found.target), moved=list(found.moved))
    return Report(
        "concepts",
        f"{pair.model.name} and {pair.other.name}, concept by concept",
        tables,
        _notes(pair, found, drawn, concepts, k, asked),
        {"concepts": partial(figures.concepts, rows, pair.other.name, pair.model.name)},
    )


@dataclass(frozen=True)
class Drawn:
    """Residuals and neighbours lost in each refit, (draws, n_concepts): to resampled answers, and to coin flips."""

    residuals: Floats
    lost: Floats
    coin_residuals: Floats
    coin_lost: Floats
    is_paired: bool  # whether both sides were resampled
    more: tuple[int, int]  # how many refits of each to ask for, so that the lab keeps some

    @classmethod
    def read(cls, store: Store, pair: Pair, k: int) -> Drawn:
        """What the refits of the pair's fit say. Draws of two raters pair up where seed and number are the same."""
        target, kind = pair.other.vectors, DrawKind.bootstrap_answers
        draws = pair.model.draws(store, kind)
        others = {} if pair.is_reference else pair.other.draws(store, kind)
        both = [key for key in draws if key in others]
        spaces = [(others[key], draws[key]) for key in both] or [(target, rows) for rows in draws.values()]
        coins = [(target, rows) for rows in pair.model.draws(store, DrawKind.coin_flips).values()]
        residuals, coin_residuals = (
            _stacked([turned(*two).residuals for two in each], target) for each in (spaces, coins)
        )
        lost, coin_lost = (_stacked([n_lost(*two, k) for two in each], target) for each in (spaces, coins))
        return cls(
            residuals, lost, coin_residuals, coin_lost, is_paired=bool(both), more=_more(store, pair.model.embedding_id)
        )


def _more(store: Store, embedding_id: str) -> tuple[int, int]:
    """The usual numbers of refits; one more where a lab from before refits were kept has these figures already."""
    row = store.row(
        "SELECT max(n_answer_draws), max(n_coin_flip_draws) FROM alignment WHERE embedding_id = ?", [embedding_id]
    )
    made = [int(n or 0) for n in row or (0, 0)]
    return max(100, made[0] + 1), max(200, made[1] + 1)


def _stacked(draws: Sequence[Floats | Ints], target: Floats) -> Floats:
    return np.array(draws, float).reshape(len(draws), len(target))


def _concepts(pair: Pair, found: Turned, drawn: Drawn, lost: Ints, k: int) -> pd.DataFrame:
    """One row per concept, by position: residual and neighbours lost, each with interval and chance."""
    residuals = found.residuals
    frame = pd.DataFrame({"concept": pair.concepts.word, "category": pair.concepts.category, "residual": residuals})
    frame["share_of_error"] = residuals**2 / (residuals**2).sum()
    frame["from_centre"], frame["n_lost"] = found.from_centre, lost
    frame = frame.assign(**_judged(residuals, drawn.residuals, drawn.coin_residuals))
    low, high = _interval(lost.astype(float), drawn.lost, most=k)
    return frame.assign(lost_low=low, lost_high=high, lost_by_chance=_mean(drawn.coin_lost, len(frame)))


def _judged(figure: Floats, draws: Floats, coins: Floats) -> dict[str, Any]:
    """Interval, chance and p of each figure (n,); at_chance: no nearer than 95% of coins (None below 20 of them)."""
    low, high = _interval(figure, draws)
    p = (1 + (coins <= figure).sum(0)) / (1 + len(coins)) if len(coins) else np.full(len(figure), np.nan)
    decided = len(coins) >= FEWEST_DRAWS
    return {
        "low": low,
        "high": high,
        "chance": _mean(coins, len(figure)),
        "p": p,
        "at_chance": pd.array(p > 0.05 if decided else [pd.NA] * len(figure), dtype="boolean"),
    }


def _interval(figure: Floats, draws: Floats, most: float = np.inf) -> tuple[Floats, Floats]:
    if len(draws) < 2:
        return np.full(len(figure), np.nan), np.full(len(figure), np.nan)
    low, high = moved_interval(figure, draws)
    return np.maximum(low, 0), np.minimum(high, most)


def _mean(draws: Floats, n: int) -> Floats:
    mean: Floats = draws.mean(0) if len(draws) else np.full(n, np.nan)
    return mean


def _neighbours(concepts: pd.DataFrame, changes: pd.DataFrame) -> pd.DataFrame:
    """How many neighbours each concept lost, with interval and chance, and the nearest of those lost and gained."""
    frame = concepts[["concept", "n_lost"]].copy()
    for change in ("lost", "gained"):
        names = changes[changes.change == change].groupby("concept", sort=False).neighbour
        listed = {concept: _shortened(list(each)) for concept, each in names}
        frame[change] = [listed.get(concept, "") for concept in frame.concept]
    frame = frame.join(concepts[["lost_low", "lost_high", "lost_by_chance"]])
    order = concepts.sort_values(["n_lost", "residual"], ascending=False, kind="stable").index
    return _known(frame.loc[order].reset_index(drop=True))


def _shortened(names: list[str]) -> str:
    """The first names, as many as a narrow column holds."""
    n = 1
    while n < len(names) and len(", ".join(names[: n + 1])) <= WIDTH:
        n += 1
    return ", ".join(names[:n]) + (" …" if n < len(names) else "")


def _changes(pair: Pair, k: int) -> pd.DataFrame:
    """Every neighbour that a concept lost or gained, nearest first, with its place in both spaces (1 is the nearest)."""
    words, n = pair.concepts.word.to_numpy(), len(pair.concepts)
    orders = [nearest(side.vectors, n - 1) for side in (pair.other, pair.model)]
    places = [np.zeros((n, n), dtype=int) for _ in orders]
    for place, order in zip(places, orders, strict=True):
        np.put_along_axis(place, order, np.arange(1, n)[None], axis=1)
    rows = []
    for concept in range(n):
        for change, near, far in (("lost", 0, 1), ("gained", 1, 0)):
            for neighbour in orders[near][concept][:k]:
                if places[far][concept, neighbour] > k:
                    ranks = (int(place[concept, neighbour]) for place in places)
                    rows.append((words[concept], change, words[neighbour], *ranks))
    return pd.DataFrame(rows, columns=["concept", "change", "neighbour", "place_in_other", "place_in_model"])


def _categories(concepts: pd.DataFrame, drawn: Drawn) -> pd.DataFrame:
    """Mean residual of each category, with the interval and chance of that mean."""
    rows = []
    for category, part in concepts.groupby("category", sort=False):
        of = part.index.to_numpy()
        mean = np.array([part.residual.mean()])
        judged = _judged(mean, drawn.residuals[:, of].mean(1)[:, None], drawn.coin_residuals[:, of].mean(1)[:, None])
        row = {"category": category, "n": len(part), "residual": mean[0]} | {
            name: values[0] for name, values in judged.items()
        }
        rows.append(row | {"share_of_error": part.share_of_error.sum(), "n_lost": part.n_lost.mean()})
    frame = pd.DataFrame(rows).sort_values("residual", ascending=False, kind="stable", ignore_index=True)
    return _known(frame.astype({"at_chance": "boolean"}))


def _triplets(store: Store, pair: Pair) -> pd.DataFrame:
    """The answers that differ, first those that both sides are surest of."""
    model, other = pair.model, pair.other
    key = other.embedding_id if pair.is_reference else other.rater_id
    frame = store.read(
        query("triadic.reports", "far_triplets"), [model.judge_run_id, model.rater_id, key, other.judge_run_id]
    )
    weight = np.ones(len(frame))
    for column in ("preference", "other_preference"):
        sureness = frame[column].abs()
        if sureness.mean() > 0:
            weight = weight * (sureness / sureness.mean()).fillna(1.0)
    frame["weight"] = weight
    frame = frame.sort_values(["weight", "triplet_no"], ascending=[False, True], ignore_index=True).head(MOST_TRIPLETS)
    return frame.drop(columns=[] if frame.flipped.any() else ["flipped"]).dropna(axis=1, how="all")


def _anchors(store: Store, pair: Pair) -> pd.DataFrame:
    other = pair.other
    key = other.embedding_id if pair.is_reference else other.judge_run_id
    frame = store.read(query("triadic.reports", "anchor_agreement"), [pair.model.judge_run_id, key])
    frame["low"], frame["high"] = wilson(frame.agreement, frame.n_answers)
    return frame.dropna(axis=1, how="all") if len(frame) else frame


def _known(frame: pd.DataFrame) -> pd.DataFrame:
    """Without the columns that nothing is known of."""
    return frame.dropna(axis=1, how="all")


def _notes(pair: Pair, found: Turned, drawn: Drawn, concepts: pd.DataFrame, k: int, asked: int) -> list[str]:
    model, other, n = pair.model.name, pair.other.name, len(concepts)
    notes = [
        f"R² = {found.r2:.3f} (procrustes_r2). {model}: {pair.model.about}; {other}: {pair.other.about}.",
        f"residual: how far a concept of {model} lies from the same one of {other} after the best turn and scale. Unit: the "
        f"root mean square distance of {other}'s concepts from their centre, so that the mean of the squares is 1 − R². "
        "share_of_error: its part of their sum. from_centre: what a model that knows nothing would have.",
    ]
    if len(drawn.residuals) > 1:
        of = "both raters' answers" if drawn.is_paired else f"the answers of {model}"
        notes.append(
            f"low, high: 95% over {len(drawn.residuals)} refits to {of} resampled, moved so that their mean is the figure."
        )
    else:
        notes.append(
            f"No intervals: `triadic align {model} --bootstraps {drawn.more[0]}` keeps the refits that they need."
        )
    coins = len(drawn.coin_residuals)
    if coins:
        notes.append(
            f"chance: mean of {coins} refits to coin flips; p: share of coins that put it at least as near; near 1 it is farther away than coins put it."
        )
    else:
        notes.append(f"No chance: `triadic align {model} --coin-flips {drawn.more[1]}` keeps the refits that it needs.")
    if coins >= FEWEST_DRAWS:
        far = int(concepts.at_chance.sum())
        notes.append(
            f"at_chance: no nearer than 95% of coins put it: {far} of {n} concepts. A long residual alone says little: a concept "
            f"far from the centre has one by chance too. Of {n} that coins had placed, {n * 0.05:.0f} or so would stand out."
        )
    lowered = f" ({asked} were asked for; of {n} concepts half are taken at most)" if k < asked else ""
    notes.append(
        f"lost: among the {k} nearest in {other}, not in {model}{lowered}; gained: the other way round; nearest first. "
        f"Unrelated spaces lose {k * (1 - k / (n - 1)):.1f} of {k}."
    )
    preference = f"how much nearer {other} has left than right" if pair.is_reference else f"the same of {other}"
    notes.append(
        f"triplets: preference is {model}'s ln odds of left over right, other_preference {preference}; weight: both without "
        f"sign, each over its mean, multiplied. At most {MOST_TRIPLETS}: view disagreement has all."
    )
    guess = "a third" if pair.model.framing == "odd-one-out" else "one half"
    notes.append(
        f"anchors: first answers to the questions as drawn, ties left out; 95% intervals by Wilson. By chance {guess} agree."
    )
    return notes
