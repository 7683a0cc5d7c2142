"""The one reading of a judge run: what was asked and chosen, with which weights, and what a fit holds out of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from triadic.compute.ordinal import OrdinalEmbedding
from triadic.compute.ordinal.pairs import ODD_ONE_OUT
from triadic.compute.ordinal.selection import hold_out
from triadic.compute.resampling.refits import WAYS
from triadic.schema.arrays import Bools, Floats, Ints
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lab import Lab
from triadic.schema.vocabulary import AnswerKind, Choice, Framing, SeedStream

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class AnswerSet:
    """The answers of a judge run that can be fitted: n rows for m answers as given, in the order they were asked in.

    n is m, and 2·m for graded answers, which enter once each way. `triplets` int32 (n, 3): anchor, nearer, farther; with
    framing odd-one-out the chosen pair, then the odd one. `weights` (n,) says what each row counts; None: once.
    `asked` (m, 3) are the questions as the rater saw them: anchor, the option shown first, the other one. `shares`
    (m, k) is how much of each answer of `WAYS[framing]` to them was given; rows sum to 1. `n_items` are the concepts
    asked about, `n_invalid` the answers left out because they hold no choice (no log-probabilities, for graded ones).
    """

    triplets: Ints
    weights: Floats | None
    asked: Ints
    shares: Floats
    framing: Framing
    n_items: int
    n_invalid: int

    @classmethod
    def read(cls, lab: Lab, judge_run_id: str, kind: str = AnswerKind.hard, temperature: float = 1.0) -> AnswerSet:
        """The valid answers of a judge run.

        `hard` takes the choices. `graded` takes the stored log-probabilities instead: each anchored answer enters twice,
        once each way, weighted by the softmax of the two log-probabilities at `temperature`, so that it carries the
        model's preference without an answerer's noise. Raises NotFound without answers, BadInput where nothing was
        scored, or nothing is valid.
        """
        if kind not in list(AnswerKind) or not temperature > 0:
            raise BadInput(
                f"answers are {' or '.join(AnswerKind)}, at a temperature above 0; got {kind!r}, {temperature!r}"
            )
        rows = lab.store.arrow(
            "SELECT anchor, left_item, right_item, flipped, choice, logprob_left - logprob_right AS preference "
            "FROM answered WHERE run_id = ? ORDER BY triplet_no, flipped, repeat",
            [judge_run_id],
        )
        run = lab.store.row(
            "SELECT framing, n_concepts FROM judge_run JOIN concept_set USING (concept_set_id) WHERE run_id = ?",
            [judge_run_id],
        )
        if run is None or not len(rows):
            raise NotFound(f"run {judge_run_id} has no answers to fit: `triadic judge` asks for them")
        framing, n_items = Framing(run[0]), int(run[1])
        valid, shares = _choices(rows, framing) if kind == AnswerKind.hard else _preferences(rows, framing, temperature)
        if not valid.any():
            if kind == AnswerKind.hard:
                raise BadInput(f"run {judge_run_id} has no valid answer to fit: ask another rater, or another way")
            raise BadInput(f"run {judge_run_id} has no log-probabilities of two options: fit its hard answers")
        items = np.stack([rows.column(name).to_numpy() for name in ("anchor", "left_item", "right_item")], axis=1)[
            valid
        ]
        ways = WAYS[framing]
        if kind == AnswerKind.hard:
            triplets, weights = np.take_along_axis(items, ways[shares.argmax(axis=1)], axis=1), None
        else:
            triplets, weights = np.concatenate([items[:, way] for way in ways]), shares.T.flatten()
        flipped = rows.column("flipped").to_numpy(zero_copy_only=False)[valid].astype(bool)
        asked = items.astype(np.intp)
        asked[flipped] = asked[flipped][:, [0, 2, 1]]
        shares[flipped, :2] = shares[flipped][:, [1, 0]]
        return cls(triplets.astype(np.int32), weights, asked, shares, framing, n_items, int((~valid).sum()))

    def __len__(self) -> int:
        return len(self.triplets)

    def held_out(self, share: float, seed: int) -> Bools:
        """True for the rows (n,) that a fit with this seed holds out: `share` of the questions, each as a whole."""
        rng = np.random.default_rng([seed, SeedStream.held_out])
        return hold_out(self.triplets, share, rng, as_sets=self.framing == Framing.odd_one_out)

    def split(self, share: float, seed: int) -> tuple[AnswerSet, AnswerSet]:
        """The answers that a fit with this seed is made to, and those that it holds out. Raises BadInput for too few."""
        held = self.held_out(share, seed)
        return self._take(~held), self._take(held)

    def written_for(self, estimator: OrdinalEmbedding) -> tuple[Ints, Floats | None]:
        """`triplets` and `weights` in the form that the estimator's loss takes. Raises BadInput where there is none."""
        triplets = written_for(estimator, self.framing, self.triplets)
        return triplets, None if self.weights is None else np.tile(self.weights, len(triplets) // len(self))

    def as_anchored(self) -> Ints:
        """`triplets` as anchored answers: (n, 3), or (2n, 3) of odd-one-out ones."""
        return self.triplets if self.framing == Framing.anchored else as_anchored(self.triplets)

    def _take(self, kept: Bools) -> AnswerSet:
        given = kept[: len(self.asked)]  # graded answers are listed twice, both times in the order of the questions
        weights = None if self.weights is None else self.weights[kept]
        return replace(
            self, triplets=self.triplets[kept], weights=weights, asked=self.asked[given], shares=self.shares[given]
        )


def as_anchored(pairs: Ints) -> Ints:
    """Odd-one-out answers (n, 3) as anchored ones (2n, 3): pair (a, b) over c has a nearer b than c, and b nearer a."""
    return np.concatenate([pairs, pairs[:, [1, 0, 2]]])


def written_for(estimator: OrdinalEmbedding, framing: Framing, triplets: Ints) -> Ints:
    """Answers (n, 3) in the form that the estimator's loss takes: (n, 3), or (2n, 3) where it takes anchored ones only.

    Raises BadInput where it takes odd-one-out ones and these are anchored.
    """
    if (framing == Framing.odd_one_out) == (estimator.columns == ODD_ONE_OUT):
        return triplets
    if framing == Framing.anchored:
        raise BadInput(
            f"{type(estimator).__name__} fits odd-one-out answers, and these are anchored: judge with --framing odd-one-out"
        )
    return as_anchored(triplets)


def _choices(rows: pa.Table, framing: Framing) -> tuple[Bools, Floats]:
    """Which answers (n,) hold a choice, and those as shares (m, k) of `WAYS[framing]`, whose order `Choice` has."""
    choice = rows.column("choice").to_numpy(zero_copy_only=False)
    shares = np.stack([choice == each.value for each in list(Choice)[: len(WAYS[framing])]], axis=1).astype(float)
    valid: Bools = shares.max(axis=1) > 0
    return valid, shares[valid]


def _preferences(rows: pa.Table, framing: Framing, temperature: float) -> tuple[Bools, Floats]:
    """Which answers (n,) have two options scored, and the softmax (m, 2) of those."""
    preference = rows.column("preference").to_numpy(zero_copy_only=False).astype(float)
    valid = np.isfinite(preference) & (framing == Framing.anchored)
    towards_left = 1 / (1 + np.exp(-np.clip(preference[valid] / temperature, -500, 500)))
    return valid, np.stack([towards_left, 1 - towards_left], axis=1)
