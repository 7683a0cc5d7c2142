"""Adding one model at a time: what its checkpoint says, what the suite knows, and what the user tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from triadic.schema.errors import BadInput, TriadicError
from triadic.schema.keys import content_key
from triadic.schema.lab import Lab
from triadic.schema.store import insert_rows
from triadic.schema.tables import Model, Rater
from triadic.schema.vocabulary import RaterKind

PACKAGE = "package:"  # weights that ship in a Python package
SERVER = ("http://", "https://")
NO_FILES = (PACKAGE, "scripted:", *SERVER)  # nothing to read ingredients from
PROMPT_STYLES = ("chat", "base")


def add_model(
    lab: Lab,
    weights: str,
    name: str | None = None,
    *,
    gguf_file: str | None = None,
    revision: str | None = None,
    trust_remote_code: bool = False,
    kind: RaterKind = RaterKind.llm,
    told: dict[str, Any] | None = None,
) -> tuple[str, int]:
    """Enter a model and every ingredient that is known of it; returns its rater id and how many its files gave.

    `weights` is where to load it from: a hub id, a folder, a GGUF file, package:NAME, scripted:… or a server's URL.
    `told` holds what the user gave by option; what neither that nor the checkpoint says comes from the suite where the
    model is in it, and stays empty otherwise. Adding a model again changes nothing.
    Raises BadInput for a value the table refuses, or an unknown prompt style.
    """
    path = Path(weights)
    if path.suffix == ".gguf" and path.is_file():
        weights, gguf_file = str(path.parent.resolve()), path.name
    elif path.is_dir():
        weights = str(path.resolve())
    files, told = _files(weights, dict(told or {}))
    rater_id = name or _known_as(lab, files) or Path(gguf_file or files.rstrip("/")).name.removesuffix(".gguf")
    where = {"weights": weights, "gguf_file": gguf_file, "revision": revision, "hf_id": _hub_id(files)}
    rows = []
    checkpoint, guessed = {}, files not in (weights, told.get("hf_id"))
    if not files.startswith(NO_FILES):
        checkpoint = _read(files, gguf_file, revision, trust_remote_code, guessed)
    if checkpoint:
        rows.append(_evidence(rater_id, "checkpoint", {k: v for k, (v, _) in checkpoint.items()},
                              {k: p for k, (_, p) in checkpoint.items()}))  # fmt: skip
    given = {k: v for k, v in (where | told).items() if v is not None}
    if given.get("prompt_style") not in (None, *PROMPT_STYLES):
        raise BadInput(f"prompt style is one of {', '.join(PROMPT_STYLES)}, not {given['prompt_style']!r}")
    rows.append(_evidence(rater_id, "user", given, dict.fromkeys(given, "given by option")))
    with lab.store.transaction() as con:
        insert_rows(con, Rater, [Rater(rater_id=rater_id, kind=kind, description=f"loaded from {weights}")])
        insert_rows(con, Model, rows)
    return rater_id, len(checkpoint)


def lacking(lab: Lab, rater_id: str) -> list[str]:
    """Ingredients the reports use that nobody has told yet, in the order of the table."""
    wanted = [
        "family", "n_params", "n_layers", "hidden_size", "mlp_dim", "vocab_size", "context_length",
        "architecture", "instruction_tuned", "post_training_stage", "training_tokens", "prompt_style",
    ]  # fmt: skip
    row = lab.store.read("SELECT * FROM model_current WHERE rater_id = ?", [rater_id])
    return wanted if row.empty else [name for name in wanted if row[name].isna().all()]


def _files(weights: str, told: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """(where a model's files are, what was told): for a model on a server its --hf-id, or else its name there."""
    if told.get("hf_id") and Path(told["hf_id"]).is_dir():
        told["hf_id"] = str(Path(told["hf_id"]).resolve())
    if not weights.startswith(SERVER):
        return weights, told
    name = weights.partition("#")[2]
    if not name:
        raise BadInput(f"{weights} names a server and no model: write {weights.rstrip('#')}#NAME")
    return told.get("hf_id") or name, told


def _read(
    files: str, gguf_file: str | None, revision: str | None, trust_remote_code: bool, guessed: bool
) -> dict[str, tuple]:
    """What the checkpoint's files say. Nothing where `files` is a guess, a model's name on a server, and is not there."""
    from triadic.ingest.checkpoint import read_checkpoint

    if guessed and "/" not in files:
        return {}
    try:
        return read_checkpoint(files, gguf_file=gguf_file, revision=revision, trust_remote_code=trust_remote_code)
    except TriadicError:
        if guessed:
            return {}
        raise


def _known_as(lab: Lab, hf_id: str) -> str | None:
    """The suite's name of a hub id, so that what is known of it is used and nothing is entered twice."""
    row = lab.store.row("SELECT rater_id FROM model_current WHERE lower(hf_id) = lower(?) ORDER BY rater_id", [hf_id])
    return row and row[0]


def _hub_id(weights: str) -> str | None:
    """`weights` itself where it is a hub id: owner/name, and nothing on this disk."""
    return (
        weights if weights.count("/") == 1 and not weights.startswith(NO_FILES) and not Path(weights).exists() else None
    )


def _evidence(rater_id: str, evidence: str, values: dict[str, Any], provenance: dict[str, str]) -> Model:
    from pydantic import ValidationError

    unknown = set(values) - set(Model.model_fields)
    if unknown:
        raise BadInput(f"a model has no ingredient called {', '.join(sorted(unknown))}")
    try:
        return Model.model_validate(
            {
                **values,
                "model_id": content_key(rater_id, evidence, values),
                "rater_id": rater_id,
                "evidence": evidence,
                "provenance": provenance,
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise BadInput(f"{rater_id}: {field} = {first['input']!r} is refused: {first['msg']}") from error
