"""One question, to look at: what a rater gets and what it makes of it. Nothing of it is stored."""

from __future__ import annotations

import time
from dataclasses import dataclass
from textwrap import indent

import numpy as np

from triadic.compute.judges.base import Judge, Questions
from triadic.compute.judges.factory import make_judge
from triadic.compute.judges.prompts import options_of, presentation_order
from triadic.compute.settings import JudgeSettings
from triadic.compute.stages.judge import questions_of
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lab import Lab
from triadic.schema.lookup import find_rater
from triadic.schema.store import query
from triadic.schema.vocabulary import Framing, InvalidReason

WHY = {  # in the words of `triadic ask`
    InvalidReason.empty: "the text says nothing",
    InvalidReason.truncated: "the text was cut off before it had named one",
    InvalidReason.restated: "the text says the question again",
    InvalidReason.refusal: "the text says that it cannot",
    InvalidReason.both: "the text names more than one",
    InvalidReason.neither: "the text names none of them",
    InvalidReason.tie: "none is ahead of the others",
}


@dataclass(frozen=True)
class Offer:
    """A name that would answer the question.

    logprob: ln P(naming it); preference: P(naming it | naming one of those offered), which sums to 1. Both are None where
    the rater gives no log-probabilities.
    """

    name: str
    logprob: float | None
    preference: float | None


@dataclass(frozen=True)
class Asked:
    """One question and its answer; `str()` lays it out.

    `prompt` is as the model gets it, None where nothing is asked in words; `text` what the rater wrote, None where its
    options were scored; `offers` stand in the order shown. `choice` is as in table response, `named` the name that stands
    for it, and `invalid_reason` why there is neither. seconds: what the answer took, and the loading before the first.
    """

    rater: str
    anchor: str
    left: str
    right: str
    framing: str
    prompt: str | None
    text: str | None
    offers: tuple[Offer, ...]
    choice: str | None
    named: str | None
    invalid_reason: str | None
    seconds: float
    load_seconds: float

    def __str__(self) -> str:
        prompt = "none: the words are compared, nothing is asked" if self.prompt is None else self.prompt
        parts = [f"rater    {self.rater}", f"prompt\n{indent(prompt, '  ', lambda _: True)}"]
        if self.text is not None:
            parts.append(f"text\n{indent(self.text or '(empty)', '  ', lambda _: True)}")
        wide = max(len(offer.name) for offer in self.offers)
        for offer in self.offers:
            if offer.logprob is not None:
                share = "" if offer.preference is None else f"   preference {offer.preference:.3f}"
                parts.append(f"log P({offer.name}){'':{wide - len(offer.name)}} {offer.logprob:9.3f}{share}")
        return "\n".join([*parts, f"choice   {self._choice()}", self._time()])

    def _choice(self) -> str:
        if self.named is None:
            return f"none, {self.invalid_reason}: {WHY[InvalidReason(self.invalid_reason or 'neither')]}"
        if self.framing == Framing.odd_one_out:
            pair = [word for word in (self.anchor, self.left, self.right) if word != self.named]
            return f"{self.named} is the odd one: {pair[0]} and {pair[1]} belong together"
        return f"{self.named}: {self.anchor} and {self.named} belong together"

    def _time(self) -> str:
        return f"seconds  {self.seconds:.2f}, after {self.load_seconds:.1f} of loading"


def ask_about(lab: Lab, name: str, words: tuple[str, str, str], settings: JudgeSettings | None = None) -> list[Asked]:
    """Put one question to a rater, in each order and as often as `settings` say: one entry per asking.

    words: anchor, left, right. They need not be in any concept set, unless the rater knows those of its own only (a simulated one). Stores
    nothing. Raises NotFound for an unknown rater or word, BadInput where two words are the same, and as the judge does.
    """
    words, settings = (words[0].strip(), words[1].strip(), words[2].strip()), settings or JudgeSettings()
    if len(set(words)) < 3 or not all(words):
        raise BadInput(f"{', '.join(map(repr, words))}: three different words make a question")
    rater_id = find_rater(lab.store, name)
    concepts = lab.store.value(query("triadic.compute.stages", "ask_concepts"), [list(words)])
    if concepts is None:
        raise NotFound("no concept set in this lab: `triadic init` makes a lab with the paper's")
    judge = make_judge(lab, rater_id, settings, str(concepts), words)
    questions = questions_of(
        np.zeros(1, np.int32), np.array([[0, 1, 2]]), np.array(words, object), settings.orders, settings.repeats
    )
    started = time.perf_counter()
    judge.record()  # loads what there is to load
    loaded = time.perf_counter() - started
    shown = str(lab.store.value("SELECT rater_name FROM rater_current WHERE rater_id = ?", [rater_id]) or rater_id)
    return [_ask(shown, judge, questions.take(np.array([row])), settings, loaded) for row in range(len(questions))]


def _ask(rater: str, judge: Judge, question: Questions, settings: JudgeSettings, loaded: float) -> Asked:
    started = time.perf_counter()
    answer = {name: values[0] for name, values in judge.answer(question).items()}
    seconds = time.perf_counter() - started
    (words,), choices = options_of(question, settings.framing)
    order = [str(column[0]) for column in presentation_order(question, settings.framing)]
    logs = [answer.get(f"logprob_{side}") for side in ("left", "right", "anchor")[: len(words)]]
    known = [float(value) for value in logs if value is not None]
    total = np.logaddexp.reduce(known) if len(known) == len(words) else None
    offers = [
        Offer(word, value, None if total is None or value is None else float(np.exp(value - total)))
        for word, value in zip(words, logs, strict=True)
    ]
    choice = answer["choice"]
    return Asked(
        rater=rater,
        anchor=str(question.anchor[0]),
        left=str(question.left[0]),
        right=str(question.right[0]),
        framing=settings.framing.value,
        prompt=next(iter(judge.prompts(question)), None),
        text=answer.get("raw_text"),
        offers=tuple(sorted(offers, key=lambda offer: order.index(offer.name))),
        choice=choice,
        named=None if choice is None else words[choices.index(choice)],
        invalid_reason=answer["invalid_reason"],
        seconds=round(seconds, 3),
        load_seconds=round(loaded, 3),
    )
