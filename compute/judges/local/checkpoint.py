"""The judge that asks a checkpoint through transformers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch

from triadic.compute.judges.base import Questions, RaterEntry, check_named, choice_columns, known_before
from triadic.compute.judges.encoded import EncodedJudge, EncodedQuestion, Scorer, prompt_columns
from triadic.compute.judges.local.loading import Checkpoint, CheckpointSource
from triadic.compute.judges.local.logits import in_float32, out_of_memory
from triadic.compute.judges.local.packaged import cache_folder, unpackaged
from triadic.compute.judges.local.padded import EncoderDecoderScorer, PlainScorer
from triadic.compute.judges.local.sampler import Sampler
from triadic.compute.judges.local.steps import StepScorer
from triadic.compute.judges.local.tree import TreeScorer
from triadic.compute.judges.names import RULE as NAMES_RULE
from triadic.compute.judges.parse import RULE as TEXTS_RULE
from triadic.compute.judges.parse import decided, parse
from triadic.compute.judges.prompts import REASONING_TOKENS, Prompter, answer_tokens, options_of, wording
from triadic.compute.settings import JudgeSettings
from triadic.schema.errors import BadInput, TriadicError
from triadic.schema.vocabulary import AnswerMode
from triadic.schema.weights import WeightsKind

SIZE = 256  # questions of a batch where nothing was timed
SECONDS, READ = 30.0, 25  # what a timed batch takes at most, and the tokens that are read for a question
STRATEGIES = ("tree", "steps", "plain")
_MEASURED = ("pass_tokens", "micro_tokens", "batch_rows", "state_bytes")
_OPENED = re.compile(r"(<think>|<thinking>)\s*$")  # a template that opens the reasoning and has no switch


class CheckpointJudge(EncodedJudge):
    """Answers by the log-probability of the options' names (`answer='score'`) or by writing (`answer='sample'`).

    The checkpoint is opened when the first question is asked, or its record. `style` is the model's prompt style ('chat'
    or 'base'), `batch_size` how many questions are saved at a time (None: as many as half a minute answers, at most 1,024).
    """

    def __init__(
        self,
        source: CheckpointSource | Checkpoint,
        style: str,
        framing: str = "anchored",
        answer: str = "score",
        batch_size: int | None = None,
        strategy: str = "auto",
        seed: int = 0,
        max_tokens: int | None = None,
    ) -> None:
        super().__init__(style, framing, batch_size)
        self.source = source
        self.mode = AnswerMode(check_named("answer mode", answer, ("score", "sample")))
        self.strategy = strategy
        self.seed = seed
        self.max_tokens = answer_tokens(self.style, max_tokens)
        self.given_max_tokens = max_tokens

    @classmethod
    def from_rater(cls, rater: RaterEntry, settings: JudgeSettings) -> CheckpointJudge:
        """Of weights in a package, a folder or on the hub."""
        style, package = rater.style, rater.weights.kind == WeightsKind.package
        source = CheckpointSource(
            unpackaged(rater.weights),
            revision=rater.revision,
            dtype=settings.dtype,
            device=settings.device,
            trust_remote_code=settings.trust_remote_code,
            allow_pickle=settings.allow_pickle,
            cache=cache_folder() / "unpacked",
            name=rater.weights.text if package else None,
        )
        size, seed, limit = settings.batch_size, settings.seed, settings.max_tokens
        return cls(source, style, settings.framing, settings.answer, batch_size=size, seed=seed, max_tokens=limit)

    def identity(self) -> dict[str, Any]:
        """Checkpoint, dtype, seed, the wording and the rule that reads; a batch size where it was given.

        Where answers are written, the tokens they may take too: a text that is cut off says something else.
        """
        size = {"batch_size": self.given_size} if self.given_size else {}
        limit = {"max_tokens": self.max_tokens} if self.mode == AnswerMode.sample else {}
        return {
            "judge": "transformers",
            "style": self.style.value,
            "seed": self.seed,
            **size,
            **limit,
            **self.source.identity(),
            "wording": wording(self.style, self.framing),
            "reading": NAMES_RULE if self.mode == AnswerMode.score else TEXTS_RULE,
        }

    def earlier_identities(self) -> list[dict[str, Any]]:
        """Before version 2 of the reading rule every answer had 12 tokens, which no identity said."""
        if self.mode == AnswerMode.score or self.given_max_tokens:
            return []
        return known_before({name: value for name, value in self.identity().items() if name != "max_tokens"})

    def record(self) -> dict[str, Any]:
        """`identity()`; versions, device, prompt and way of scoring or writing; and what was measured here."""
        if self.mode == AnswerMode.score:
            way = self.names.record() | self.scorer.record()
            way |= {"pass_tokens": self.scorer.pass_tokens} if isinstance(self.scorer, TreeScorer) else {}
        else:
            way = self.sampler.record()
        found = self.checkpoint.record | self.prompter.record() | way
        return found | {"answer": self.mode.value, "batch_size": self.batch_size} | self.identity()

    def resume(self, record: dict[str, Any]) -> None:
        """Go on with the same batches and passes, whatever was measured this time. Conflict as in Judge."""
        super().resume(record)
        if self.mode == AnswerMode.score:
            for name in _MEASURED:
                if name in record and hasattr(self.scorer, name):
                    setattr(self.scorer, name, record[name])

    def has_log_probabilities(self) -> bool:
        return self.mode == AnswerMode.score

    def is_downloaded(self) -> bool:
        return self.source.is_downloaded()

    def answer(self, questions: Questions) -> dict[str, list[Any]]:
        if self.mode == AnswerMode.score:
            return super().answer(questions)
        texts = self.prompter.texts(questions)
        prompts = self.prompter.encode(texts)
        words, choices = options_of(questions, self.framing)
        asked = list(zip(words, questions.anchor.tolist(), strict=True))
        # Another asking of the same question must not repeat the random numbers of the first.
        self.sampler.seed = self.seed + 1_000_003 * int(questions.repeat[0]) if len(questions) else self.seed
        enough = [partial(decided, options=options, anchor=anchor) for options, anchor in asked]
        written = self.sampler.write(prompts, enough, self.watch)
        self.sampler.seed = self.seed
        read = [parse(text, *given, ended) for (text, _, ended), given in zip(written, asked, strict=True)]
        return prompt_columns(texts, prompts) | {
            "raw_text": [text for text, _, _ in written],
            **choice_columns(read, choices),
            "answer_tokens": [tokens for _, tokens, _ in written],
        }

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """The opened checkpoint."""
        return self.source.open()

    @cached_property
    def prompter(self) -> Prompter:
        encoder = self.checkpoint.kind == "encoder-decoder"
        return Prompter(self.checkpoint.tokenizer, self.style, self.framing, encoder=encoder)

    @cached_property
    def scorer(self) -> Scorer:
        """The way in which this checkpoint is scored; for a state-space model also what its writing begins with."""
        return make_scorer(self.checkpoint, self.strategy, self._probe())

    @cached_property
    def sampler(self) -> Sampler:
        """What writes answers."""
        steps = self.scorer if self.checkpoint.kind == "recurrent" else None
        steps = steps if isinstance(steps, StepScorer) and steps.cache_name == "cache_params" else None
        opened = _OPENED.search(self.prompter.text(""))
        lead = opened.group(1) if opened else ""
        limit = max(REASONING_TOKENS, self.max_tokens) if opened else self.max_tokens
        return Sampler(self.checkpoint, self.seed, limit, lead=lead, steps=steps)

    @cached_property
    def batch_size(self) -> int:
        """Questions asked and saved together: the more the faster, but a kill loses what half a minute asked."""
        if self.given_size:
            return self.given_size
        scorer = self.scorer if self.mode == AnswerMode.score else None
        each = scorer.seconds_per_token if isinstance(scorer, TreeScorer) else 0.0
        return SIZE if not each else min(4 * SIZE, max(SIZE // 4, round(SECONDS / (each * READ) / 64) * 64))

    def _probe(self) -> list[EncodedQuestion]:
        """Questions that share a root, an anchor and a first option, with names of several tokens."""
        words = [("puffin", "owl", "pocket watch"), ("puffin", "owl", "lawnmower"), ("puffin", "tuxedo", "owl")]
        words.append(("knitting needle", "sea urchin", "thermos"))
        anchor, left, right = (np.array(column, dtype=object) for column in zip(*words, strict=True))
        return self.encode(Questions(np.zeros(4, int), anchor, left, right, np.zeros(4, bool), np.zeros(4, int)))


def make_scorer(checkpoint: Checkpoint, strategy: str, probe: list[EncodedQuestion]) -> Scorer:
    """The way of scoring for a checkpoint: one of STRATEGIES, or 'auto', the fastest that gives the plain path's scores.

    'tree' reads shared beginnings once under an attention mask, 'steps' one token at a time from copied states, 'plain'
    every row in full. Not every architecture follows each (ALiBi counts padding as distance, a state cannot be masked),
    so a way is tried on `probe`, a few questions, beside the plain path. BadInput when one is asked for and fails.
    """
    check_named("strategy", strategy, ("auto", *STRATEGIES))
    pad = checkpoint.tokenizer.pad_token_id
    pad = pad if pad is not None else (checkpoint.tokenizer.eos_token_id or 0)
    if checkpoint.kind == "encoder-decoder":
        return EncoderDecoderScorer(checkpoint.model, pad)
    plain = PlainScorer(checkpoint.model, pad, equal_lengths=checkpoint.kind == "recurrent")
    ways: dict[str, type[TreeScorer] | type[StepScorer]] = {"tree": TreeScorer, "steps": StepScorer}
    if checkpoint.kind == "recurrent":
        del ways["tree"]
    for name, way in ways.items():
        if strategy in ("auto", name):
            scorer = way(checkpoint.model)
            if agrees(plain, scorer, probe):
                if isinstance(scorer, TreeScorer):
                    scorer.measure(probe[0].prompt)
                return scorer
    if strategy in ("auto", "plain"):
        return plain
    raise BadInput(f"{checkpoint.record['class']} cannot be scored by {strategy!r}: use strategy 'auto'")


def agrees(plain: PlainScorer, other: TreeScorer | StepScorer, probe: Sequence[EncodedQuestion]) -> bool:
    """Whether another way's scores are the plain path's, up to rounding: in float32 where there is room for it, else
    up to three times what the model's dtype makes of the same rows asked one question at a time."""
    with in_float32(other.model):
        exact = other.model.dtype == torch.float32
        expected = np.concatenate(plain.score(probe))
        alone = expected if exact else np.concatenate([plain.score([question])[0] for question in probe])
        try:
            found = np.concatenate(other.score(probe))
        except (TypeError, ValueError, RuntimeError, IndexError, AttributeError, TriadicError) as error:
            if isinstance(error, RuntimeError) and out_of_memory(error):
                raise
            return False  # the architecture takes no such mask, positions or cache
    gap, rounding = np.abs(found - expected).mean(), 1e-3 if exact else 0.25
    return bool(gap < max(rounding, 3 * np.abs(alone - expected).mean()))
