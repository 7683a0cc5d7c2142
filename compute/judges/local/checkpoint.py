"""The judge that asks a checkpoint through transformers."""

from __future__ import annotations

import re

import numpy as np

from triadic.compute.judges.base import Questions
from triadic.compute.judges.local.loading import Checkpoint
from triadic.compute.judges.local.logits import in_float32, out_of_memory
from triadic.compute.judges.local.plain import (
    Asked,
    EncoderDecoderScorer,
    PlainScorer,
    asked_of,
    batches_by_prompt,
    prompt_columns,
    score_columns,
)
from triadic.compute.judges.local.sampler import Sampler
from triadic.compute.judges.local.steps import StepScorer
from triadic.compute.judges.local.tree import TreeScorer
from triadic.compute.judges.names import Names
from triadic.compute.judges.parse import parse
from triadic.compute.judges.prompts import Prompter, options_of
from triadic.schema.errors import BadInput, TriadicError

SIZE = 256  # questions of a batch where nothing was timed
SECONDS, READ = 30.0, 25  # what a timed batch takes at most, and the tokens that are read for a question
STRATEGIES = ("tree", "steps", "plain")
_OPENED = re.compile(r"(<think>|<thinking>)\s*$")  # a template that opens the reasoning and has no switch


class TransformersJudge:
    """Answers by the log-probability of the options' names (`answer='score'`) or by writing (`answer='sample'`).

    `style` is the model's prompt style ('chat' or 'base'), `batch_size` how many questions are saved at a time (None:
    as many as half a minute answers, at most 1,024).
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        style: str,
        framing: str = "anchored",
        answer: str = "score",
        batch_size: int | None = None,
        strategy: str = "auto",
        seed: int = 0,
    ):
        if answer not in ("score", "sample"):
            raise BadInput(f"Answer mode {answer!r} is unknown: use 'score' or 'sample'.")
        if batch_size is not None and batch_size < 1:
            raise BadInput("The batch size must be at least 1.")
        self.checkpoint = checkpoint
        self.mode = answer
        self.seed = seed
        encoder = checkpoint.kind == "encoder-decoder"
        self.prompter = Prompter(checkpoint.tokenizer, style, framing, encoder=encoder)
        self.names = Names(checkpoint.tokenizer, "" if encoder else self.prompter.text("")[-24:])
        stateful = checkpoint.kind == "recurrent"
        self.scorer = make_scorer(checkpoint, strategy, self._probe()) if answer == "score" or stateful else None
        steps = (
            self.scorer if isinstance(self.scorer, StepScorer) and self.scorer.cache_name == "cache_params" else None
        )
        self.given_size, self.batch_size = batch_size, batch_size or self._size()
        opened = _OPENED.search(self.prompter.text(""))
        lead = opened.group(1) if opened else ""
        self.sampler = Sampler(checkpoint, seed, 2048 if opened else 12, lead=lead, steps=steps)

    def config(self) -> dict:
        """Checkpoint, versions, dtype, prompt, way of scoring and batch size."""
        out = {"judge": "transformers", "answer": self.mode}
        out |= {"batch_size": self.given_size} if self.given_size else {}
        out |= self.checkpoint.record | self.prompter.record()
        return out | (self.names.record() | self.scorer.record() if self.mode == "score" else self.sampler.record())

    def record(self) -> dict:
        """`config()`, and what was measured here."""
        passes = {"pass_tokens": self.scorer.pass_tokens} if isinstance(self.scorer, TreeScorer) else {}
        return self.config() | {"batch_size": self.batch_size} | passes

    def resume(self, record: dict) -> None:
        """Go on as a judge that had this record: the same batches and passes, whatever was measured this time."""
        self.batch_size = record.get("batch_size", self.batch_size)
        for name in ("pass_tokens", "micro_tokens", "batch_rows", "state_bytes"):
            if name in record and hasattr(self.scorer, name):
                setattr(self.scorer, name, record[name])

    def batches(self, questions: Questions) -> list[np.ndarray]:
        """Groups of `batch_size` questions, sorted so that questions with the same beginning sit together."""
        return batches_by_prompt(questions, self.prompter.framing, self.batch_size)

    def answer(self, questions: Questions) -> dict[str, list]:
        """Answers to one batch, in its order."""
        texts = self.prompter.texts(questions)
        prompts = self.prompter.encode(texts)
        out = prompt_columns(texts, prompts)
        return out | (self._score(questions, prompts) if self.mode == "score" else self._sample(questions, prompts))

    def _size(self) -> int:
        """How many questions are asked and saved together: the more the faster, but a kill loses what half a minute asked."""
        each = self.scorer.seconds_per_token if isinstance(self.scorer, TreeScorer) else 0.0
        return SIZE if not each else min(4 * SIZE, max(SIZE // 4, round(SECONDS / (each * READ) / 64) * 64))

    def _sample(self, questions: Questions, prompts: list[list[int]]) -> dict[str, list]:
        words, choices = options_of(questions, self.prompter.framing)
        # Another asking of the same question must not repeat the random numbers of the first.
        self.sampler.seed = self.seed + 1_000_003 * int(questions.repeat[0]) if len(questions) else self.seed
        written = self.sampler.write(prompts, words)
        self.sampler.seed = self.seed
        read = [parse(text, options, ended) for (text, _, ended), options in zip(written, words, strict=True)]
        return {
            "raw_text": [text for text, _, _ in written],
            "choice": [None if at is None else choices[at] for at, _ in read],
            "invalid_reason": [reason for _, reason in read],
            "answer_tokens": [tokens for _, tokens, _ in written],
        }

    def _probe(self) -> list[Asked]:
        """Questions that share a root, an anchor and a first option, with names of several tokens."""
        words = [("puffin", "owl", "pocket watch"), ("puffin", "owl", "lawnmower"), ("puffin", "tuxedo", "owl")]
        words.append(("knitting needle", "sea urchin", "thermos"))
        columns = [np.array(column, dtype=object) for column in zip(*words, strict=True)]
        asked = Questions(np.zeros(4, dtype=int), *columns, np.zeros(4, dtype=bool), np.zeros(4, dtype=int))
        return self._asked(asked, self.prompter.encode(self.prompter.texts(asked)))

    def _asked(self, questions: Questions, prompts: list[list[int]]) -> list[Asked]:
        return asked_of(questions, self.prompter.framing, prompts, self.names)

    def _score(self, questions: Questions, prompts: list[list[int]]) -> dict[str, list]:
        asked = self._asked(questions, prompts)
        return score_columns(questions, self.prompter.framing, asked, self.scorer.score(asked))


def make_scorer(checkpoint: Checkpoint, strategy: str, probe: list[Asked]):
    """The way of scoring for a checkpoint: one of STRATEGIES, or 'auto', the fastest that gives the plain path's scores.

    'tree' reads shared beginnings once under an attention mask, 'steps' one token at a time from copied states, 'plain'
    every row in full. Not every architecture follows each (ALiBi counts padding as distance, a state cannot be masked),
    so a way is tried on `probe`, a few questions, beside the plain path. BadInput when one is asked for and fails.
    """
    if strategy not in ("auto", *STRATEGIES):
        raise BadInput(f"Strategy {strategy!r} is unknown: use 'auto', {', '.join(map(repr, STRATEGIES))}.")
    pad = checkpoint.tokenizer.pad_token_id
    pad = pad if pad is not None else (checkpoint.tokenizer.eos_token_id or 0)
    if checkpoint.kind == "encoder-decoder":
        return EncoderDecoderScorer(checkpoint.model, pad)
    plain = PlainScorer(checkpoint.model, pad, equal_lengths=checkpoint.kind == "recurrent")
    ways = {"tree": TreeScorer, "steps": StepScorer} if checkpoint.kind == "decoder" else {"steps": StepScorer}
    for name, way in ways.items():
        if strategy in ("auto", name):
            scorer = way(checkpoint.model)
            if agrees(plain, scorer, probe):
                if isinstance(scorer, TreeScorer):
                    scorer.measure(probe[0].prompt)
                return scorer
    if strategy in ("auto", "plain"):
        return plain
    raise BadInput(f"{checkpoint.record['class']} cannot be scored by {strategy!r}: use strategy 'auto'.")


def agrees(plain: PlainScorer, other: TreeScorer | StepScorer, probe: list[Asked]) -> bool:
    """Whether another way's scores are the plain path's, up to rounding: in float32 where there is room for it, else
    up to three times what the model's dtype makes of the same rows asked one question at a time."""
    import torch

    with in_float32(other.model):
        exact = other.model.dtype == torch.float32
        expected = np.concatenate(plain.score(probe))
        alone = expected if exact else np.concatenate([plain.score([one])[0] for one in probe])
        try:
            found = np.concatenate(other.score(probe))
        except (TypeError, ValueError, RuntimeError, IndexError, AttributeError, TriadicError) as error:
            if isinstance(error, RuntimeError) and out_of_memory(error):
                raise
            return False  # the architecture takes no such mask, positions or cache
    gap, rounding = np.abs(found - expected).mean(), 1e-3 if exact else 0.25
    return bool(gap < max(rounding, 3 * np.abs(alone - expected).mean()))
