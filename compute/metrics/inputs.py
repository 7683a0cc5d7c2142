"""The one gate for input: every metric accepts the same things and refuses the same things, in the same words.

`Inputs` is what figures are computed from. Its spaces keep what was derived from them (distances, ranks, Gram
matrices), so that metrics share the work without knowing of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from triadic.schema.arrays import Floats, Ints
from triadic.schema.errors import BadInput
from triadic.schema.vocabulary import Framing

T = TypeVar("T")
P = ParamSpec("P")


class Space:
    """A space: float64 `rows` (n_concepts, d), finite, and everything that was derived from them.

    `who` names it in messages. BadInput unless it is numbers of two dimensions and has `least` concepts or more.
    """

    def __init__(self, embedding: ArrayLike, who: str = "embedding", least: int = 3) -> None:
        try:
            rows = np.asarray(embedding, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise BadInput(f"the {who} is not an array of numbers: {error}") from None
        if rows.ndim != 2 or rows.shape[1] == 0:
            raise BadInput(f"the {who} has shape {rows.shape}; it must be (concepts, dimensions)")
        if len(rows) < least:
            raise BadInput(f"the {who} has {len(rows)} concepts; this metric needs at least {least}")
        if not np.isfinite(rows).all():
            n_bad = np.count_nonzero(~np.isfinite(rows))
            raise BadInput(f"the {who} has {n_bad} non-finite values; refit or clean it first")
        self.rows: Floats = rows
        self.who = who
        self._derived: dict[tuple[Hashable, ...], Any] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def get(self, derive: Callable[Concatenate[Space, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `derive(space, *args)` gives, computed the first time only; treat it as read-only. No keywords."""
        key = (derive, *args)
        if key not in self._derived:
            self._derived[key] = derive(self, *args, **kwargs)
        found: T = self._derived[key]
        return found


def centred(space: Space) -> Floats:
    """Columns minus their means, divided by the largest entry so that squares neither overflow nor vanish.

    Every metric is invariant to scale and to translation, so neither step changes a figure.
    """
    size = np.abs(space.rows).max()
    out = space.rows / (size or 1.0)
    out = out - out.mean(0)
    spread = np.abs(out).max()
    # What is left of identical rows after the subtraction is rounding, about 1e-16 of their size.
    if spread <= 1e-12:
        raise BadInput(f"every concept has the same position in the {space.who}: there is nothing to compare")
    centred_rows: Floats = out / spread
    return centred_rows


class Questions:
    """Questions or answers: `rows` (m, 3) of intp, three different positions below `n_concepts` in each."""

    def __init__(self, triplets: ArrayLike, n_concepts: int, who: str = "triplets") -> None:
        array = np.asarray(triplets)
        if array.ndim != 2 or array.shape[1] != 3 or not np.issubdtype(array.dtype, np.integer):
            raise BadInput(
                f"the {who} have shape {array.shape} and type {array.dtype}; they must be whole numbers, three a row"
            )
        if len(array) == 0:
            raise BadInput(f"there are no {who}: judge some first")
        array = array.astype(np.intp)
        if array.min() < 0 or array.max() >= n_concepts:
            raise BadInput(
                f"the {who} name position {array.max()} or {array.min()}; positions run from 0 to {n_concepts - 1}"
            )
        if (np.diff(np.sort(array, axis=1), axis=1) == 0).any():
            raise BadInput(f"some {who} name the same concept twice")
        self.rows: Ints = array

    def counts(self, weights: Floats) -> Floats:
        """How often each question counts (b, m) when concepts count by weights (b, n): a product of three."""
        a, b, c = self.rows.T
        product: Floats = weights[:, a] * weights[:, b] * weights[:, c]
        return product


def category_codes(labels: Iterable[object], n_concepts: int, ignore: tuple[str, ...] = ("other",)) -> Ints:
    """Category of each concept as codes 0…m−1, −1 where it has none (empty, None, NaN, or a name in `ignore`)."""
    names = [None if label is None or label != label else str(label).strip() for label in labels]
    if len(names) != n_concepts:
        raise BadInput(f"there are {len(names)} category labels for {n_concepts} concepts")
    kept = sorted({name for name in names if name and name not in ignore})
    if len(kept) < 2:
        raise BadInput(f"category separation needs two categories or more; there are {len(kept)} (left out: {ignore})")
    code = {name: i for i, name in enumerate(kept)}
    return np.array([code.get(name or "", -1) for name in names], dtype=np.intp)


class Inputs:
    """What figures are computed from, each part checked when it is first asked for and kept from then on.

    human: (n, d_h), model: (n, d_m), rows the same concepts; triplets: (m, 3) questions, anchor and two options in any
    order; labels: n category names. answers: (m, 3) as a rater chose, anchor, nearer and farther option, or under
    odd-one-out `framing` the pair and the odd one; they count by `weights` (m,). BadInput for what does not fit.
    """

    def __init__(
        self,
        human: ArrayLike | Space | None = None,
        model: ArrayLike | Space | None = None,
        *,
        triplets: ArrayLike | Questions | None = None,
        answers: ArrayLike | None = None,
        labels: Iterable[object] | None = None,
        weights: ArrayLike | None = None,
        framing: Framing = Framing.anchored,
        least: int = 4,
    ) -> None:
        parts = {"human": human, "model": model, "triplets": triplets, "answers": answers, "labels": labels}
        self.given: dict[str, Any] = {name: part for name, part in parts.items() if part is not None}
        self._how: dict[str, Any] = {"weights": weights, "framing": framing, "least": least}

    @cached_property
    def human(self) -> Space:
        return self._space("human", "human embedding")

    @cached_property
    def model(self) -> Space:
        model = self._space("model", "model embedding")
        if "human" in self.given and len(self.human) != len(model):
            raise BadInput(
                f"the human embedding has {len(self.human)} concepts and the model's {len(model)}; "
                "match their rows first"
            )
        return model

    @cached_property
    def triplets(self) -> Questions:
        triplets = self.given["triplets"]
        return triplets if isinstance(triplets, Questions) else Questions(triplets, len(self))

    @cached_property
    def answers(self) -> Questions:
        """Anchored: an odd-one-out answer, a pair joined over a third, is two: each of the pair is nearer the other."""
        answers = Questions(self.given["answers"], len(self), "answers")
        if self._how["framing"] == Framing.odd_one_out:
            answers.rows = np.concatenate([answers.rows, answers.rows[:, [1, 0, 2]]])
        return answers

    @cached_property
    def answer_weights(self) -> Floats | None:
        """What each row of `answers` counts, or None where all count the same."""
        if self._how["weights"] is None:
            return None
        weights = np.asarray(self._how["weights"], dtype=float)
        if not weights.sum() > 0:
            raise BadInput("no answer counts: all weights are zero")
        return np.tile(weights, len(self.answers.rows) // len(weights))

    @cached_property
    def categories(self) -> Ints:
        """`category_codes` of the labels."""
        return category_codes(self.given["labels"], len(self))

    def __len__(self) -> int:
        """The number of concepts."""
        return len(self.human if "human" in self.given else self.model)

    def replace(self, **parts: Any) -> Inputs:
        """The same with other parts; what was checked and derived of the parts that stay is kept."""
        known = {name: self.__dict__[name] for name in ("human", "model", "triplets") if name in self.__dict__}
        return Inputs(**(self.given | self._how | known | parts))

    def repeat(self, times: Ints) -> Inputs:
        """Each concept as often as `times` (n,) says, its questions as often as its rows can be combined."""
        rows, first = np.repeat(np.arange(len(times)), times), np.cumsum(times) - times
        parts: dict[str, Any] = {
            name: Space(getattr(self, name).rows[rows], getattr(self, name).who)
            for name in ("human", "model")
            if name in self.given
        }
        if "labels" in self.given:
            labels = list(self.given["labels"])
            parts["labels"] = [labels[row] for row in rows]
        if "triplets" in self.given:
            parts["triplets"] = first[self._repeated(self.triplets, times)]
        if "answers" in self.given:
            parts["answers"], parts["framing"] = first[self._repeated(self.answers, times)], Framing.anchored
            if self.answer_weights is not None:
                parts["weights"] = np.repeat(self.answer_weights, times[self.answers.rows].prod(1))
        return Inputs(**(self._how | parts))

    def _repeated(self, questions: Questions, times: Ints) -> Ints:
        return np.repeat(questions.rows, times[questions.rows].prod(1), axis=0)

    def _space(self, name: str, who: str) -> Space:
        part = self.given[name]
        return part if isinstance(part, Space) else Space(part, who, self._how["least"])
