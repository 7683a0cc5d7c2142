"""The align stage: one embedding against one reference, and all that the figures need to be read.

Beside every metric's value it stores draws: of the permutation null, of coin flips and simulated people through the
same fit, of the bootstraps over answers and over concepts, and of human halves where human answers are in the lab.
View `alignment` sums them up; reports compare models draw by draw.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from triadic.compute.metrics import metric
from triadic.compute.metrics.scorer import ReferenceScorer
from triadic.compute.resampling.concepts import bootstrap_concepts
from triadic.compute.resampling.permutation import permutation_null
from triadic.compute.resampling.refits import temperature_for
from triadic.compute.settings import AlignSettings, stored
from triadic.compute.stages.refitting import Refitter
from triadic.schema.arrays import Floats
from triadic.schema.embeddings import read_embedding
from triadic.schema.errors import NotFound
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Progress, Work, finish, is_finished, on_record, record_event, silent
from triadic.schema.lookup import read_concepts
from triadic.schema.tables import Metric, MetricDraw
from triadic.schema.vocabulary import DrawKind, Role, SeedStream, Stage, Status

#: How often people agree with the noise-free answer of their own space: VICE simulated at its own scale on anchored
#: questions about the paper's 128 concepts. For references without a scale of their own.
HUMAN_ACCURACY = 0.735

Values = dict[str, float]  # of metrics, by name
Draws = dict[DrawKind, dict[str, Floats]]  # of each metric, by kind and name


def align_runs(
    lab: Lab,
    embedding_id: str,
    references: list[str] | None = None,
    settings: AlignSettings | None = None,
    seed: int = 0,
) -> list[Work]:
    """The align runs of an embedding, one per reference; enters and computes nothing yet. Raises as `align` does."""
    settings = settings or AlignSettings()
    check_metrics(settings)
    row = lab.store.row("SELECT rater_id, concept_set_id, run_id FROM embedding WHERE embedding_id = ?", [embedding_id])
    if row is None:
        raise NotFound(f"no embedding {embedding_id} in this lab: `triadic embed` fits one")
    rater_id, concept_set_id, embed_run_id = row
    return [
        Work(
            Stage.align,
            rater_id,
            {"embedding": embedding_id, "reference": reference_id} | stored(settings),
            concept_set_id=concept_set_id,
            parent_run_id=embed_run_id,
            seed=seed,
        )
        for reference_id in _references(lab, concept_set_id, embedding_id, references)
    ]


def align(
    lab: Lab,
    embedding_id: str,
    references: list[str] | None = None,
    settings: AlignSettings | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> list[str]:
    """The ids of the align runs of an embedding against references (ids or names; all of its concept set by default).

    A run that is finished is left as it is. Draw i of a bootstrap resamples the same questions, or the same concepts,
    for every embedding aligned with this seed, so that differences between models can be taken draw by draw.
    `progress` is called with how many refits are done, and of how many; those that the lab keeps are not made again, and
    not counted. Raises NotFound for an unknown embedding,
    reference or metric, BadInput where a figure cannot be computed.
    """
    settings = settings or AlignSettings()
    works = align_runs(lab, embedding_id, references, settings, seed)
    n_open = sum(not is_finished(lab, work.run_id) for work in works)
    total = 0
    alignment: _Alignment | None = None
    for work in works:
        run_id, reference_id = work.begin(lab), work.config["reference"]
        if is_finished(lab, run_id):
            continue
        with on_record(lab, run_id):
            record_event(lab, run_id, Status.started, device=settings.device or "numpy")
            if alignment is None:
                alignment = _read_alignment(lab, work, settings)
                total = alignment.watched(progress, n_open)
            started = time.monotonic()
            values, draws, detail = alignment.with_reference(reference_id)
            rows: list[tuple[type, Any]] = [
                (Metric, _values(run_id, work, values)),
                (MetricDraw, _draws(run_id, draws)),
            ]
            finish(lab, run_id, rows, seconds=round(time.monotonic() - started, 3), **detail)
    if total:
        progress(total, total)
    return [work.run_id for work in works]


def check_metrics(settings: AlignSettings) -> None:
    """Raises NotFound for a metric that there is not."""
    for name in settings.metrics or ():
        metric(name)


def newest_references(lab: Lab, concept_set_id: str) -> dict[str, str]:
    """The references of a concept set, {name: id}, in the order of their age; of those with one name the newest."""
    return dict(_all_references(lab, concept_set_id))


@dataclass(frozen=True)
class _Alignment:
    """One embedding (n_concepts, n_dims) with all that is the same whatever it is compared with."""

    lab: Lab
    vectors: Floats
    labels: list[str | None] | None
    settings: AlignSettings
    seed: int
    refitter: Refitter | None  # None for an embedding that came without answers

    def watched(self, progress: Progress, n_references: int) -> int:
        """Have progress told of the refits that so many references still need; returns how many those are."""
        if self.refitter is None:
            return 0
        total = self.refitter.n_missing(n_references)
        self.refitter.watch = lambda done: progress(min(done, total), total)
        return total

    def with_reference(self, reference_id: str) -> tuple[Values, Draws, dict[str, Any]]:
        """Values, draws, and what else to record about the embedding and one reference."""
        reference, refitter = read_embedding(self.lab, reference_id), self.refitter
        given: dict[str, Any] = {} if self.labels is None else {"labels": self.labels}
        if refitter is None:
            scorer = ReferenceScorer(reference, self.settings.metrics, **given)
            return scorer.score(self.vectors), self._resampled_concepts(reference, given), {}
        answers, given["triplets"] = refitter.answers, refitter.questions
        scorer = ReferenceScorer(reference, self.settings.metrics, **given)
        values = scorer.score(self.vectors, answers.triplets, answers.weights, answers.framing)
        if answers.weights is None:  # graded answers have their null from the refits: shuffling would need weights
            given["answers"] = answers.as_anchored()
        detail: dict[str, Any] = {"n_answers": len(answers)}
        draws, n_before, seconds = self._resampled_concepts(reference, given), refitter.n_refits, refitter.seconds
        draws |= self._refitted(reference_id, scorer, refitter, detail)
        detail["n_unconverged_refits"] = refitter.n_unconverged
        detail |= {"n_refits": refitter.n_refits - n_before, "refit_seconds": round(refitter.seconds - seconds, 3)}
        return values, draws, detail

    def _resampled_concepts(self, reference: Floats, given: dict[str, Any]) -> Draws:
        draws: Draws = {}
        for kind, n, draw, stream in (
            (DrawKind.permutation, self.settings.n_permutations, permutation_null, SeedStream.permutation),
            (DrawKind.bootstrap_concepts, self.settings.n_concept_bootstraps, bootstrap_concepts, SeedStream.concepts),
        ):
            if n:
                rng = np.random.default_rng([self.seed, stream])
                draws[kind] = draw(reference, self.vectors, n, rng, self.settings.metrics, **given)
        return draws

    def _refitted(
        self, reference_id: str, scorer: ReferenceScorer, refitter: Refitter, detail: dict[str, Any]
    ) -> Draws:
        draws: Draws = {}
        if self.settings.n_bootstraps:
            draws[DrawKind.bootstrap_answers] = refitter.bootstraps.score(scorer)
        if self.settings.n_coin_flips:
            draws[DrawKind.coin_flips] = refitter.coin_flips.score(scorer)
        if self.settings.n_ceiling:
            # R² is not monotone in answer quality, so the ceiling is kept twice: people who err as people do, and who
            # never err.
            source, temperature = self._people(reference_id, scorer.human, refitter)
            detail["ceiling_temperature"] = temperature
            draws[DrawKind.ceiling] = refitter.people(source, temperature, self.settings.n_ceiling).score(scorer)
            draws[DrawKind.ceiling_deterministic] = refitter.people(source, 0.0, 1).score(scorer)
        if self.settings.n_split_halves and refitter.halves:
            draws[DrawKind.split_half] = refitter.halves
        return draws

    def _people(self, reference_id: str, reference: Floats, refitter: Refitter) -> tuple[Floats, float]:
        """The space people are simulated from, and at what temperature.

        A human embedding before reduction has the scale at which its softmax was fitted: temperature 1. Anything else
        is given the temperature at which its raters err as often as people do.
        """
        row = self.lab.store.row("SELECT parent_id FROM embedding WHERE embedding_id = ?", [reference_id])
        if row is not None and row[0] is not None:
            return read_embedding(self.lab, row[0]), 1.0
        return reference, temperature_for(reference, refitter.answers.asked, HUMAN_ACCURACY)


def _read_alignment(lab: Lab, work: Work, settings: AlignSettings) -> _Alignment:
    vectors, seed = read_embedding(lab, work.config["embedding"]), work.seed or 0
    categories = read_concepts(lab, str(work.concept_set_id)).category
    named = [None if label is None or label != label else str(label) for label in categories]
    labels = named if len({label for label in named if label and label != "other"}) > 1 else None
    refitter = None
    if work.parent_run_id is not None:
        refitter = Refitter(lab, work.parent_run_id, vectors.shape[1], settings, seed, labels)
    return _Alignment(lab, vectors, labels, settings, seed, refitter)


def _references(lab: Lab, concept_set_id: str, embedding_id: str, wanted: list[str] | None) -> list[str]:
    newest = newest_references(lab, concept_set_id)
    if wanted is None:
        made_of_it = "SELECT embedding_id FROM embedding WHERE embedding_id = $1 OR parent_id = $1"
        itself = set(lab.store.read(made_of_it, [embedding_id]).embedding_id)
        found = [each for each in newest.values() if each not in itself]
        if not found:
            raise NotFound(f"no reference for {concept_set_id} in this lab: `triadic ingest reference` brings one")
        return found
    by_name = {reference_id: reference_id for _, reference_id in _all_references(lab, concept_set_id)} | newest
    for name in wanted:
        if name not in by_name:
            raise NotFound(f"no reference {name!r} for {concept_set_id}: use one of {', '.join(newest) or 'none'}")
    return [by_name[name] for name in wanted]


def _all_references(lab: Lab, concept_set_id: str) -> list[tuple[str, str]]:
    """(name, id) of every reference of a concept set, the oldest first."""
    known = lab.store.read(
        "SELECT name, embedding_id FROM embedding WHERE concept_set_id = ? AND role = ? ORDER BY created_at, embedding_id",
        [concept_set_id, str(Role.reference)],
    )
    return list(known.itertuples(index=False, name=None))


def _values(run_id: str, work: Work, values: Values) -> list[Metric]:
    pair = {"embedding_id": work.config["embedding"], "reference_id": work.config["reference"]}
    return [Metric(run_id=run_id, name=name, value=value, **pair) for name, value in values.items()]


def _draws(run_id: str, draws: Draws) -> Any:
    parts = [
        pa.table(
            {
                "run_id": pa.repeat(run_id, len(values)),
                "name": pa.repeat(name, len(values)),
                "kind": pa.repeat(str(kind), len(values)),
                "draw": np.arange(len(values), dtype=np.int32),
                "value": np.asarray(values, dtype=float),
            }
        )
        for kind, drawn in draws.items()
        for name, values in drawn.items()
    ]
    return pa.concat_tables(parts) if parts else []
