"""Talking to a server that speaks OpenAI's protocol: requests in flight, retries, and errors in one line."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import openai

from triadic.compute.judges.base import Watch, unwatched
from triadic.schema.errors import BadInput, TriadicError, Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")
Reply = tuple[list[Any], Any]  # choices in the order of the prompts, usage


class Server:
    """`model` at `base_url`: vLLM, llama.cpp, SGLang, or a hosted one.

    `concurrency` requests are in flight at once; the client waits and retries `retries` times when the server is busy,
    limits the rate, or fails. The key comes from `api_key` or OPENAI_API_KEY and is never stored.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        *,
        concurrency: int = 8,
        retries: int = 5,
        timeout: float = 120.0,
        api_key: str | None = None,
    ) -> None:
        if concurrency < 1 or retries < 0:
            raise BadInput(f"a concurrency of {concurrency} and {retries} retries: use at least 1 and 0")
        self.model = model
        self.concurrency = concurrency
        key = api_key or os.environ.get("OPENAI_API_KEY") or "none"
        self.client = openai.OpenAI(api_key=key, base_url=base_url, max_retries=retries, timeout=timeout)
        self.address = str(self.client.base_url)

    def chat(self, **request: Any) -> Reply:
        """The choices that the chat endpoint sends, and its usage."""
        return self._send(self.client.chat.completions.create, request)

    def complete(self, **request: Any) -> Reply:
        """The choices that the completions endpoint sends, in the order of the prompts, and its usage."""
        return self._send(self.client.completions.create, request)

    def map(self, work: Callable[[Item], Result], items: Sequence[Item], watch: Watch = unwatched) -> list[Result]:
        """`work` on every item, `concurrency` at a time; results in order. `watch` is told of each as it is there."""
        results = []
        with ThreadPoolExecutor(self.concurrency) as pool:
            for result in pool.map(work, items):
                results.append(result)
                watch(1)
        return results

    def weights(self) -> str | None:
        """Where the server says that it read the model from (vLLM and SGLang do), None where it does not say."""
        try:
            listed = self.client.with_options(max_retries=1).models.list().data
        except openai.OpenAIError:
            return None
        return next((getattr(model, "root", None) for model in listed if model.id == self.model), None)

    def _send(self, endpoint: Callable[..., Any], request: dict[str, Any]) -> Reply:
        try:
            reply = endpoint(model=self.model, **request)
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            raise Refused(f"the server refuses to ask {self.model}: {_line(error)}") from error
        except (openai.NotFoundError, openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise BadInput(f"the server refuses to ask {self.model}: {_line(error)}") from error
        except openai.APIConnectionError as error:
            raise Unavailable(f"no server answers at {self.address} ({_line(error)}): start it, or wait") from error
        except openai.OpenAIError as error:
            raise Unavailable(f"the server failed on {self.model} ({_line(error)}): run again to go on") from error
        if not reply.choices:
            raise TriadicError(f"the server sent an answer without a choice for {self.model}")
        return sorted(reply.choices, key=lambda choice: choice.index or 0), reply.usage


class Refused(BadInput):
    """The server does not do what was asked; it may do it another way."""


def _line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
