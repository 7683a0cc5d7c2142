"""Adding one model at a time: what its checkpoint says, what the suite knows, and what the user gives."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from triadic.schema.errors import BadInput, NotFound, TriadicError
from triadic.schema.keys import content_key
from triadic.schema.lab import Lab
from triadic.schema.store import insert_rows
from triadic.schema.tables import Model, Rater
from triadic.schema.vocabulary import Evidence, PromptStyle, RaterKind
from triadic.schema.weights import Weights, WeightsKind

Ingredients = dict[str, tuple[Any, str]]  # name → (value, where it comes from)

# Ingredients that the reports use, in the order of the table.
WANTED = ["family", "n_params", "n_layers", "hidden_size", "mlp_dim", "vocab_size", "context_length", "architecture"]
WANTED += ["instruction_tuned", "post_training_stage", "training_tokens", "prompt_style"]


def add_model(
    lab: Lab,
    weights: str,
    name: str | None = None,
    *,
    gguf_file: str | None = None,
    revision: str | None = None,
    trust_remote_code: bool = False,
    kind: RaterKind = RaterKind.llm,
    given: dict[str, Any] | None = None,
) -> tuple[str, int]:
    """Enter a model and every ingredient that is known of it; returns its rater id and how many its files gave.

    `weights` is where to load it from, in any form that `Weights.parse` takes. `given` holds what the user gave by
    option; what neither that nor the checkpoint says comes from the suite where the model is in it, and stays empty
    otherwise. Adding a model again changes nothing.
    Raises NotFound for a path that is not there, BadInput for a value the table refuses or an unknown prompt style.
    """
    given = dict(given or {})
    if given.get("hf_id") and Path(given["hf_id"]).is_dir():
        given["hf_id"] = str(Path(given["hf_id"]).resolve())
    place = Weights.parse(weights, gguf_file).checked()
    served, files = place.kind == WeightsKind.server, place
    if served:
        files = Weights.parse(given.get("hf_id") or place.name)
    # By the suite's name of a hub id, what is known of it is used and nothing is entered twice.
    known_as = "SELECT rater_id FROM model_current WHERE lower(hf_id) = lower(?) ORDER BY rater_id"
    rater_id = name or lab.store.value(known_as, [_held(files)])
    rater_id = rater_id or Path(files.gguf_file or _held(files)).name.removesuffix(".gguf")
    checkpoint: Ingredients = {}
    if files.has_files:
        checkpoint = _read(files, revision, trust_remote_code, guessed=served and not given.get("hf_id"))
    known = {
        "weights": _held(place),
        "gguf_file": place.gguf_file,
        "revision": revision,
        "hf_id": files.name if files.kind == WeightsKind.hub and "/" in files.name else None,
    }
    known = {key: value for key, value in (known | given).items() if value is not None}
    if known.get("prompt_style") not in (None, *PromptStyle):
        raise BadInput(f"no prompt style {known['prompt_style']!r}: use one of {', '.join(PromptStyle)}")
    rows = [_evidence(rater_id, Evidence.user, known, dict.fromkeys(known, "given by option"))]
    if checkpoint:
        values = {key: value for key, (value, _) in checkpoint.items()}
        origins = {key: origin for key, (_, origin) in checkpoint.items()}
        rows.insert(0, _evidence(rater_id, Evidence.checkpoint, values, origins))
    with lab.store.transaction() as con:
        insert_rows(con, Rater, [Rater(rater_id=rater_id, kind=kind, description=f"loaded from {_held(place)}")])
        insert_rows(con, Model, rows)
    return rater_id, len(checkpoint)


def simulate_model(
    lab: Lab,
    like: str,
    temperature: float,
    first_bias: float,
    seed: int,
    name: str | None = None,
) -> str:
    """Enter a rater that answers by the similarities of the reference `like`; returns its rater id.

    It names an option with probability proportional to exp(inner product / temperature), and with probability
    `first_bias` whatever is shown first. Raises NotFound, naming those there are, for an unknown reference, BadInput for
    impossible numbers.
    """
    names = lab.store.read("SELECT DISTINCT name FROM embedding WHERE role = 'reference' ORDER BY name").name.tolist()
    if like not in names:
        known = f"use one of {', '.join(names)}, or " if names else ""
        raise NotFound(f"no reference {like!r} in this lab: {known}add it with `triadic ingest reference`")
    if not (math.isfinite(temperature) and temperature >= 0 and 0 <= first_bias <= 1):
        raise BadInput(
            f"temperature {temperature} and first bias {first_bias} make no rater: give a temperature of 0 or more, and a "
            "bias between 0 and 1"
        )
    weights = f"simulated:like={like},temperature={temperature},first_bias={first_bias},seed={seed}"
    if Weights.parse(weights).params.get("like") != like:
        raise BadInput(f"reference {like!r} has a comma or blanks in its name: ingest it under another --name")
    name = name or f"simulated-{like}-{temperature:g}-{first_bias:g}-{seed}"
    return add_model(lab, weights, name, kind=RaterKind.simulated)[0]


def lacking(lab: Lab, rater_id: str) -> list[str]:
    """Ingredients the reports use that nobody has given yet."""
    row = lab.store.read("SELECT * FROM model_current WHERE rater_id = ?", [rater_id])
    return WANTED if row.empty else [name for name in WANTED if row[name].isna().all()]


def _held(place: Weights) -> str:
    """Weights as the lab holds them: an absolute folder, a hub id, or the text as it was given."""
    return str(place.path.resolve()) if place.path else place.name if place.has_files else place.text


def _read(files: Weights, revision: str | None, trust_remote_code: bool, *, guessed: bool) -> Ingredients:
    """What the checkpoint's files say. Nothing where they are a guess, a model's name on a server, and are not there."""
    from triadic.ingest.checkpoint import read_checkpoint

    if guessed and "/" not in files.source:
        return {}
    try:
        return read_checkpoint(files, revision=revision, trust_remote_code=trust_remote_code)
    except TriadicError:
        if guessed:
            return {}
        raise


def _evidence(rater_id: str, evidence: Evidence, values: dict[str, Any], provenance: dict[str, str]) -> Model:
    if strangers := set(values) - set(Model.model_fields):
        raise BadInput(f"no ingredient {', '.join(sorted(strangers))}: use columns of table model")
    try:
        keys = {"model_id": content_key(rater_id, evidence, values), "rater_id": rater_id, "evidence": evidence}
        return Model.model_validate({**values, **keys, "provenance": provenance})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise BadInput(f"{rater_id}: {field} = {first['input']!r} is refused: {first['msg']}") from error
