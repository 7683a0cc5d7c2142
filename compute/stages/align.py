"""The align stage: one embedding against one reference, and all that the figures need to be read.

Beside every metric's value it stores draws: of the permutation null, of coin flips and simulated people through the
same fit, of the bootstraps over answers and over concepts, and of human halves where human answers are in the lab.
View `alignment` sums them up; reports compare models draw by draw.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields

import numpy as np

from triadic.compute.metrics.registry import metric
from triadic.compute.metrics.scorer import Yardstick
from triadic.compute.resampling.concepts import bootstrap_concepts
from triadic.compute.resampling.permutation import permutation_null
from triadic.compute.resampling.refits import (
    simulated_people,
    temperature_for,
)
from triadic.compute.subject import Subject, as_two
from triadic.schema.embeddings import read_embedding
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Work, finish, is_finished, note
from triadic.schema.tables import Metric, MetricDraw
from triadic.schema.vocabulary import DrawKind, Role, Stage, Status

#: How often people agree with the noise-free answer of their own space: VICE simulated at its own scale on anchored
#: questions about the paper's 128 concepts. For references without a scale of their own.
HUMAN_ACCURACY = 0.735

#  R² is not monotone in answer quality, so the ceiling is kept twice: people who err as people do, and who never err.


Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class AlignSettings:
    """How many draws of each kind. 0 leaves a kind out; `metrics` None takes every metric the data allow."""

    metrics: tuple[str, ...] | None = None
    n_permutations: int = 1000
    n_coin_flips: int = 200
    n_bootstraps: int = 100
    n_concept_bootstraps: int = 1000
    n_ceiling: int = 20
    n_split_halves: int = 20

    def __post_init__(self):
        for name in self.metrics or ():
            metric(name)
        for field in fields(self):
            if field.name.startswith("n_") and getattr(self, field.name) < 0:
                raise BadInput(f"{field.name} is {getattr(self, field.name)}: it must be 0 or more")


def align_runs(
    lab: Lab,
    embedding_id: str,
    references: list[str] | None = None,
    settings: AlignSettings | None = None,
    seed: int = 0,
) -> list[Work]:
    """The align runs of an embedding, one per reference; enters and computes nothing yet. Raises as `align` does."""
    row = lab.store.row("SELECT rater_id, concept_set_id, run_id FROM embedding WHERE embedding_id = ?", [embedding_id])
    if row is None:
        raise NotFound(f"no embedding {embedding_id} in this lab: `triadic embed` fits one")
    rater_id, concept_set_id, embed_run_id = row
    config = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(settings or AlignSettings()).items()}
    return [
        Work(
            Stage.align, rater_id, {"embedding": embedding_id, "reference": reference_id} | config,
            concept_set_id=concept_set_id, parent_run_id=embed_run_id, seed=seed,
        )
        for reference_id in _references(lab, concept_set_id, embedding_id, references)
    ]  # fmt: skip


def align(
    lab: Lab,
    embedding_id: str,
    references: list[str] | None = None,
    settings: AlignSettings | None = None,
    seed: int = 0,
    progress: Progress = lambda done, total: None,
) -> list[str]:
    """The ids of the align runs of an embedding against references (ids or names; all of its concept set by default).

    A run that is finished is left as it is. Draw i of a bootstrap resamples the same questions, or the same concepts,
    for every embedding aligned with this seed, so that differences between models can be taken draw by draw.
    `progress` is told how many refits are done, and of how many. Raises
    NotFound for an unknown embedding or reference, BadInput where a figure cannot be computed.
    """
    settings = settings or AlignSettings()
    run_ids, subject = [], None
    works = align_runs(lab, embedding_id, references, settings, seed)
    n_open = sum(not is_finished(lab, work.run_id) for work in works)
    total = settings.n_bootstraps + settings.n_coin_flips + n_open * (settings.n_ceiling + bool(settings.n_ceiling))
    for work in works:
        run_id, reference_id = work.begin(lab), work.config["reference"]
        run_ids.append(run_id)
        if is_finished(lab, run_id):
            continue
        note(lab, run_id, Status.started)
        try:
            if subject is None:
                subject = Subject(lab, embedding_id, work.concept_set_id, work.parent_run_id)
                subject.tell = lambda done: progress(min(done, total), total)
            started = time.monotonic()
            values, draws, detail = _figures(lab, subject, reference_id, settings, seed)
            finish(
                lab, run_id,
                [(Metric, _values(run_id, embedding_id, reference_id, values)), (MetricDraw, _draws(run_id, draws))],
                seconds=round(time.monotonic() - started, 3), **detail,
            )  # fmt: skip
        except Exception as error:
            note(lab, run_id, Status.failed, error=f"{type(error).__name__}: {error}")
            raise
    if n_open:
        progress(total, total)
    return run_ids


def _figures(lab, subject, reference_id, settings, seed):
    """Values {name: figure}, draws {kind: {name: array}} and what else to note about one embedding and one reference."""
    reference, names = read_embedding(lab, reference_id), settings.metrics
    given = subject.given()
    yardstick = Yardstick(reference, names, **given)
    if subject.settings is None:
        values, detail = yardstick.score(subject.vectors), {}
    else:
        values = yardstick.score(subject.vectors, subject.answers, subject.weights, subject.framing)
        detail = {"n_answers": len(subject.answers)}
        if subject.weights is None:  # graded answers have their null from the refits: shuffling would need weights
            odd = subject.framing == "odd-one-out"
            given["answers"] = as_two(subject.answers) if odd else subject.answers
    draws = {}
    for kind, n, draw, stream in (
        (DrawKind.permutation, settings.n_permutations, permutation_null, 2),
        (DrawKind.bootstrap_concepts, settings.n_concept_bootstraps, bootstrap_concepts, 3),
    ):
        if n:
            draws[kind] = draw(reference, subject.vectors, n, np.random.default_rng([seed, stream]), names, **given)
    if subject.settings is not None:
        draws |= _refits(lab, subject, reference_id, yardstick, settings, seed, detail)
        detail["n_unconverged_refits"] = subject.n_unconverged
    return values, draws, detail


def _refits(lab, subject, reference_id, yardstick, settings, seed, detail):
    draws = {}
    if settings.n_bootstraps:
        draws[DrawKind.bootstrap_answers] = subject.once(Subject.bootstraps, settings.n_bootstraps, seed).score(
            yardstick
        )
    if settings.n_coin_flips:
        draws[DrawKind.coin_flips] = subject.once(Subject.flips, settings.n_coin_flips, seed).score(yardstick)
    if settings.n_ceiling:
        source, temperature = _people(lab, reference_id, yardstick.human, subject)
        detail["ceiling_temperature"] = temperature
        for kind, n, heat in (
            (DrawKind.ceiling, settings.n_ceiling, temperature),
            (DrawKind.ceiling_deterministic, 1, 0.0),
        ):
            people = simulated_people(
                source, subject.asked, subject.fit, n, np.random.default_rng([seed, 6]),
                temperature=heat, framing=subject.framing,
            )  # fmt: skip
            draws[kind] = people.score(yardstick)
    if settings.n_split_halves:
        halves = subject.once(Subject.halves, lab, settings, seed)
        if halves:
            draws[DrawKind.split_half] = halves
    return draws


def _people(lab, reference_id, reference, subject):
    """The space people are simulated from, and at what temperature.

    A human embedding before reduction has the scale at which its softmax was fitted: temperature 1. Anything else is
    given the temperature at which its raters err as often as people do.
    """
    parent = lab.store.row("SELECT parent_id FROM embedding WHERE embedding_id = ?", [reference_id])[0]
    if parent is not None:
        return read_embedding(lab, parent), 1.0
    asked = subject.asked
    return reference, temperature_for(reference, asked, HUMAN_ACCURACY)


def _references(lab, concept_set_id, embedding_id, wanted):
    known = lab.store.read(
        "SELECT embedding_id, name FROM embedding WHERE concept_set_id = ? AND role = ? ORDER BY created_at, embedding_id",
        [concept_set_id, str(Role.reference)],
    )
    if wanted is None:
        found = [each for each in known.embedding_id if each != embedding_id]
        if not found:
            raise NotFound(f"no reference for {concept_set_id} in this lab: `triadic ingest reference` brings one")
        return found
    found = []
    for name in wanted:
        matches = known.embedding_id[(known.embedding_id == name) | (known.name == name)]
        if matches.empty:
            raise NotFound(f"no reference {name!r} for {concept_set_id}; there are: {', '.join(known.name) or 'none'}")
        found += list(matches)
    return found


def _values(run_id, embedding_id, reference_id, values):
    return [
        Metric(run_id=run_id, name=name, embedding_id=embedding_id, reference_id=reference_id, value=value)
        for name, value in values.items()
    ]


def _draws(run_id, draws):
    import pyarrow as pa

    parts = []
    for kind, drawn in draws.items():
        for name, values in drawn.items():
            parts.append(
                pa.table(
                    {
                        "run_id": pa.repeat(run_id, len(values)),
                        "name": pa.repeat(name, len(values)),
                        "kind": pa.repeat(str(kind), len(values)),
                        "draw": np.arange(len(values), dtype=np.int32),
                        "value": np.asarray(values, dtype=float),
                    }
                )
            )
    return pa.concat_tables(parts) if parts else []
