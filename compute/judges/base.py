"""What a judge is: something that is asked questions in whole batches and returns one answer for each.

The stage `triadic.compute.stages.judge` plans, saves and resumes; a judge only answers. A batch is the unit of saving:
because `batches` depends on the questions alone, a run that was killed asks the very same batches again, so that
even bf16 rounding, which depends on who shares a batch with whom, comes out the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from triadic.schema.arrays import Bools, Floats, Ints, Objects
from triadic.schema.errors import BadInput, Conflict
from triadic.schema.lookup import read_concepts
from triadic.schema.vocabulary import InvalidReason

if TYPE_CHECKING:
    from triadic.schema.lab import Lab
    from triadic.schema.weights import Weights

Watch = Callable[[int], None]  # called with how many more questions of a batch are answered
Named = tuple[int | None, str | None]  # the position of the option that an answer names, or why it names none

# What a judge says of its wording and its reading, and those that version 0.1.0 had: while they are today's, a run that it
# made is the run that would be made today. A new wording or rule is not entered here, and so makes new runs.
WORDING_KEYS = ("wording", "reading")
_SYSTEM = "You are a helpful assistant who gives responses to questions"
_QUESTIONS = (
    "QUESTION: Which item is most similar to {}: {} or {}? Respond only with the item name.",
    "QUESTION: Which is the odd one out: {}, {} or {}? Respond only with the item name.",
)
FORMER_WORDINGS = {
    form.format(_SYSTEM, question) for question in _QUESTIONS for form in ("{1}", "{0}\n{1}\nAnswer:", "{0}\n\n{1}")
} | {"{}"}
FORMER_READINGS = {"the probability of the full name, as given or capitalised, version 1"}


def unwatched(answered: int) -> None:
    """A watch that nobody keeps."""


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


@dataclass(frozen=True)
class RaterEntry:
    """What the lab knows of a rater that is to be asked about a concept set, or about `given_words` alone."""

    lab: Lab
    rater_id: str
    weights: Weights
    concept_set_id: str
    revision: str | None = None
    prompt_style: str | None = None
    hf_id: str | None = None
    given_words: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """The words it may be asked about: those given, else those of its concept set, in their order."""
        return list(self.given_words or read_concepts(self.lab, self.concept_set_id).word)

    @property
    def style(self) -> str:
        """Its prompt style. BadInput, with the way to give one, where the lab has none."""
        if self.prompt_style is None:
            raise BadInput(
                f"{self.rater_id} has no prompt style: say so once, `triadic model set {self.rater_id} prompt_style=chat` "
                "(its own chat template) or base (plain text)"
            )
        return self.prompt_style


class Judge(ABC):
    """Anything that answers triplets. A new one is one file with `identity`, `answer` and, where it matters, `batches`.

    Answers come as a dict of equally long columns: those of table `response` but for the question's own (one may be left
    out: all NULL). `choice` is 'left' (anchor and left belong together), 'right', or 'apart' (odd-one-out only: left and
    right belong together and the anchor is the odd one); None together with an `invalid_reason` where there is no answer.
    `logprob_*` is the natural-log probability of *naming* that concept as the answer. `prompt_hash` is a signed 64-bit
    integer of the full prompt text.

    A judge that answers a batch piece by piece calls `watch` with how many more are answered, so that a slow one is seen
    to move; one that cannot tell leaves it.
    """

    watch: Watch = staticmethod(unwatched)

    @cached_property
    def batch_size(self) -> int:
        """Questions that are asked and saved together."""
        return 64

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Everything that decides an answer, JSON-able: it is part of the run's id, and known before weights are loaded.

        A judge that asks in words holds the wording of its prompt (`wording`, see `prompts.wording`), one that reads
        texts or scores the rule for it (`reading`: `parse.RULE`, `names.RULE`), so that answers to two wordings, or read
        by two rules, are never one run.
        """

    def batches(self, questions: Questions) -> list[Ints]:
        """Row indices, grouped: each group is asked, answered and saved as a whole. Depends on `questions` alone."""
        return consecutive(len(questions), self.batch_size)

    @abstractmethod
    def answer(self, questions: Questions) -> dict[str, list[Any]]:
        """Answers to one batch, in its order."""

    def has_log_probabilities(self) -> bool:
        """Whether its answers come with the log-probabilities of both options, which a graded fit takes."""
        return False

    def is_downloaded(self) -> bool:
        """Whether its weights are on this machine, as far as that can be told without loading or downloading them."""
        return True

    def record(self) -> dict[str, Any]:
        """What is kept with the run's events: the identity, and what was found out on this machine (versions, timings).

        `prompt_example` is the prompt as the model gets it, around no question.
        """
        return self.identity()

    def resume(self, record: dict[str, Any]) -> None:
        """Go on as a judge that had this record, which the run's first start kept; called before any question.

        Raises Conflict where that cannot be: the prompt would be worded otherwise than in the answers that are there.
        """
        before, now = record.get("prompt_example"), self.record().get("prompt_example")
        if before is not None and before != now:
            pairs = zip_longest(before, now or "")
            same = next((at for at, (sign, twin) in enumerate(pairs) if sign != twin), 0)
            raise Conflict(
                f"the prompt has {now and now[same:][:60]!r} where this run began with {before[same:][:60]!r}: bring back the checkpoint and versions that it began with, or "
                "add the model under another name"
            )

    def prompts(self, questions: Questions) -> list[str]:
        """The prompt of each question as the model gets it; empty for a judge that does not ask in words."""
        return []

    def earlier_identities(self) -> list[dict[str, Any]]:
        """The identities under which earlier versions had the same texts written, whatever rule read them.

        Texts take hours: where there is a finished run of one of these, they are read again, and nobody is asked. Empty
        for a judge that reads no texts.
        """
        return []

    def former_identity(self) -> dict[str, Any] | None:
        """The identity under which version 0.1.0 entered the same questions to the same rater; None where it had none.

        Runs of old labs are recognised by it, so that nothing is asked again.
        """
        identity = self.identity()
        known = {"wording": FORMER_WORDINGS, "reading": FORMER_READINGS}
        if any(name in identity and identity[name] not in known[name] for name in WORDING_KEYS):
            return None
        return {name: value for name, value in identity.items() if name not in WORDING_KEYS}


def known_before(identity: dict[str, Any]) -> list[dict[str, Any]]:
    """An identity, and as version 0.1.0 had it, where that asked in the same words."""
    if identity["wording"] not in FORMER_WORDINGS:
        return [identity]
    return [identity, {name: value for name, value in identity.items() if name not in WORDING_KEYS}]


def consecutive(n: int, size: int) -> list[Ints]:
    """n rows in groups of `size`, in their order."""
    return [np.arange(start, min(start + size, n)) for start in range(0, n, size)]


def check_batch_size(size: int | None) -> int | None:
    """`size` itself; BadInput when it is less than 1."""
    if size is not None and size < 1:
        raise BadInput(f"a batch size of {size}: it must be at least 1")
    return size


def check_named(what: str, value: str, known: Iterable[str]) -> str:
    """`value` itself; BadInput when it is not one of `known`."""
    names = [str(name) for name in known]
    if value not in names:
        raise BadInput(f"no {what} {value!r}: use one of {', '.join(names)}")
    return str(value)


def uniform_numbers(key: str, n: int) -> Floats:
    """n numbers in [0, 1) that `key` alone decides."""
    digest = blake2b(key.encode(), digest_size=8 * n).digest()
    return np.frombuffer(digest, dtype=">u8") / 2.0**64


def rule_numbers(params: Mapping[str, str]) -> dict[str, Any]:
    """The numbers of a rule as they are written in its weights. ValueError for what is none."""
    return {name: int(value) if name in ("seed", "batch_size") else float(value) for name, value in params.items()}


def likeliest(values: Floats) -> list[Named]:
    """The option with the largest of its row's `values`, (n, options); none where several are equally large."""
    tied = (values == values.max(axis=1, keepdims=True)).sum(axis=1) > 1
    best = values.argmax(axis=1).tolist()
    return [(None, InvalidReason.tie.value) if tie else (at, None) for at, tie in zip(best, tied, strict=True)]


def choice_columns(named: Sequence[Named], choices: Sequence[str]) -> dict[str, list[Any]]:
    """The answer columns `choice` and `invalid_reason`; `choices` is what naming the first, second, … option stands for."""
    return {
        "choice": [None if at is None else choices[at] for at, _ in named],
        "invalid_reason": [reason for _, reason in named],
    }
