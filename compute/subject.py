"""What an alignment is of: an embedding with the questions, the answers and the fit that it came from.

Everything that goes through the fit again starts here: resampled answers, coin flips, halves of the people.
"""

from __future__ import annotations

import copy
import json
from dataclasses import fields

import numpy as np

from triadic.compute.answers import HARD, as_anchored, read_answers
from triadic.compute.ordinal.batch import fit_many
from triadic.compute.resampling.refits import WAYS, answer_weights, bootstrap_answers, coin_flips, split_halves
from triadic.compute.stages.embed import FitSettings, held_out
from triadic.schema.embeddings import read_embedding
from triadic.schema.errors import BadInput
from triadic.schema.lookup import read_concepts


class Subject:
    """An embedding with what it was made from: the questions as shown, the answers fitted, and the way they were."""

    def __init__(self, lab, embedding_id, concept_set_id, embed_run_id):
        with lab.store.connect():  # opened once for all that is read
            self._read(lab, embedding_id, concept_set_id, embed_run_id)

    def _read(self, lab, embedding_id, concept_set_id, embed_run_id):
        self.vectors, self.concept_set_id = read_embedding(lab, embedding_id), concept_set_id
        concepts = read_concepts(lab, concept_set_id)
        labels = [None if label is None or label != label else label for label in concepts.category]
        self.labels = labels if len({x for x in labels if x and x != "other"}) > 1 else None
        self.n_unconverged, self.n_refits, self._made = 0, 0, {}
        self.tell = lambda done: None  # called with the number of refits made so far
        self.triplets = self.settings = None
        if embed_run_id is None:
            return
        config, seed, judge_run_id, triplet_set_id = lab.store.row(
            "SELECT config, seed, parent_run_id, triplet_set_id FROM run WHERE run_id = ?", [embed_run_id]
        )
        config = json.loads(config)
        self.settings = FitSettings(**{f.name: config[f.name] for f in fields(FitSettings) if f.name in config})
        # Refits run to convergence from one start: early stopping would need held-out answers of its own each time.
        self.estimator = copy.copy(self.settings.estimator(seed))
        self.estimator.n_dims, self.estimator.n_restarts, self.estimator.patience = self.vectors.shape[1], 1, None
        answers = read_answers(lab, judge_run_id, self.settings.answers, self.settings.temperature)
        self.framing, self.answers, self.weights = answers.framing, answers.triplets, answers.weights
        self.asked, self.shares = _as_shown(lab, judge_run_id, answers)
        self._split(seed)
        columns = lab.store.arrow(
            "SELECT anchor, left_item, right_item FROM triplet WHERE triplet_set_id = ? ORDER BY triplet_no",
            [triplet_set_id],
        )
        self.triplets = np.stack([columns.column(i).to_numpy() for i in range(3)], axis=1).astype(np.intp)

    def _split(self, seed):
        """Leave out the answers the fit held out, so that every refit has as many as the fit had."""
        kept = ~held_out(self.answers, self.framing, self.settings.heldout_share, seed)
        self.answers = self.answers[kept]
        self.weights = None if self.weights is None else self.weights[kept]
        shown = kept[: len(self.asked)]  # graded answers are listed twice, both times in the order of the questions
        self.asked, self.shares = self.asked[shown], self.shares[shown]

    def fit(self, answers, weights):
        """`Fit` of the refits: the embedding's own algorithm and settings, one fit per row of weights."""
        if self.framing == "odd-one-out" and self.settings.algorithm != "spose":
            answers, weights = as_two(answers), np.tile(weights, 2)
        found = fit_many(self.estimator, answers, weights, n_items=len(self.vectors))
        if not np.isfinite(found.embeddings).all():
            raise BadInput(f"{np.count_nonzero(~np.isfinite(found.embeddings).all((1, 2)))} refits are not finite")
        self.n_refits += len(weights)
        self.tell(self.n_refits)
        self.n_unconverged += int(np.count_nonzero(~found.converged))
        return found.embeddings

    def resampled(self, n, rng):
        """Weights of the answers (n, m) when questions of the whole triplet set are drawn with replacement.

        Numbers are drawn for all questions, valid answer or not, so that draw i means the same questions in any model;
        a question brings all of its answers (repeats, both orders, both shares of a graded one).
        """
        key = self._key(self.triplets)
        order = np.argsort(key, kind="stable")
        number = order[np.searchsorted(key[order], self._key(self.answers))]
        counts = answer_weights(len(self.triplets), n, rng)[:, number]
        return counts if self.weights is None else counts * self.weights

    def _key(self, rows):
        """A number for the question of a row: anchor and unordered options, or three concepts in any order."""
        n, rows = len(self.vectors), np.asarray(rows, dtype=np.int64)
        if self.framing == "odd-one-out":
            rows = np.sort(rows, axis=1)
        low, high = rows[:, 1:].min(1), rows[:, 1:].max(1)
        return (rows[:, 0] * n + low) * n + high

    # Refits do not depend on the reference: made once, scored against each.

    def once(self, make, *how):
        """What `make(self, *how)` returned the first time."""
        key = (make.__name__, *how)
        if key not in self._made:
            self._made[key] = make(self, *how)
        return self._made[key]

    def bootstraps(self, n, seed):
        draws = self.resampled(n, np.random.default_rng([seed, 4]))
        return bootstrap_answers(self.answers, draws, self.fit, framing=self.framing)

    def flips(self, n, seed):
        rates = self.shares.mean(0) if self.weights is None else self.shares
        return coin_flips(self.asked, rates, self.fit, n, np.random.default_rng([seed, 5]), framing=self.framing)

    def halves(self, lab, settings, seed):
        answers = _human_answers(lab, self)
        if answers is None:
            return None
        rng = np.random.default_rng([seed, 7])
        return split_halves(
            answers, self.fit, settings.n_split_halves, rng, settings.metrics, framing=self.framing, **self.given()
        )

    def given(self):
        return {k: v for k, v in (("triplets", self.triplets), ("labels", self.labels)) if v is not None}


def as_two(rows):
    """Odd-one-out answers (m, 3) as anchored ones (2m, 3), in the order of `asas_two`."""
    return np.concatenate([rows, rows[:, [1, 0, 2]]])


def _human_answers(lab, subject):
    """All human answers about this concept set in the framing of the subject's, or None."""
    runs = lab.store.read(
        "SELECT run.run_id FROM run JOIN rater USING (rater_id) JOIN run_status USING (run_id) WHERE run.stage = 'judge' "
        "AND rater.kind = 'human' AND run_status.status = 'finished' AND run.concept_set_id = ? ORDER BY 1",
        [subject.concept_set_id],
    )
    rows = []
    for run_id in runs.run_id:
        answers = read_answers(lab, run_id, HARD)
        if subject.framing == "anchored":
            answers = as_anchored(answers)
        if answers.framing == subject.framing:
            rows.append(answers.triplets)
    return np.concatenate(rows) if rows else None


def _as_shown(lab, judge_run_id, answers):
    """Questions as the rater saw them (m, 3), first option first, and the share of each answer of `WAYS` (m, k).

    In the order of `read_answers`, and for the answers that it keeps.
    """
    columns = lab.store.read(
        """
        SELECT
            anchor, left_item, right_item, flipped, logprob_left - logprob_right AS preference,
            CASE choice WHEN 'left' THEN 0 WHEN 'right' THEN 1 WHEN 'apart' THEN 2 ELSE -1 END AS choice
        FROM response
        JOIN run USING (run_id)
        JOIN triplet ON triplet.triplet_set_id = run.triplet_set_id AND triplet.triplet_no = response.triplet_no
        WHERE response.run_id = ?
        ORDER BY response.triplet_no, flipped, repeat
        """,
        [judge_run_id],
    )
    k = len(WAYS[answers.framing])
    flipped = columns.flipped.to_numpy(bool)
    if answers.weights is None:
        kept = columns.choice.to_numpy() >= 0
        shares = np.eye(k)[columns.choice.to_numpy()[kept]]
    else:
        kept = np.isfinite(columns.preference.to_numpy(float))
        left = answers.weights[: kept.sum()]
        shares = np.stack([left, 1 - left], axis=1)
    asked = columns[["anchor", "left_item", "right_item"]].to_numpy(np.intp)[kept]
    turned = flipped[kept]
    asked[turned] = asked[turned][:, [0, 2, 1]]
    shares[turned, :2] = shares[turned][:, [1, 0]]
    return asked, shares
