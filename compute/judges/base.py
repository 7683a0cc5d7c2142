"""What a judge is: something that is asked questions in whole batches and returns one answer for each.

The stage `triadic.compute.judge` plans, saves and resumes; a judge only answers. A batch is the unit of saving:
because `batches` depends on the questions alone, a run that was killed asks the very same batches again, so that
even bf16 rounding, which depends on who shares a batch with whom, comes out the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

ANSWER_COLUMNS = (
    "raw_text",
    "choice",
    "invalid_reason",
    "logprob_anchor",
    "logprob_left",
    "logprob_right",
    "prompt_hash",
    "prompt_tokens",
    "answer_tokens",
)


@dataclass(frozen=True)
class Questions:
    """n questions, as columns of length n.

    `anchor`, `left`, `right` are concept words (object arrays of str) as the triplet stores them; `flipped` (bool) says
    that the options are shown as right-then-left; `repeat` (int) counts askings of the same question from 0.
    `triplet_no` (int) identifies the triplet within its set.
    """

    triplet_no: np.ndarray
    anchor: np.ndarray
    left: np.ndarray
    right: np.ndarray
    flipped: np.ndarray
    repeat: np.ndarray

    def __len__(self) -> int:
        return len(self.triplet_no)

    def take(self, rows: np.ndarray) -> Questions:
        """The questions at `rows`, in that order."""
        return Questions(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    @property
    def first(self) -> np.ndarray:
        """The option shown first, shape (n,)."""
        return np.where(self.flipped, self.right, self.left)

    @property
    def second(self) -> np.ndarray:
        """The option shown second, shape (n,)."""
        return np.where(self.flipped, self.left, self.right)


class Judge(Protocol):
    """Anything that answers triplets.

    Answers come as a dict of equally long columns named by ANSWER_COLUMNS (a column may be left out: all NULL).
    `choice` is 'left' (anchor and left belong together), 'right', or 'apart' (odd-one-out only: left and right belong
    together and the anchor is the odd one); None together with an `invalid_reason` where there is no answer.
    `logprob_*` is the natural-log probability of *naming* that concept as the answer. `prompt_hash` is a signed 64-bit
    integer of the full prompt text.

    A judge may also have `record()`, which adds to `config()` what was found out on this machine (versions, timings),
    and `resume(record)`, called with the first record of a run that is taken up again, before any question.
    """

    def config(self) -> dict:
        """Everything that decides an answer, JSON-able: it becomes part of the run's identity."""
        ...

    def batches(self, questions: Questions) -> list[np.ndarray]:
        """Row indices, grouped: each group is asked, answered and saved as a whole. Depends on `questions` alone."""
        ...

    def answer(self, questions: Questions) -> dict[str, list]:
        """Answers to one batch, in its order."""
        ...


def record_of(judge: Judge) -> dict:
    """What is kept with a run's events: the judge's `record()`, or its configuration where it has none."""
    return getattr(judge, "record", judge.config)()
