"""Other answers through the fit of an embedding: resampled ones, coin flips, simulated people, halves of the people."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from triadic.compute.answers import AnswerSet, written_for
from triadic.compute.ordinal import make_estimator
from triadic.compute.ordinal.batch import ManyFits, fit_many
from triadic.compute.ordinal.pairs import question_numbers
from triadic.compute.resampling.refits import (
    Refits,
    answer_weights,
    bootstrap_answers,
    coin_flips,
    simulated_people,
    split_halves,
)
from triadic.compute.settings import AlignSettings, restored
from triadic.compute.stages.kept_refits import KeptRefits, n_kept_missing
from triadic.schema.arrays import Floats, Ints
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lab import Lab
from triadic.schema.lookup import read_triplets
from triadic.schema.store import query
from triadic.schema.vocabulary import DrawKind, Framing, SeedStream


class Refitter:
    """Fits the answers that an embedding was made from once more, or others to the same questions, in the same way.

    The estimator is the one that was stored with the fit, with every parameter it had. `answers` are those the fit was
    made to, `questions` (n_questions, 3) the whole triplet set. Refits to resampled answers and to coin flips do not
    depend on a reference: the lab keeps them, and what is there is not made again. `settings` and `seed` are the align
    run's, `labels` the concepts' categories; `watch` is called with the number of refits made so far. `n_refits` of them
    were made, in `seconds`.
    """

    def __init__(
        self,
        lab: Lab,
        embed_run_id: str,
        n_dims: int,
        settings: AlignSettings,
        seed: int,
        labels: Sequence[str | None] | None = None,
    ) -> None:
        self.lab, self.embed_run_id = lab, embed_run_id
        self.settings, self.seed, self.labels = settings, seed, labels
        self.watch: Callable[[int], None] = lambda done: None
        self.n_refits, self.seconds, self._unconverged = 0, 0.0, 0
        with lab.store.connect():  # opened once for all that is read
            row = lab.store.row(
                "SELECT config, seed, parent_run_id, concept_set_id, triplet_set_id FROM run WHERE run_id = ?",
                [embed_run_id],
            )
            if row is None:
                raise NotFound(f"no embed run {embed_run_id} in this lab: `triadic embed` makes one")
            config, fit_seed, judge_run_id, self.concept_set_id, triplet_set_id = row
            fit = restored(json.loads(config))
            answers = AnswerSet.read(lab, judge_run_id, fit.answers, fit.temperature)
            triplets = read_triplets(lab, triplet_set_id)
        # Refits run to convergence from one start: early stopping would need held-out answers of its own each time.
        self.estimator = make_estimator(
            fit.algorithm, n_dims, seed=fit_seed, n_restarts=1, patience=None, parameters=dict(fit.parameters)
        )
        # The answers that the fit held out are left out, so that every refit has as many as the fit had.
        self.answers, _ = answers.split(fit.heldout_share, fit_seed)
        self.questions: Ints = triplets[["anchor", "left_item", "right_item"]].to_numpy(np.intp)
        shape = (self.answers.n_items, n_dims)
        self.kept = {
            kind: KeptRefits(lab, embed_run_id, kind, seed, shape)
            for kind in (DrawKind.bootstrap_answers, DrawKind.coin_flips)
        }

    @property
    def n_unconverged(self) -> int:
        """Of all refits so far, made or read, those that did not converge."""
        return self._unconverged + sum(kept.n_unconverged for kept in self.kept.values())

    def n_missing(self, n_references: int) -> int:
        """How many refits are still to be made for so many references."""
        settings, n_halves = self.settings, 0
        if settings.n_split_halves and self._people is not None:
            n_halves = 2 * settings.n_split_halves
        n_kept = n_kept_missing(self.lab, self.embed_run_id, settings, self.seed)
        return n_kept + n_references * (settings.n_ceiling + bool(settings.n_ceiling)) + n_halves

    def fit(self, answers: Ints, weights: Floats) -> Floats:
        """Embeddings (b, n_items, n_dims) of answers (m, 3) to these questions, one per row of weights (b, m).

        Raises BadInput when one of them is not finite.
        """
        found = self._fit_many(answers, weights)
        self._unconverged += int(np.count_nonzero(~found.converged))
        return found.embeddings

    def _fit_many(self, answers: Ints, weights: Floats) -> ManyFits:
        started = time.monotonic()
        triplets = written_for(self.estimator, self.answers.framing, answers)
        rows = np.tile(weights, len(triplets) // len(answers))
        made = self.n_refits
        found = fit_many(
            self.estimator,
            triplets,
            rows,
            n_items=self.answers.n_items,
            device=self.settings.device,
            progress=lambda done: self.watch(made + done),
        )
        finite = np.isfinite(found.embeddings).all((1, 2))
        if not finite.all():
            raise BadInput(f"{np.count_nonzero(~finite)} refits are not finite: nothing was stored")
        self.n_refits += len(weights)
        self.watch(self.n_refits)
        self.seconds += time.monotonic() - started
        return found

    @cached_property
    def bootstraps(self) -> Refits:
        """Refits to resampled answers."""
        counts = self.resampled(self.settings.n_bootstraps, self._generator(SeedStream.answers))
        with self.kept[DrawKind.bootstrap_answers].through(self._fit_many) as fit:
            return bootstrap_answers(self.answers.triplets, counts, fit, framing=self.answers.framing)

    @cached_property
    def coin_flips(self) -> Refits:
        """Refits to coin flips with the rater's own bias to the first option; graded answers are shuffled instead."""
        rates = self.answers.shares.mean(0) if self.answers.weights is None else self.answers.shares
        rng = self._generator(SeedStream.coin_flips)
        framing = self.answers.framing
        with self.kept[DrawKind.coin_flips].through(self._fit_many) as fit:
            return coin_flips(self.answers.asked, rates, fit, self.settings.n_coin_flips, rng, framing=framing)

    def people(self, source: Floats, temperature: float, n: int) -> Refits:
        """Refits to n simulated people, who answer from `source` (n_items, d); at temperature 0 they never err."""
        rng, framing = self._generator(SeedStream.people), self.answers.framing
        return simulated_people(source, self.answers.asked, self.fit, n, rng, temperature=temperature, framing=framing)

    @cached_property
    def halves(self) -> dict[str, Floats]:
        """Every metric between two halves of the lab's own people; empty without any who answered such questions."""
        if self._people is None:
            return {}
        return split_halves(
            self._people,
            self.fit,
            self.settings.n_split_halves,
            self._generator(SeedStream.halves),
            self.settings.metrics,
            framing=self.answers.framing,
            triplets=self.questions,
            labels=self.labels,
        )

    def resampled(self, n: int, rng: np.random.Generator) -> Floats:
        """Weights of the answers (n, m) when questions of the whole triplet set are drawn with replacement.

        Numbers are drawn for all questions, valid answer or not, so that draw i means the same questions in any model;
        a question brings all of its answers (repeats, both orders, both shares of a graded one).
        """
        numbers = self.question_numbers(self.questions)
        order = np.argsort(numbers, kind="stable")
        places = order[np.searchsorted(numbers[order], self.question_numbers(self.answers.triplets))]
        counts = answer_weights(len(self.questions), n, rng)[:, places]
        return counts if self.answers.weights is None else counts * self.answers.weights

    def question_numbers(self, rows: Ints) -> Ints:
        """A number for the question of each row (m, 3), as these were asked."""
        return question_numbers(rows, self.answers.n_items, as_sets=self.answers.framing == Framing.odd_one_out)

    @cached_property
    def _people(self) -> Ints | None:
        """All human answers (m, 3) about this concept set in the framing of these, or None."""
        framing = self.answers.framing
        runs = self.lab.store.read(query("triadic.compute.stages", "people"), [self.concept_set_id])
        sets = [AnswerSet.read(self.lab, run_id) for run_id in runs.run_id]
        rows = [
            answers.as_anchored() if framing == Framing.anchored else answers.triplets
            for answers in sets
            if framing in (Framing.anchored, answers.framing)
        ]
        return np.concatenate(rows) if rows else None

    def _generator(self, stream: SeedStream) -> np.random.Generator:
        return np.random.default_rng([self.seed, stream])
