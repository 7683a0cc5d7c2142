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

    They are the first of a batch, as a run would ask them. Raises whatever the judge does where it cannot answer.
    """
    started = time.monotonic()
    judge.record()
    rows = judge.batches(questions)[0][:N_MEASURED]
    judge.answer(questions.take(rows[:1]))  # the first answer pays for what is made once
    loaded = time.monotonic()
    judge.answer(questions.take(rows))
    seconds = max(time.monotonic() - loaded, 1e-6)
    return Speed(len(rows) / seconds, loaded - started, f"measured on {len(rows)} questions")


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
