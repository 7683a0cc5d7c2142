"""Whether so many answers were needed: held-out accuracy and R² of one judge run against the number of answers fitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from triadic.compute.answers import AnswerSet
from triadic.compute.metrics import procrustes_r2
from triadic.compute.ordinal.selection import learning_curve
from triadic.compute.settings import FitSettings
from triadic.compute.stages.align import newest_references
from triadic.compute.stages.embed import estimator_of
from triadic.schema.arrays import Floats
from triadic.schema.embeddings import read_embedding
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lab import Lab
from triadic.schema.vocabulary import AnswerKind, SeedStream

COLUMNS = ("n_answers", "heldout_loss", "heldout_accuracy", "standard_error", "r2", "converged")


def curve_of_run(
    lab: Lab,
    judge_run_id: str,
    settings: FitSettings | None = None,
    seed: int = 0,
    reference_id: str | None = None,
    sizes: Sequence[int] | None = None,
) -> list[dict[str, Any]]:
    """One dict of COLUMNS per size; `r2` is Procrustes R² with the reference, None without one.

    The held-out answers are the embed stage's own for this seed, and the last point is its fit in all but the order of
    dimensions. Only answers that count once each can be thinned: graded ones are refused, as is `n_dims` None.
    """
    settings = settings or FitSettings()
    if settings.answers != AnswerKind.hard or settings.n_dims is None:
        raise BadInput(
            "a learning curve thins hard answers at a fixed number of dimensions: no graded answers, no auto"
        )
    estimator = estimator_of(settings, seed)
    answers = AnswerSet.read(lab, judge_run_id)
    fitted, watched = (part.written_for(estimator)[0] for part in answers.split(settings.heldout_share, seed))
    score = None if reference_id is None else _r2_with(lab, reference_id, answers.n_items)
    rng = np.random.default_rng([seed, SeedStream.learning_curve])
    trials = learning_curve(estimator, fitted, watched, rng, sizes, answers.n_items, score, device=settings.device)
    figures = [asdict(trial) | {"r2": None if score is None else trial.score} for trial in trials]
    return [{name: each[name] for name in COLUMNS} for each in figures]


def curves(
    lab: Lab, judge_run_ids: Sequence[str], settings: FitSettings, seed: int, reference: str | None
) -> pd.DataFrame:
    """The learning curves of several judge runs as one DataFrame. `reference` is a name; the lab's first by default."""
    rows = []
    for run_id in judge_run_ids:
        row = lab.store.row("SELECT rater_id, concept_set_id FROM run WHERE run_id = ?", [run_id])
        if row is None:
            raise NotFound(f"no judge run {run_id} in this lab: `triadic status` lists what there is")
        rater, concept_set_id = row
        references = newest_references(lab, concept_set_id)
        if reference is not None and reference not in references:
            raise NotFound(f"no reference {reference!r} for {concept_set_id}: `triadic ingest reference` brings one")
        name = reference or next(iter(references), None)
        curve = curve_of_run(lab, run_id, settings, seed, None if name is None else references[name])
        rows += [{"rater": rater, "reference": name, **point} for point in curve]
    return pd.DataFrame(rows)


def _r2_with(lab: Lab, reference_id: str, n_items: int) -> Callable[[Floats], float]:
    human = read_embedding(lab, reference_id)
    if len(human) != n_items:
        raise BadInput(f"reference {reference_id} has {len(human)} concepts, the answers {n_items}: give another")
    return lambda model: float(procrustes_r2(human, model))
