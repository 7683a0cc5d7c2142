"""How long work takes: as it took in this lab before, or as a few questions show. Nothing is guessed."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from triadic.compute.judges.base import Judge, Questions
from triadic.compute.settings import AlignSettings, FitSettings, JudgeSettings
from triadic.schema.lab import Lab
from triadic.schema.store import query

N_MEASURED = 32  # questions that are asked to see how fast a model answers
QUICK = 5.0  # seconds within which a whole batch is asked instead


@dataclass(frozen=True)
class Speed:
    """How a rater answers: `rate` answers a second, after `load_seconds` (None: not known), and where that is from."""

    rate: float
    load_seconds: float | None
    source: str

    def describe(self, n: int) -> str:
        """What n answers take, in words."""
        loading = self.load_seconds or 0.0
        parts = f"{self.rate:,.0f} answers a second" if self.rate >= 10 else f"{self.rate:.2g} answers a second"
        if loading >= 1:
            parts = f"{duration(loading)} to load, then {parts}"
        return f"about {duration(loading + n / self.rate)} ({parts}: {self.source})"


def known_speed(lab: Lab, rater_id: str, settings: JudgeSettings) -> Speed | None:
    """How the rater answered in its last run of this way of answering and framing, None where it has none."""
    row = lab.store.row(
        query("triadic.compute.stages", "judge_speed"), [rater_id, str(settings.answer), str(settings.framing)]
    )
    return None if row is None else Speed(float(row[0]), row[1], "as in its last run")


def measured_speed(judge: Judge, questions: Questions) -> Speed:
    """How the judge answers a few of these questions, which are asked now; nothing is stored.

    They are the first of a batch, as a run would ask them, and all of it where that is quick: questions of a batch share
    their beginnings, so that a part of it is slower. Raises whatever the judge does where it cannot answer.
    """
    started = time.monotonic()
    judge.record()
    batch = judge.batches(questions)[0]
    judge.answer(questions.take(batch[:1]))  # the first answer pays for what is made once
    load_seconds, rows = time.monotonic() - started, batch[:N_MEASURED]
    seconds = _answering(judge, questions.take(rows))
    if len(rows) < len(batch) and seconds * len(batch) / len(rows) < QUICK:
        rows = batch
        seconds = _answering(judge, questions.take(rows))
    return Speed(len(rows) / seconds, load_seconds, f"measured on {len(rows)} questions")


def _answering(judge: Judge, questions: Questions) -> float:
    """Seconds that the judge takes for these questions, asked together."""
    started = time.monotonic()
    judge.answer(questions)
    return max(time.monotonic() - started, 1e-6)


def embed_seconds(lab: Lab, settings: FitSettings, n_answers: int) -> float | None:
    """What the fit takes by the lab's own fits of this kind, None where there is none."""
    row = lab.store.row(
        query("triadic.compute.stages", "embed_speed"), _kind_of_fit(settings, settings.device, n_answers)
    )
    return None if row is None else float(row[0]) * settings.n_restarts * n_answers / float(row[1])


def align_seconds(
    lab: Lab, settings: AlignSettings, fit: FitSettings, n_answers: int, n_refits: int, n_references: int
) -> float | None:
    """What so many refits and comparisons with so many references take by the lab's own alignments, None without any."""
    row = lab.store.row(query("triadic.compute.stages", "align_speed"), _kind_of_fit(fit, settings.device, n_answers))
    if row is None:
        return None
    each_refit, other, answers = (float(value) for value in row)
    return n_refits * each_refit * n_answers / answers + n_references * other


def duration(seconds: float) -> str:
    """`8 s`, `12 min`, `2.5 h`."""
    if seconds < 90:
        return f"{np.ceil(seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def in_words(seconds: float | None) -> str:
    """A time of the lab's own, or that there is none."""
    return "no timing yet" if seconds is None else f"about {duration(seconds)}"


def _kind_of_fit(fit: FitSettings, device: str | None, n_answers: int) -> dict[str, object]:
    device = device or "numpy"
    return {"algorithm": fit.algorithm, "n_dims": fit.n_dims, "device": device, "n_answers": max(1, n_answers)}
