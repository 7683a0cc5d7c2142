"""Other answers through the fit of an embedding: resampled ones, coin flips, simulated people, halves of the people."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from triadic.compute.answers import AnswerSet, written_for
from triadic.compute.ordinal import make_estimator
from triadic.compute.ordinal.batch import fit_many
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
from triadic.schema.arrays import Floats, Ints
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lab import Lab
from triadic.schema.lookup import read_triplets
from triadic.schema.store import query
from triadic.schema.vocabulary import Framing, SeedStream


class Refitter:
    """Fits the answers that an embedding was made from once more, or others to the same questions, in the same way.

    The estimator is the one that was stored with the fit, with every parameter it had. `answers` are those the fit was
    made to, `questions` (n_questions, 3) the whole triplet set. Refits do not depend on a reference: they are made once.
    `settings` and `seed` are the align run's, `labels` the concepts' categories; `watch` is called with the number of
    refits made so far. `n_refits` of them were made, and `n_unconverged` of those did not converge.
    """

    def __init__(
        self,
        lab: Lab,
        embed_run_id: str,
        n_dims: int,
        settings: AlignSettings,
        seed: int,
        labels: Sequence[str | None] | None = None,
        watch: Callable[[int], None] = lambda done: None,
    ) -> None:
        self.lab, self.settings, self.seed, self.labels, self.watch = lab, settings, seed, labels, watch
        self.n_refits = self.n_unconverged = 0
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

    def fit(self, answers: Ints, weights: Floats) -> Floats:
        """Embeddings (b, n_items, n_dims) of answers (m, 3) to these questions, one per row of weights (b, m).

        Raises BadInput when one of them is not finite.
        """
        triplets = written_for(self.estimator, self.answers.framing, answers)
        rows = np.tile(weights, len(triplets) // len(answers))
        found = fit_many(self.estimator, triplets, rows, n_items=self.answers.n_items, device=self.settings.device)
        finite = np.isfinite(found.embeddings).all((1, 2))
        if not finite.all():
            raise BadInput(f"{np.count_nonzero(~finite)} refits are not finite: nothing was stored")
        self.n_refits += len(weights)
        self.watch(self.n_refits)
        self.n_unconverged += int(np.count_nonzero(~found.converged))
        return found.embeddings

    @cached_property
    def bootstraps(self) -> Refits:
        """Refits to resampled answers."""
        counts = self.resampled(self.settings.n_bootstraps, self._generator(SeedStream.answers))
        return bootstrap_answers(self.answers.triplets, counts, self.fit, framing=self.answers.framing)

    @cached_property
    def coin_flips(self) -> Refits:
        """Refits to coin flips with the rater's own bias to the first option; graded answers are shuffled instead."""
        rates = self.answers.shares.mean(0) if self.answers.weights is None else self.answers.shares
        rng = self._generator(SeedStream.coin_flips)
        framing = self.answers.framing
        return coin_flips(self.answers.asked, rates, self.fit, self.settings.n_coin_flips, rng, framing=framing)

    def people(self, source: Floats, temperature: float, n: int) -> Refits:
        """Refits to n simulated people, who answer from `source` (n_items, d); at temperature 0 they never err."""
        rng, framing = self._generator(SeedStream.people), self.answers.framing
        return simulated_people(source, self.answers.asked, self.fit, n, rng, temperature=temperature, framing=framing)

    @cached_property
    def halves(self) -> dict[str, Floats]:
        """Every metric between two halves of the lab's own people; empty without any who answered such questions."""
        answers = self._answers_of_people()
        if answers is None:
            return {}
        return split_halves(
            answers,
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

    def _answers_of_people(self) -> Ints | None:
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
