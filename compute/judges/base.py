"""What a judge is: something that is asked questions in whole batches and returns one answer for each.

The stage `triadic.compute.stages.judge` plans, saves and resumes; a judge only answers. A batch is the unit of saving:
because `batches` depends on the questions alone, a run that was killed asks the very same batches again, so that
even bf16 rounding, which depends on who shares a batch with whom, comes out the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from triadic.schema.arrays import Bools, Ints, Objects

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

    triplet_no: Ints
    anchor: Objects
    left: Objects
    right: Objects
    flipped: Bools
    repeat: Ints

    def __len__(self) -> int:
        return len(self.triplet_no)

    def take(self, rows: Ints) -> Questions:
        """The questions at `rows`, in that order."""
        return Questions(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    @property
    def first(self) -> Objects:
        """The option shown first, shape (n,)."""
        return np.where(self.flipped, self.right, self.left)

    @property
    def second(self) -> Objects:
        """The option shown second, shape (n,)."""
        return np.where(self.flipped, self.left, self.right)


class Judge(ABC):
    """Anything that answers triplets. A new one is one file with this class's three abstract methods.

    Answers come as a dict of equally long columns named by ANSWER_COLUMNS (a column may be left out: all NULL).
    `choice` is 'left' (anchor and left belong together), 'right', or 'apart' (odd-one-out only: left and right belong
    together and the anchor is the odd one); None together with an `invalid_reason` where there is no answer.
    `logprob_*` is the natural-log probability of *naming* that concept as the answer. `prompt_hash` is a signed 64-bit
    integer of the full prompt text.
    """

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Everything that decides an answer, JSON-able: it is part of the run's id, and known before weights are loaded.

        It holds the wording of the prompt and the rule by which answers are read (`prompts.wording`, `parse.RULE`), so
        that answers to two wordings, or read by two rules, are never one run.
        """

    @abstractmethod
    def batches(self, questions: Questions) -> list[Ints]:
        """Row indices, grouped: each group is asked, answered and saved as a whole. Depends on `questions` alone."""

    @abstractmethod
    def answer(self, questions: Questions) -> dict[str, list[Any]]:
        """Answers to one batch, in its order."""

    def record(self) -> dict[str, Any]:
        """What is kept with the run's events: the identity, and what was found out on this machine (versions, timings)."""
        return self.identity()

    def resume(self, record: dict[str, Any]) -> None:
        """Go on as a judge that had this record, which the run's first start kept; called before any question.

        Raises Conflict where that cannot be: the prompt would be worded otherwise than in the answers that are there.
        """

    def former_identity(self) -> dict[str, Any] | None:
        """The identity under which version 0.1.0 entered the same questions to the same rater; None where it had none.

        Runs of old labs are recognised by it, so that nothing is asked again.
        """
        return None


def consecutive(n: int, size: int) -> list[Ints]:
    """n rows in groups of `size`, in their order."""
    return [np.arange(start, min(start + size, n)) for start in range(0, n, size)]
