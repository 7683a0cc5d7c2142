"""From a rater's name to the judge that answers for it. Weights are loaded when the first question is asked, not before."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from triadic.compute.judges.base import Judge, Questions, record_of
from triadic.schema.errors import BadInput, NotFound, TriadicError
from triadic.schema.lab import Lab
from triadic.schema.lookup import read_concepts

if TYPE_CHECKING:
    from triadic.compute.judges.server.client import Server

PACKAGE, SCRIPTED = "package:", "scripted:"


@dataclass(frozen=True)
class JudgeSettings:
    """How to ask, as the command line takes it. None means the judge's own default."""

    answer: str = "score"
    framing: str = "anchored"
    device: str | None = None
    dtype: str | None = None
    batch_size: int | None = None
    trust_remote_code: bool = False
    allow_pickle: bool = False
    concurrency: int = 8
    seed: int = 0


class Later:
    """A judge that is opened by its first question. Its configuration is known without it, so that a run that is
    finished is recognised, and nothing loaded."""

    def __init__(self, config: dict, opened: Callable[[], Judge]):
        self._config, self._open = config, opened

    @cached_property
    def judge(self) -> Judge:
        return self._open()

    def config(self) -> dict:
        return self._config

    def batches(self, questions: Questions) -> list[np.ndarray]:
        return self.judge.batches(questions)

    def answer(self, questions: Questions) -> dict[str, list]:
        return self.judge.answer(questions)

    def record(self) -> dict:
        """What the opened judge says of itself: revision, versions, device, sampler settings; kept with the run's events."""
        return record_of(self.judge)

    def resume(self, record: dict) -> None:
        """Go on as the judge that had this record."""
        if hasattr(self.judge, "resume"):
            self.judge.resume(record)


def cache_folder() -> Path:
    """Where files put together from packages are kept: $TRIADIC_CACHE, or the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TRIADIC_CACHE") or Path(home) / "triadic")


def open_judge(lab: Lab, rater_id: str, settings: JudgeSettings, concept_set_id: str) -> Judge:
    """The judge of a rater, by what its row in the lab says about its weights.

    Raises NotFound when nothing says where the weights are, BadInput for settings its kind cannot follow.
    """
    row = lab.store.row(
        "SELECT kind, weights, gguf_file, revision, prompt_style, hf_id FROM rater LEFT JOIN model_current USING (rater_id) "
        "WHERE rater_id = ?",
        [rater_id],
    )
    if row is None:
        raise NotFound(f"no rater {rater_id} in this lab: add it with `triadic model add`")
    kind, weights, gguf_file, revision, style, hf_id = row
    weights = weights or hf_id
    if weights and weights.startswith(SCRIPTED):
        return _scripted(weights, settings)
    if kind in ("human", "simulated") or not weights:
        raise BadInput(
            f"{rater_id} cannot be asked: "
            + (
                "it is no model"
                if kind != "llm"
                else f"say where its weights are, `triadic model add PATH --name {rater_id}`"
            )
        )
    if kind == "vectors":
        return _vectors(lab, weights, settings, concept_set_id)
    if style is None:
        raise BadInput(
            f"{rater_id} has no prompt style: say so once, `triadic model add {weights} --name {rater_id} "
            "--prompt-style chat` (its own chat template) or base (plain text)"
        )
    if weights.startswith(("http://", "https://")):
        return _server(rater_id, weights, hf_id, style, settings)
    return _language_model(weights, gguf_file, revision, style, settings)


def _scripted(weights: str, settings: JudgeSettings) -> Judge:
    """`scripted:` or `scripted:first_bias=0.8,delay=0.1`: the shipped judge that follows a rule."""
    from triadic.compute.judges.scripted import ScriptedJudge

    try:
        given = dict(item.split("=") for item in weights.removeprefix(SCRIPTED).split(",") if item)
        numbers = {k: int(v) if k in ("seed", "batch_size") else float(v) for k, v in given.items()}
        return ScriptedJudge(framing=settings.framing, **numbers)
    except (ValueError, TypeError) as error:
        raise BadInput(f"{weights} is not scripted:NAME=NUMBER,…: {error}") from error


def _vectors(lab: Lab, weights: str, settings: JudgeSettings, concept_set_id: str) -> Judge:
    from triadic.compute.judges.vectors import VectorsJudge, sentence_vectors

    if settings.answer != "score":
        raise BadInput("an embedding model has no text to sample: ask it with --answer score")
    words = list(read_concepts(lab, concept_set_id).word)

    def load() -> Judge:
        return VectorsJudge.from_vectors(words, sentence_vectors(_folder(weights)[0], words), weights, settings.framing)

    return Later({"judge": "vectors", "weights": weights, "similarity": "cosine of mean-pooled vectors"}, load)


def _language_model(
    weights: str, gguf_file: str | None, revision: str | None, style: str, settings: JudgeSettings
) -> Judge:
    from triadic.compute.judges.local.checkpoint import TransformersJudge
    from triadic.compute.judges.local.loading import best_device, best_dtype, check_device, fingerprint, load

    folder, packaged_file = _folder(weights)
    gguf_file, device = gguf_file or packaged_file, check_device(settings.device or best_device())
    dtype = settings.dtype or best_dtype(device)
    size = {} if settings.batch_size is None else {"batch_size": settings.batch_size}
    trust = {"trust_remote_code": settings.trust_remote_code, "allow_pickle": settings.allow_pickle}

    def opened() -> Judge:
        checkpoint = load(
            folder, gguf_file=gguf_file, revision=revision, dtype=dtype, device=device, **trust,
            cache=cache_folder() / "unpacked",
        )  # fmt: skip
        return TransformersJudge(checkpoint, style, settings.framing, settings.answer, seed=settings.seed, **size)

    # What decides an answer and is known before anything is loaded. Where the files lie and on what device they run do
    # not, beyond rounding: they are in the record.
    name = weights if weights.startswith(PACKAGE) or not Path(folder).is_dir() else Path(folder).name
    config = {"judge": "transformers", "weights": name, "style": style, "dtype": dtype, "seed": settings.seed, **size}
    known = {"gguf_file": gguf_file, "revision": revision, "fingerprint": fingerprint(str(folder), gguf_file)}
    return Later(config | {k: v for k, v in known.items() if v}, opened)


def _server(rater_id: str, weights: str, hf_id: str | None, style: str, settings: JudgeSettings) -> Judge:
    """`http://host:8000/v1#NAME`: a model on a server that speaks OpenAI's protocol. The key is $OPENAI_API_KEY."""
    from triadic.compute.judges.server.client import Server
    from triadic.compute.judges.server.scoring import RemoteJudge
    from triadic.compute.judges.server.writing import OpenAIJudge

    address, _, name = weights.partition("#")
    if not name:
        raise BadInput(f"{weights} names a server and no model: write {weights.rstrip('#')}#NAME")
    server = Server(name, address, concurrency=settings.concurrency)
    size = {} if settings.batch_size is None else {"batch_size": settings.batch_size}
    if settings.answer == "sample":
        return OpenAIJudge(server, style, settings.framing, seed=settings.seed, **size)

    def opened() -> Judge:
        try:
            tokenizer, source = _tokenizer(server, hf_id, settings.trust_remote_code)
        except TriadicError as error:
            raise BadInput(
                f"to score {rater_id}, its tokenizer is needed here: say where it is, `triadic model add {weights} --name "
                f"{rater_id} --hf-id OWNER/NAME` (or a folder), or ask with --answer sample. {error}"
            ) from error
        return RemoteJudge(server, tokenizer, source, style, settings.framing, **size)

    config = {"judge": "openai", "answer": "score", "model": name, "base_url": server.address, "style": style, **size}
    return Later(config | ({"tokenizer": hf_id} if hf_id else {}), opened)


def _tokenizer(server: Server, hf_id: str | None, trust_remote_code: bool):
    """(the tokenizer of a server's model, where it was found): as the lab knows, as the server tells, or by its name."""
    from triadic.compute.judges.local.loading import load_tokenizer

    sources = list(dict.fromkeys(filter(None, (hf_id, server.weights(), server.model))))
    for source in sources[:-1]:
        with suppress(TriadicError):
            return load_tokenizer(source, trust_remote_code), source
    return load_tokenizer(sources[-1], trust_remote_code), sources[-1]


def _folder(weights: str) -> tuple[Path | str, str | None]:
    """Folder or hub id of the weights, and the GGUF file in it."""
    if not weights.startswith(PACKAGE):
        return weights, None
    from triadic.compute.judges.local.packaged import packaged

    found = packaged(weights.removeprefix(PACKAGE), cache_folder())
    return found.folder, found.gguf_file
