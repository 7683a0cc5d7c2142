"""The judge that asks a server which speaks OpenAI's chat protocol: vLLM, llama.cpp, SGLang, hosted ones."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from triadic.compute.judges.base import Questions
from triadic.compute.parse import parse
from triadic.compute.prompts import SYSTEM, check_framing, options_of, prompt_hash, question_texts
from triadic.schema.errors import BadInput, TriadicError, Unavailable


class OpenAIJudge:
    """Asks `model` at `base_url` and reads the text that comes back.

    `concurrency` requests are in flight at once; the client waits and retries `retries` times when the server is busy,
    limits the rate, or fails. Settings that are None are left to the server. `style` 'chat' uses the chat endpoint (the
    server applies the template), 'base' the completions endpoint with the plain prompt. `logprobs` asks for the
    probability of what was written and stores it for the option named, as a lower bound of that option's own.
    The key comes from `api_key` or OPENAI_API_KEY and is never stored.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        style: str = "chat",
        framing: str = "anchored",
        temperature: float | None = None,
        max_tokens: int = 24,
        seed: int | None = None,
        concurrency: int = 8,
        retries: int = 5,
        timeout: float = 120.0,
        batch_size: int = 64,
        logprobs: bool = False,
        api_key: str | None = None,
    ):
        if style not in ("chat", "base"):
            raise BadInput(f"Prompt style {style!r} is unknown: use 'chat' or 'base'.")
        if concurrency < 1 or batch_size < 1 or max_tokens < 1 or retries < 0:
            raise BadInput("Concurrency, batch size and max tokens must be at least 1, retries at least 0.")
        import openai

        self.model = model
        self.style = style
        self.framing = check_framing(framing)
        self.settings = {"temperature": temperature, "max_tokens": max_tokens, "seed": seed}
        self.concurrency = concurrency
        self.batch_size = batch_size
        self.logprobs = logprobs
        key = api_key or os.environ.get("OPENAI_API_KEY") or "none"
        self.client = openai.OpenAI(api_key=key, base_url=base_url, max_retries=retries, timeout=timeout)

    def config(self) -> dict:
        """Model, endpoint and sampler settings; concurrency and retries change no answer."""
        return {
            "judge": "openai",
            "answer": "sample",
            "model": self.model,
            "base_url": str(self.client.base_url),
            "prompt_style": self.style,
            "framing": self.framing,
            "sampler": self.settings,
            "logprobs": self.logprobs,
            "batch_size": self.batch_size,
        }

    def batches(self, questions: Questions) -> list[np.ndarray]:
        """Consecutive groups of `batch_size`."""
        rows = np.arange(len(questions))
        return [rows[start : start + self.batch_size] for start in range(0, len(rows), self.batch_size)]

    def answer(self, questions: Questions) -> dict[str, list]:
        """Answers to one batch, in its order. Unavailable when the server does not answer, BadInput when it refuses."""
        texts = question_texts(questions, self.framing)
        prompts = [f"{SYSTEM}\n{text}\nAnswer:" if self.style == "base" else text for text in texts]
        with ThreadPoolExecutor(self.concurrency) as pool:
            replies = list(pool.map(self._ask, prompts, questions.repeat.tolist()))
        words, choices = options_of(questions, self.framing)
        read = [parse(reply[0], named, reply[1]) for reply, named in zip(replies, words, strict=True)]
        sides = ["left", "right", "anchor"][: len(choices)]
        out: dict[str, list] = {
            "raw_text": [reply[0] for reply in replies],
            "choice": [None if at is None else choices[at] for at, _ in read],
            "invalid_reason": [reason for _, reason in read],
            "prompt_hash": [prompt_hash(f"{SYSTEM}\n{prompt}") for prompt in prompts],
            "prompt_tokens": [reply[2] for reply in replies],
            "answer_tokens": [reply[3] for reply in replies],
        }
        if self.logprobs:
            for number, side in enumerate(sides):
                out[f"logprob_{side}"] = [
                    reply[4] if at == number else None for reply, (at, _) in zip(replies, read, strict=True)
                ]
        return out

    def _ask(self, prompt: str, repeat: int) -> tuple[str, bool, int | None, int | None, float | None]:
        """(text, stopped by itself, prompt tokens, answer tokens, log-probability of the text)."""
        import openai

        settings = {name: value for name, value in self.settings.items() if value is not None}
        if "seed" in settings:
            settings["seed"] += repeat  # the same seed would give the same answer again
        try:
            if self.style == "base":
                extra = {"logprobs": 1} if self.logprobs else {}
                reply = self.client.completions.create(
                    model=self.model, prompt=prompt, stop=["\n"], **settings, **extra
                )
            else:
                turns = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt}]
                extra = {"logprobs": True} if self.logprobs else {}
                reply = self.client.chat.completions.create(model=self.model, messages=turns, **settings, **extra)
        except (openai.BadRequestError, openai.NotFoundError, openai.AuthenticationError) as error:
            raise BadInput(f"The server refuses to ask {self.model}: {_line(error)}") from error
        except openai.APIConnectionError as error:
            raise Unavailable(f"No server answers at {self.client.base_url}: {_line(error)}. Is it running?") from error
        except openai.OpenAIError as error:
            raise Unavailable(f"The server failed on {self.model}: {_line(error)}. Run again to go on.") from error
        return self._read(reply)

    def _read(self, reply) -> tuple[str, bool, int | None, int | None, float | None]:
        if not reply.choices:
            raise TriadicError(f"The server sent an answer without a choice for {self.model}.")
        first = reply.choices[0]
        message = getattr(first, "message", None)
        text = (message.content if message is not None else first.text) or ""
        usage = reply.usage
        counts = (usage.prompt_tokens, usage.completion_tokens) if usage else (None, None)
        return text, first.finish_reason != "length", *counts, _log_probability(first)


def _log_probability(choice) -> float | None:
    """The sum of the tokens' log-probabilities, where the server sent them."""
    found = getattr(choice, "logprobs", None)
    if found is None:
        return None
    content = getattr(found, "content", None)
    values = [token.logprob for token in content] if content else (getattr(found, "token_logprobs", None) or [])
    return float(sum(values)) if values and all(value is not None for value in values) else None


def _line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
