"""The align stage: one embedding against one reference, and all that the figures need to be read.

Beside every metric's value it stores draws: of the permutation null, of coin flips and simulated people through the
same fit, of the bootstraps over answers and over concepts, and of human halves where human answers are in the lab.
View `alignment` sums them up; reports compare models draw by draw.
"""

from __future__ import annotations

import copy
import json
import time
from dataclasses import asdict, dataclass, fields

import numpy as np

from triadic.compute.answers import HARD, as_anchored, read_answers
from triadic.compute.embed import FitSettings
from triadic.compute.metrics.concepts import bootstrap_concepts
from triadic.compute.metrics.permutation import permutation_null
from triadic.compute.metrics.refits import (
    WAYS,
    answer_weights,
    bootstrap_answers,
    coin_flip_null,
    simulated_ceiling,
    split_halves,
    temperature_for,
    weighted_answer_agreement,
)
from triadic.compute.metrics.registry import applicable, metric
from triadic.compute.ordinal.batch import fit_many
from triadic.compute.ordinal.selection import hold_out
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lab import Lab
from triadic.schema.lookup import read_concepts, read_embedding
from triadic.schema.runs import Work, finish, is_finished, note
from triadic.schema.tables import DrawKind, Metric, MetricDraw, Role, Stage, Status

#: How often people agree with the noise-free answer of their own space: VICE simulated at its own scale on anchored
#: questions about the paper's 128 concepts. For references without a scale of their own.
HUMAN_ACCURACY = 0.734


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
    row = lab.store.one("SELECT rater_id, concept_set_id, run_id FROM embedding WHERE embedding_id = ?", [embedding_id])
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
) -> list[str]:
    """The ids of the align runs of an embedding against references (ids or names; all of its concept set by default).

    A run that is finished is left as it is. Draw i of a bootstrap resamples the same questions, or the same concepts,
    for every embedding aligned with this seed, so that differences between models can be taken draw by draw. Raises
    NotFound for an unknown embedding or reference, BadInput where a figure cannot be computed.
    """
    settings = settings or AlignSettings()
    run_ids, subject = [], None
    for work in align_runs(lab, embedding_id, references, settings, seed):
        run_id, reference_id = work.begin(lab), work.config["reference"]
        run_ids.append(run_id)
        if is_finished(lab, run_id):
            continue
        note(lab, run_id, Status.started)
        try:
            subject = subject or _Subject(lab, embedding_id, work.concept_set_id, work.parent_run_id)
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
    return run_ids


class _Subject:
    """An embedding with what it was made from: the questions as shown, the answers fitted, and the way they were."""

    def __init__(self, lab, embedding_id, concept_set_id, embed_run_id):
        self.vectors, self.concept_set_id = read_embedding(lab, embedding_id), concept_set_id
        concepts = read_concepts(lab, concept_set_id)
        labels = [None if label is None or label != label else label for label in concepts.category]
        self.labels = labels if len({x for x in labels if x and x != "other"}) > 1 else None
        self.n_unconverged = 0
        self.triplets = self.settings = None
        if embed_run_id is None:
            return
        config, seed, judge_run_id, triplet_set_id = lab.store.one(
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
        rows = self.answers
        if self.framing == "odd-one-out" and self.settings.algorithm != "spose":
            # The fit saw each answer as two anchored ones, and may have held out only one of the two. Refits keep both
            # or neither: as many answers as the fit had, though not the very same.
            rows = _anchored(rows)
        held = hold_out(rows, self.settings.heldout_share, np.random.default_rng([seed, 1]))
        kept = ~held[: len(self.answers)]
        self.answers = self.answers[kept]
        self.weights = None if self.weights is None else self.weights[kept]
        shown = kept[: len(self.asked)]  # graded answers are listed twice, both times in the order of the questions
        self.asked, self.shares = self.asked[shown], self.shares[shown]

    def fit(self, answers, weights):
        """`Fit` of the refits: the embedding's own algorithm and settings, one fit per row of weights."""
        if self.framing == "odd-one-out" and self.settings.algorithm != "spose":
            answers, weights = _anchored(answers), np.tile(weights, 2)
        found = fit_many(self.estimator, answers, weights, n_items=len(self.vectors))
        if not np.isfinite(found.embeddings).all():
            raise BadInput(f"{np.count_nonzero(~np.isfinite(found.embeddings).all((1, 2)))} refits are not finite")
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

    def given(self):
        return {k: v for k, v in (("triplets", self.triplets), ("labels", self.labels)) if v is not None}


def _figures(lab, subject, reference_id, settings, seed):
    reference = read_embedding(lab, reference_id)
    given = subject.given()
    names = settings.metrics
    values, draws, detail = {}, {}, {"n_answers": 0}
    judged = subject.settings is not None
    answers = subject.answers if judged else None
    for each in applicable(names, human=reference, model=subject.vectors, answers=answers, **given):
        if each.name == "answer_agreement":
            values[each.name] = weighted_answer_agreement(reference, subject.answers, subject.weights, subject.framing)
        else:
            values[each.name] = each(reference, subject.vectors, **given)
    if judged and subject.weights is not None:
        answers = None  # graded answers have their null from the refits; shuffled concepts would need weights
    elif judged and subject.framing == "odd-one-out":
        answers = _anchored(answers)
    given["answers"] = answers
    if settings.n_permutations:
        draws[DrawKind.permutation] = permutation_null(
            reference, subject.vectors, settings.n_permutations, np.random.default_rng([seed, 2]), names, **given
        )
    if settings.n_concept_bootstraps:
        draws[DrawKind.bootstrap_concepts] = bootstrap_concepts(
            reference, subject.vectors, settings.n_concept_bootstraps, np.random.default_rng([seed, 3]), names, **given
        )
    if judged:
        detail["n_answers"] = len(subject.answers)
        draws |= _refits(lab, subject, reference, reference_id, settings, seed, detail)
        detail["n_unconverged_refits"] = subject.n_unconverged
    return values, draws, detail


def _refits(lab, subject, reference, reference_id, settings, seed, detail):
    fit, names = subject.fit, settings.metrics
    given = subject.given() | {"framing": subject.framing}
    draws = {}
    if settings.n_bootstraps:
        resamples = subject.resampled(settings.n_bootstraps, np.random.default_rng([seed, 4]))
        draws[DrawKind.bootstrap_answers] = bootstrap_answers(
            reference, subject.answers, fit, resamples, names, **given
        )
    if settings.n_coin_flips:
        graded = subject.weights is not None
        rates = subject.shares if graded else subject.shares.mean(0)
        draws[DrawKind.coin_flips] = coin_flip_null(
            reference,
            subject.asked,
            rates,
            fit,
            settings.n_coin_flips,
            np.random.default_rng([seed, 5]),
            names,
            **given,
        )
    if settings.n_ceiling:
        source, temperature = _people(lab, reference_id, reference, subject)
        detail["ceiling_temperature"] = temperature
        for kind, n, heat in (("ceiling", settings.n_ceiling, temperature), ("ceiling_deterministic", 1, 0.0)):
            draws[kind] = simulated_ceiling(
                reference,
                source,
                subject.asked,
                fit,
                n,
                np.random.default_rng([seed, 6]),
                names,
                temperature=heat,
                **given,
            )
    if settings.n_split_halves:
        halves = _human_answers(lab, subject)
        if halves is not None:
            draws[DrawKind.split_half] = split_halves(
                halves, fit, settings.n_split_halves, np.random.default_rng([seed, 7]), len(reference), names, **given
            )
    return draws


def _people(lab, reference_id, reference, subject):
    """The space people are simulated from, and at what temperature.

    A human embedding before reduction has the scale at which its softmax was fitted: temperature 1. Anything else is
    given the temperature at which its raters err as often as people do.
    """
    parent = lab.store.one("SELECT parent_id FROM embedding WHERE embedding_id = ?", [reference_id])[0]
    if parent is not None:
        return read_embedding(lab, parent), 1.0
    asked = subject.asked
    return reference, temperature_for(reference, asked, HUMAN_ACCURACY)


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


def _anchored(rows):
    """Odd-one-out answers (m, 3) as anchored ones (2m, 3), in the order of `as_anchored`."""
    return np.concatenate([rows, rows[:, [1, 0, 2]]])


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
