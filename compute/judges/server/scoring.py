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
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

import numpy as np

from triadic.compute.judges.base import RaterEntry, Watch, unwatched
from triadic.compute.judges.encoded import EncodedJudge, EncodedQuestion
from triadic.compute.judges.local.loading import load_tokenizer
from triadic.compute.judges.names import RULE
from triadic.compute.judges.prompts import Prompter, wording
from triadic.compute.judges.server.client import Refused, Server
from triadic.compute.settings import JudgeSettings
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput, TriadicError


class ServerScorer:
    """Log-probabilities of the edges of questions' token trees, from a server."""

    def __init__(self, server: Server, tokenizer: Any) -> None:
        self.server = server
        self.tokenizer = tokenizer

    def record(self) -> dict[str, Any]:
        return {"strategy": self.way}

    @cached_property
    def way(self) -> str:
        """'echo' or 'forced'. BadInput when the server takes neither."""
        words = self.tokenizer("The answer is a dog", add_special_tokens=False)["input_ids"]
        tries: dict[str, Callable[[], bool]] = {
            "echo": lambda: bool(self._echo([words])),
            "forced": lambda: self._reports_before_bias(words),
        }
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

    def score(self, questions: Sequence[EncodedQuestion], watch: Watch = unwatched) -> list[Floats]:
        return self.server.map(self._echoed if self.way == "echo" else self._forced, questions, watch)

    def _echoed(self, question: EncodedQuestion) -> Floats:
        prompt, tree = question.prompt, question.branches
        out = np.full(len(tree.edge_token), np.nan)
        rows = self._echo([[*prompt, *spelling] for spelling in tree.spellings])
        for values, (_, edges) in zip(rows, tree.forms, strict=True):
            out[edges] = values[len(prompt) : len(prompt) + len(edges)]
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

    def _forced(self, question: EncodedQuestion) -> Floats:
        tree, paths = question.branches, {-1: list(question.prompt)}
        for node, (token, parent) in enumerate(zip(tree.tokens.tolist(), tree.parents.tolist(), strict=True)):
            paths[node] = [*paths[parent], token]
        edges = zip(tree.edge_node.tolist(), tree.edge_token.tolist(), strict=True)
        return _numbers(np.array([self._log_probability(paths[node], token) for node, token in edges]))

    def _log_probability(self, before: list[int], token: int | None = None) -> float:
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
        likeliest = self._log_probability(words[:-1])
        return math.exp(self._log_probability(words[:-1], unlikely)) <= 1 - math.exp(likeliest) + 1e-3


class ServerScoringJudge(EncodedJudge):
    """Answers by the log-probability of the options' names, asked of a server.

    `tokenizer` is where its tokenizer is, a hub id or folder; without it the server's own word for where it read the
    model from is tried, and the model's name. It is loaded when the first question is asked, or the record.
    """

    def __init__(
        self,
        server: Server,
        style: str,
        framing: str = "anchored",
        tokenizer: str | None = None,
        batch_size: int | None = None,
        trust_remote_code: bool = False,
        rater_id: str | None = None,
    ) -> None:
        super().__init__(style, framing, batch_size)
        self.server = server
        self.given_tokenizer = tokenizer
        self.batch_size = batch_size or self.batch_size
        self.trust_remote_code = trust_remote_code
        self.rater_id = rater_id or server.model

    @classmethod
    def from_rater(cls, rater: RaterEntry, settings: JudgeSettings) -> ServerScoringJudge:
        """Of weights `http://host:8000/v1#NAME`. The key is $OPENAI_API_KEY."""
        server = Server(rater.weights.name, rater.weights.address, concurrency=settings.concurrency)
        size, trust = settings.batch_size, settings.trust_remote_code
        return cls(server, rater.style, settings.framing, rater.hf_id, size, trust, rater.rater_id)

    def identity(self) -> dict[str, Any]:
        """Model, endpoint, wording and score; concurrency and retries change no answer."""
        return {
            "judge": "openai",
            "answer": "score",
            "model": self.server.model,
            "base_url": self.server.address,
            "style": self.style.value,
            **({"batch_size": self.given_size} if self.given_size else {}),
            **({"tokenizer": self.given_tokenizer} if self.given_tokenizer else {}),
            "wording": wording(self.style, self.framing),
            "reading": RULE,
        }

    def record(self) -> dict[str, Any]:
        """`identity()`, the tokenizer that was found, the prompt, and the way that the server takes."""
        found = {"tokenizer": self.tokenizer[1], "batch_size": self.batch_size}
        return found | self.prompter.record() | self.names.record() | self.scorer.record() | self.identity()

    @cached_property
    def tokenizer(self) -> tuple[Any, str]:
        """(the tokenizer, where it was found): as it was given, as the server tells, or by the model's name."""
        given = (self.given_tokenizer, self.server.weights(), self.server.model)
        sources = list(dict.fromkeys(source for source in given if source))
        for source in sources[:-1]:
            with suppress(TriadicError):
                return load_tokenizer(source, self.trust_remote_code), source
        try:
            return load_tokenizer(sources[-1], self.trust_remote_code), sources[-1]
        except TriadicError as error:
            raise BadInput(
                f"to score {self.rater_id}, its tokenizer is needed here ({error}): say where it is, `triadic model add "
                f"{self.server.address.rstrip('/')}#{self.server.model} --name {self.rater_id} --hf-id OWNER/NAME` (or a "
                "folder), or ask with --answer sample"
            ) from error

    @cached_property
    def prompter(self) -> Prompter:
        return Prompter(self.tokenizer[0], self.style, self.framing)

    @cached_property
    def scorer(self) -> ServerScorer:
        return ServerScorer(self.server, self.tokenizer[0])


def _numbers(values: Floats) -> Floats:
    if not np.isfinite(values).all():
        raise TriadicError("the server sent log-probabilities that are not numbers: ask with --answer sample")
    return values
