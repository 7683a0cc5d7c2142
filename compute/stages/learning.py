"""Whether so many answers were needed: held-out accuracy and R² of one judge run against the number of answers fitted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from triadic.compute.answers import read_answers
from triadic.compute.metrics import procrustes_r2
from triadic.compute.ordinal.selection import learning_curve
from triadic.compute.stages.embed import FitSettings, fittable, held_out
from triadic.schema.embeddings import read_embedding
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lab import Lab

COLUMNS = ("n_answers", "heldout_loss", "heldout_accuracy", "standard_error", "r2", "converged")


def curve_of_run(
    lab: Lab,
    judge_run_id: str,
    settings: FitSettings | None = None,
    seed: int = 0,
    reference_id: str | None = None,
    sizes: Sequence[int] | None = None,
) -> list[dict]:
    """One dict of COLUMNS per size; `r2` is Procrustes R² with the reference, None without one.

    The held-out answers are the embed stage's own for this seed, and the last point is its fit in all but the order of
    dimensions. Only answers that count once each can be thinned: graded ones are refused, as is `n_dims` None.
    """
    settings = settings or FitSettings()
    if settings.answers != "hard" or settings.n_dims is None:
        raise BadInput(
            "a learning curve thins hard answers at a fixed number of dimensions: no graded answers, no auto"
        )
    asked = read_answers(lab, judge_run_id)
    answers = fittable(asked, settings)
    held = held_out(answers.triplets, asked.framing, settings.heldout_share, seed)
    score = None
    if reference_id is not None:
        human = read_embedding(lab, reference_id)
        if len(human) != answers.n_items:
            raise BadInput(f"reference {reference_id} has {len(human)} concepts, the answers {answers.n_items}")

        def score(model):
            return float(procrustes_r2(human, model))

    trials = learning_curve(
        settings.estimator(seed), answers.triplets[~held], answers.triplets[held], np.random.default_rng([seed, 2]),
        sizes, answers.n_items, score,
    )  # fmt: skip
    return [
        {
            "n_answers": trial.n_answers,
            "heldout_loss": trial.heldout_loss,
            "heldout_accuracy": trial.heldout_accuracy,
            "standard_error": trial.standard_error,
            "r2": None if score is None else trial.score,
            "converged": trial.converged,
        }
        for trial in trials
    ]


def curves(lab: Lab, judge_run_ids: Sequence[str], settings: FitSettings, seed: int, reference: str | None):
    """The learning curves of several judge runs as one DataFrame. `reference` is a name; the lab's first by default."""
    import pandas as pd

    rows = []
    for run_id in judge_run_ids:
        rater, concept_set_id = lab.store.row("SELECT rater_id, concept_set_id FROM run WHERE run_id = ?", [run_id])
        found = lab.store.read(
            "SELECT embedding_id, name FROM embedding WHERE role = 'reference' AND concept_set_id = ? ORDER BY created_at",
            [concept_set_id],
        )
        if reference is not None:
            found = found[found.name == reference]
            if found.empty:
                raise NotFound(
                    f"no reference {reference!r} for {concept_set_id}: `triadic ingest reference` brings one"
                )
        first = None if found.empty else found.iloc[0]
        curve = curve_of_run(lab, run_id, settings, seed, None if first is None else first.embedding_id)
        rows += [{"rater": rater, "reference": None if first is None else first["name"], **row} for row in curve]
    return pd.DataFrame(rows)
