"""The answers of a judge run as the arrays that fits take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lab import Lab

HARD, GRADED = "hard", "graded"


@dataclass(frozen=True)
class Answers:
    """Answers of one judge run.

    `triplets` int32 (n_answers, 3): anchor, nearer, farther; with framing odd-one-out the chosen pair, then the odd one.
    `weights` float64 (n_answers,), or None when every answer counts once. `n_items` concepts; `n_invalid` answers had no
    choice and are left out.
    """

    triplets: np.ndarray
    weights: np.ndarray | None
    framing: str
    n_items: int
    n_invalid: int


def read_answers(lab: Lab, judge_run_id: str, kind: str = HARD, temperature: float = 1.0) -> Answers:
    """The valid answers of a judge run, in a fixed order.

    `hard` takes the choices. `graded` takes the stored log-probabilities instead: each anchored answer enters twice,
    once each way, weighted by the softmax of the two log-probabilities at `temperature`, so that it carries the model's
    preference without an answerer's noise. Raises NotFound without answers, BadInput where nothing was scored.
    """
    columns = lab.store.arrow(
        """
        SELECT anchor, left_item, right_item, choice, logprob_left - logprob_right AS preference
        FROM response
        JOIN run USING (run_id)
        JOIN triplet ON triplet.triplet_set_id = run.triplet_set_id AND triplet.triplet_no = response.triplet_no
        WHERE response.run_id = ?
        ORDER BY response.triplet_no, flipped, repeat
        """,
        [judge_run_id],
    )
    row = lab.store.row(
        "SELECT config ->> 'framing', n_concepts FROM run JOIN concept_set USING (concept_set_id) WHERE run_id = ?",
        [judge_run_id],
    )
    if row is None or not len(columns):
        raise NotFound(f"run {judge_run_id} has no answers to fit: `triadic judge` asks for them")
    framing, n_items = row
    items = np.stack([columns.column(i).to_numpy() for i in range(3)], axis=1).astype(np.int32)
    choice = columns.column("choice").to_numpy(zero_copy_only=False)
    if kind == HARD:
        order = np.select(
            [choice == "left", choice == "right", choice == "apart"], [0, 1, 2], default=-1
        )  # which triplet: anchor-left | right, anchor-right | left, left-right | anchor
        valid = order >= 0
        ways = np.array([[0, 1, 2], [0, 2, 1], [1, 2, 0]])
        triplets = np.take_along_axis(items[valid], ways[order[valid]], axis=1)
        return _checked(Answers(triplets, None, framing, n_items, int((~valid).sum())), judge_run_id)
    if kind != GRADED or not temperature > 0:
        raise BadInput(f"answers are {HARD} or {GRADED}, at a temperature above 0; got {kind!r}, {temperature!r}")
    preference = columns.column("preference").to_numpy(zero_copy_only=False).astype(float)
    scored = np.isfinite(preference)
    if framing != "anchored" or not scored.any():
        raise BadInput(f"run {judge_run_id} has no log-probabilities of two options: fit its hard answers")
    towards_left = 1 / (1 + np.exp(-np.clip(preference[scored] / temperature, -500, 500)))
    triplets = np.concatenate([items[scored], items[scored][:, [0, 2, 1]]])
    weights = np.concatenate([towards_left, 1 - towards_left])
    return _checked(Answers(triplets, weights, framing, n_items, int((~scored).sum())), judge_run_id)


def as_anchored(answers: Answers) -> Answers:
    """Odd-one-out answers as anchored ones: pair (a, b) over c says that a is nearer b than c, and b nearer a than c."""
    if answers.framing == "anchored":
        return answers
    a, b, odd = answers.triplets.T
    triplets = np.concatenate([np.stack([a, b, odd], 1), np.stack([b, a, odd], 1)])
    weights = None if answers.weights is None else np.tile(answers.weights, 2)
    return Answers(triplets, weights, "anchored", answers.n_items, answers.n_invalid)


def _checked(answers: Answers, judge_run_id: str) -> Answers:
    if not len(answers.triplets):
        raise BadInput(f"run {judge_run_id}: none of its answers is valid, so there is nothing to fit")
    return answers
