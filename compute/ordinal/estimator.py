"""The one solver behind every embedding here: a loss over pairs, L-BFGS over coordinates.

All squared distances of n items are one small matrix product. An answer reads two entries of that matrix and adds two
slopes to a matrix of weights; the gradient is one more product, (diag(W·1) − W)·X, W being the symmetrised weights.
So a step costs a gather and a scatter over the answers, and never answers × dimensions.
"""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, fields
from functools import cache
from numbers import Integral, Real
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar, Self, get_args, get_type_hints

import numpy as np
from numpy.typing import ArrayLike, NDArray

from triadic.compute.ordinal.gather import Gather
from triadic.compute.ordinal.pairs import ANCHORED, Columns, Pairs, check_answers, collapse
from triadic.compute.ordinal.restart import HISTORY, Descent, Restart
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput

if TYPE_CHECKING:
    from torch import Tensor as Tensor
else:
    Tensor = Any  # torch is loaded only by those who fit with it

Parameter = float | int | None

# Settings of every fit, whatever its loss: they are given beside the loss's own parameters, not among them.
_COMMON = ("n_dims", "seed", "n_restarts", "patience")

# What a loss writes in numpy and again in torch: a class that writes one of a pair anew has to write the other.
_FORMS = {"_losses": "_torch_losses", "_penalty": "_torch_penalty", "_matrix": "_torch_matrix", "_pull": "_torch_pull"}


class NotConverged(RuntimeWarning):
    """A fit ended before it settled; its `reason_` says how. The estimator carries `converged_ = False`."""


class Fitted:
    """What a fit leaves on its estimator. `embedding_` is float64 (n_items, n_dims); `history_` is a HISTORY array."""

    embedding_: Floats
    history_: NDArray[np.void]
    restarts_: list[Restart]
    best_restart_: int
    converged_: bool
    reason_: str
    n_iter_: int
    n_items_: int


@dataclass(eq=False)
class OrdinalEmbedding(Fitted, ABC):
    """What the estimators share. A subclass is a dataclass of its parameters and gives `_losses`.

    What it does not share with squared distances without a penalty it writes too: `_matrix` with `_pull`, `_penalty`.
    Beside each stands its torch form, for fits on a device (see `_FORMS`); a loss without one is refused there.

    Parameters
    ----------
    n_dims : dimensions of the space.
    seed : of the random starts; the same seed gives the same embedding to the bit on one machine.
    n_restarts : random starts; the one with the lowest held-out loss is kept (lowest training loss without any).
    max_steps, tol : L-BFGS stops after `max_steps`, or when ten steps together lower the loss by less than `tol` of it.
    patience : stop when the held-out loss has not improved for so many recorded steps, and keep the best one seen.
        None never stops early. Held-out figures of an early-stopped fit are slightly too good: they chose the step.
    record_every : steps between records in `history_`; the last step is always recorded.
    """

    n_dims: int = 30
    _: KW_ONLY
    seed: int = 0
    n_restarts: int = 1
    max_steps: int = 1000
    tol: float = 3e-4
    patience: int | None = None
    record_every: int = 1

    columns: ClassVar[Columns] = ANCHORED
    lower: ClassVar[float | None] = None  # bound of the coordinates, for non-negative spaces

    # What a subclass says about its loss

    @abstractmethod
    def _losses(self, *values: Floats) -> tuple[Floats, ...]:
        """Loss of each answer and its slope in each of the entries it reads; arrays of one length."""

    def _torch_losses(self, *values: Tensor) -> Tensor:
        """Loss of each answer in each fit, (n_fits, n_answers); torch derives the slopes. Left out, there is no torch form."""
        raise NotImplementedError  # never called: `check_parameters` refuses the device first

    def _penalty(self, embedding: Floats) -> tuple[float, Floats | float]:
        """What is added to the mean loss, and its gradient."""
        return 0.0, 0.0

    def _torch_penalty(self, embeddings: Tensor) -> tuple[Tensor | float, Tensor | float]:
        """The same for embeddings (n_fits, n_items, n_dims): values (n_fits,) and their gradients."""
        return 0.0, 0.0

    def _matrix(self, embedding: Floats) -> Floats:
        """What the answers read: all squared distances, (n_items, n_items)."""
        square = np.einsum("ij,ij->i", embedding, embedding)
        matrix: Floats = (-2.0 * embedding) @ embedding.T
        matrix += square[:, None]
        matrix += square
        np.maximum(matrix, 0.0, out=matrix)
        return matrix

    def _torch_matrix(self, embeddings: Tensor) -> Tensor:
        """The same for embeddings (n_fits, n_items, n_dims): (n_fits, n_items, n_items)."""
        square = (embeddings * embeddings).sum(-1)
        cross = (-2.0 * embeddings) @ embeddings.transpose(1, 2)
        return cross.add_(square[:, :, None]).add_(square[:, None, :]).clamp_(min=0.0)

    def _pull(self, weights: Floats, embedding: Floats) -> Floats:
        """Gradient over the coordinates, given the slope at every entry of the matrix."""
        weights = weights + weights.T
        pull: Floats = 2.0 * (weights.sum(axis=1)[:, None] * embedding - weights @ embedding)
        return pull

    def _torch_pull(self, weights: Tensor, embeddings: Tensor) -> Tensor:
        """The same for weights (n_fits, n_items, n_items) and embeddings (n_fits, n_items, n_dims)."""
        weights = weights + weights.transpose(1, 2)
        return 2.0 * (weights.sum(-1, keepdim=True) * embeddings - weights @ embeddings)

    def _start(self, n_items: int, rng: np.random.Generator) -> Floats:
        """A random start whose squared distances are about 2 on average, whatever the dimension."""
        start: Floats = rng.standard_normal((n_items, self.n_dims)) / np.sqrt(self.n_dims)
        return start

    def _hits(self, *values: Any) -> Any:
        """1 where an answer is predicted, 0 where not, a share at a tie; `values` as the losses get them."""
        near, far = values
        return (near < far) + 0.5 * (near == far)

    # Fitting

    def fit(
        self,
        triplets: ArrayLike,
        weights: ArrayLike | None = None,
        heldout: ArrayLike | None = None,
        heldout_weights: ArrayLike | None = None,
        n_items: int | None = None,
        *,
        device: str | None = None,
    ) -> Self:
        """Fit to answers (n_answers, 3); see `triadic.compute.ordinal.pairs` for their form.

        `weights` count each answer (graded answers, bootstraps); `heldout` answers are only watched. `device` None fits
        with numpy; a torch device name ("cuda", "cpu") takes all restarts down together there, to the same space but
        for rounding. Raises BadInput, and Unavailable for a device that is not there.
        """
        self.check_parameters(device)
        answers, counts, train_items = check_answers(triplets, weights, n_items)
        watched = None
        if heldout is not None:
            seen, seen_weights, heldout_items = check_answers(heldout, heldout_weights, n_items, "heldout")
            train_items = max(train_items, heldout_items)
            watched = collapse(seen, seen_weights, train_items, self.columns)
        elif self.patience is not None:
            raise BadInput("patience (early stopping) needs heldout answers to watch")
        self._fit_pairs(collapse(answers, counts, train_items, self.columns), watched, device)
        if not self.converged_:
            warnings.warn(f"{type(self).__name__} fit ended as {self.reason_!r}", NotConverged, stacklevel=2)
        return self

    def _fit_pairs(self, pairs: Pairs, watched: Pairs | None, device: str | None = None) -> None:
        starts = self._starts(pairs.n_items)
        if device is None:
            train, seen = Gather(pairs), None if watched is None else Gather(watched)
            found = [Descent(self, number, train, seen).run(start) for number, start in enumerate(starts)]
        else:
            from triadic.compute.ordinal.batch_torch import fit_restarts

            found = fit_restarts(self, pairs, watched, starts, device)
        best = min(found, key=lambda end: end.restart.rank)
        self.n_items_ = pairs.n_items
        self.embedding_ = best.embedding
        self.history_ = np.array([record for end in found for record in end.records], dtype=HISTORY)
        self.restarts_ = [end.restart for end in found]
        kept = best.restart
        self.best_restart_ = kept.restart
        self.converged_, self.reason_, self.n_iter_ = kept.converged, kept.reason, kept.n_iter

    def _starts(self, n_items: int) -> list[Floats]:
        """The random starts, each from a stream of its own: more restarts do not change the first ones."""
        streams = np.random.SeedSequence(self.seed).spawn(self.n_restarts)
        return [self._start(n_items, np.random.default_rng(stream)) for stream in streams]

    def _objective(self, embedding: Floats, answers: Gather, matrix: Floats) -> tuple[float, Floats]:
        """Mean loss plus penalty, and the gradient (n_items, n_dims); `matrix` is the embedding's."""
        value, slopes = answers.slopes(matrix.ravel(), self._losses)
        gradient = self._pull(slopes.reshape(len(embedding), -1), embedding)
        penalty, push = self._penalty(embedding)
        return value + penalty, gradient + push

    def _watch(self, matrix: Floats, answers: Gather) -> tuple[float, float]:
        """Mean loss (without penalty) and accuracy; a tie counts as a guess would."""
        return answers.figures(matrix.ravel(), self._losses, self._hits)

    # Using a fit

    def loss(self, triplets: ArrayLike, weights: ArrayLike | None = None) -> float:
        """Mean loss per answer of the fitted space, without penalties."""
        return self.figures(triplets, weights)[0]

    def score(self, triplets: ArrayLike, weights: ArrayLike | None = None) -> float:
        """Share of the answers that the fitted space predicts; a tie counts as a guess would."""
        return self.figures(triplets, weights)[1]

    def figures(self, triplets: ArrayLike, weights: ArrayLike | None = None) -> tuple[float, float]:
        """`loss` and `score` in one."""
        if not hasattr(self, "embedding_"):
            raise BadInput(f"this {type(self).__name__} has no embedding yet: call fit first")
        answers, counts, n_items = check_answers(triplets, weights, len(self.embedding_))
        return self._watch(self._matrix(self.embedding_), Gather(collapse(answers, counts, n_items, self.columns)))

    @property
    def chance_loss(self) -> float:
        """Loss of a space that knows nothing (all items in one place): ln 2 for the anchored probability models."""
        nothing = [np.zeros(1) for _ in self.columns]
        return float(self._losses(*nothing)[0][0])

    @property
    def chance_accuracy(self) -> float:
        """Accuracy of guessing: one over the number of pairs an answer chooses from."""
        return 1.0 / len(self.columns)

    # Parameters

    @classmethod
    def own_parameters(cls) -> dict[str, Parameter]:
        """Parameters of the loss and then of the solver, with their defaults: what `make_estimator` takes by name."""
        shared = [field.name for field in fields(OrdinalEmbedding)]
        own_first: list[Any] = sorted(fields(cls), key=lambda field: field.name in shared)
        return {field.name: field.default for field in own_first if field.name not in _COMMON}

    @classmethod
    @cache
    def parameter_kinds(cls) -> Mapping[str, tuple[type, ...]]:
        """The types that each parameter may have: {"tol": (float,), "patience": (int, NoneType), …}."""
        hints = get_type_hints(cls)
        return {field.name: get_args(hints[field.name]) or (hints[field.name],) for field in fields(cls)}

    def get_params(self) -> dict[str, Parameter]:
        """All parameters, JSON-able: what identifies the fit."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()}

    def hyperparameters(self) -> dict[str, Parameter]:
        """`get_params` of the loss and the solver: what decides a fit beside dimensions, seed, restarts and patience."""
        return {name: value for name, value in self.get_params().items() if name not in _COMMON}

    def check_parameters(self, device: str | None = None) -> None:
        """Raise BadInput for a parameter that no fit can have, or that none can have on a torch device."""
        for name, kinds in self.parameter_kinds().items():
            _check_kind(name, getattr(self, name), kinds)
        for name in ("n_dims", "n_restarts", "max_steps", "record_every", "patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise BadInput(f"{name} is {value!r}: it must be at least 1")
        if self.tol < 0:
            raise BadInput(f"tol is {self.tol!r}: it must not be negative")
        if device is not None:
            self._check_torch()

    def _check_torch(self) -> None:
        name = type(self).__name__
        if any(self._writer(numpy_form) is not self._writer(torch_form) for numpy_form, torch_form in _FORMS.items()):
            raise BadInput(f"{name} has no torch form: fit it without a device")
        if self.lower is not None:
            raise BadInput(f"{name} has bounds, which no torch fit keeps: fit it without a device")
        if self.patience is not None:
            raise BadInput("patience (early stopping) is for fits without a device: leave out one of the two")

    @classmethod
    def _writer(cls, method: str) -> type:
        """The class that wrote a method last."""
        return next(base for base in cls.__mro__ if method in vars(base))


def _check_kind(name: str, value: Any, kinds: tuple[type, ...]) -> None:
    if value is None and NoneType in kinds:
        return
    number, noun = (Integral, "a whole number") if int in kinds else (Real, "a finite number")
    if isinstance(value, bool) or not isinstance(value, number) or not math.isfinite(value):
        raise BadInput(f"{name} is {value!r}: it must be {noun}{' or None' if NoneType in kinds else ''}")
