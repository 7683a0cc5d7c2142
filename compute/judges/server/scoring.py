"""Scoring options on a server: the same prompts, names and token trees as for a checkpoint opened here.

The prompt is put together by the model's own tokenizer and sent as token ids, so nothing is added or left out on the
way. Two ways to get the log-probability of a given token out of a server, the first that it takes:

- echo: the prompt with a name behind it is sent as a prompt, and its own tokens' log-probabilities are asked back
  (vLLM, SGLang);
- forced: the token is made certain by a logit bias, where the log-probability reported is that before the bias
  (llama.cpp); that it is, is checked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from triadic.compute.judges.base import Questions
from triadic.compute.judges.local.plain import Asked, asked_of, batches_by_prompt, prompt_columns, score_columns
from triadic.compute.judges.names import Names
from triadic.compute.judges.prompts import Prompter
from triadic.compute.judges.server.client import Refused, Server
from triadic.schema.errors import BadInput, TriadicError


class RemoteScorer:
    """Log-probabilities of the edges of questions' token trees, from a server."""

    def __init__(self, server: Server, tokenizer):
        self.server = server
        self.tokenizer = tokenizer

    def record(self) -> dict:
        """The way that the server takes."""
        return {"strategy": self.way}

    @cached_property
    def way(self) -> str:
        """'echo' or 'forced'. BadInput when the server takes neither."""
        words = self.tokenizer("The answer is a dog", add_special_tokens=False)["input_ids"]
        tries = {"echo": lambda: bool(self._echo([words])), "forced": lambda: self._reports_before_bias(words)}
        for way, works in tries.items():
            try:
                if works():
                    return way
            except Refused:
                continue
        raise BadInput(
            f"{self.server.model}: this server reports no log-probability of given tokens (neither with echo nor under "
            "a logit bias): ask with --answer sample"
        )

    def score(self, asked: Sequence[Asked]) -> list[np.ndarray]:
        """Log-probability of each edge of each question's tree."""
        return self.server.map(self._echoed if self.way == "echo" else self._forced, asked)

    def _echoed(self, one: Asked) -> np.ndarray:
        out = np.full(len(one.branches.edge_token), np.nan)
        rows = self._echo([[*one.prompt, *spelling] for spelling in one.branches.spellings])
        for values, (_, edges) in zip(rows, one.branches.forms, strict=True):
            out[edges] = values[len(one.prompt) : len(one.prompt) + len(edges)]
        return _numbers(out)

    def _echo(self, rows: list[list[int]]) -> list[list[float]]:
        """The log-probability of each token of each row, behind those before it; the first has none."""
        choices, _ = self.server.complete(prompt=rows, echo=True, max_tokens=1, logprobs=1, temperature=0.0)
        out = []
        for choice, row in zip(choices, rows, strict=True):
            values = getattr(choice.logprobs, "token_logprobs", None) or []
            if len(values) not in (len(row), len(row) + 1) or None in values[1:]:
                raise Refused(f"{self.server.model}: the server does not echo what it is sent")
            out.append(values[: len(row)])
        return out

    def _forced(self, one: Asked) -> np.ndarray:
        tree, paths = one.branches, {-1: list(one.prompt)}
        for node, (token, parent) in enumerate(zip(tree.tokens.tolist(), tree.parents.tolist(), strict=True)):
            paths[node] = [*paths[parent], token]
        edges = zip(tree.edge_node.tolist(), tree.edge_token.tolist(), strict=True)
        return _numbers(np.array([self._one(paths[node], token) for node, token in edges]))

    def _one(self, before: list[int], token: int | None = None) -> float:
        """log P(token | before); without a token, that of the likeliest."""
        bias = {} if token is None else {"logit_bias": {str(token): 100}}
        choices, _ = self.server.complete(prompt=before, max_tokens=1, logprobs=1, temperature=0.0, **bias)
        found = choices[0].logprobs
        content = getattr(found, "content", None)
        if content:
            first = content[0] if isinstance(content[0], dict) else vars(content[0])
            written, value = first.get("id", first.get("token")), first["logprob"]
        else:
            written, value = (found.tokens[0], found.token_logprobs[0]) if found and found.tokens else (None, None)
        if token is not None and written not in (token, self.tokenizer.decode([token])):
            raise Refused(f"{self.server.model}: the server wrote {written!r} where token {token} was forced")
        if value is None:
            raise Refused(f"{self.server.model}: the server sent no log-probability")
        return float(value)

    def _reports_before_bias(self, words: list[int]) -> bool:
        """Whether an unlikely token that a bias makes certain is still reported as unlikely."""
        unlikely = words[0]  # 'The', behind 'The answer is a'
        return math.exp(self._one(words[:-1], unlikely)) <= 1 - math.exp(self._one(words[:-1])) + 1e-3


class RemoteJudge:
    """Answers by the log-probability of the options' names, asked of a server; `source` names the tokenizer."""

    def __init__(
        self, server: Server, tokenizer, source: str, style: str, framing: str = "anchored", batch_size: int = 64
    ):
        if batch_size < 1:
            raise BadInput("The batch size must be at least 1.")
        self.server = server
        self.source = source
        self.batch_size = batch_size
        self.prompter = Prompter(tokenizer, style, framing)
        self.names = Names(tokenizer, self.prompter.text("")[-24:])
        self.scorer = RemoteScorer(server, tokenizer)

    def config(self) -> dict:
        """Model, endpoint, tokenizer and prompt; concurrency and retries change no answer."""
        out = {"judge": "openai", "answer": "score", "model": self.server.model, "base_url": self.server.address}
        out |= {"tokenizer": self.source, "batch_size": self.batch_size}
        return out | self.prompter.record() | self.names.record()

    def record(self) -> dict:
        """`config()`, and the way that the server takes."""
        return self.config() | self.scorer.record()

    def batches(self, questions: Questions) -> list[np.ndarray]:
        """Groups of `batch_size` questions, those with the same beginning together."""
        return batches_by_prompt(questions, self.prompter.framing, self.batch_size)

    def answer(self, questions: Questions) -> dict[str, list]:
        """Answers to one batch, in its order. Unavailable when the server does not answer, BadInput when it refuses."""
        texts = self.prompter.texts(questions)
        prompts = self.prompter.encode(texts)
        asked = asked_of(questions, self.prompter.framing, prompts, self.names)
        scored = score_columns(questions, self.prompter.framing, asked, self.scorer.score(asked))
        return prompt_columns(texts, prompts) | scored


def _numbers(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise TriadicError("The server sent log-probabilities that are not numbers.")
    return values
