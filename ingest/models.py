"""Adding one model at a time: what its checkpoint says, what the suite knows, and what the user gives."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triadic.ingest.ingredients import about_ingredients, lacking, read_value, store_evidence
from triadic.ingest.raters import rater_called
from triadic.schema.errors import BadInput, Conflict, NotFound, TriadicError
from triadic.schema.lab import Lab
from triadic.schema.store import insert_rows
from triadic.schema.tables import Rater
from triadic.schema.vocabulary import Evidence, RaterKind
from triadic.schema.weights import Weights, WeightsKind

Ingredients = dict[str, tuple[Any, str]]  # name → (value, where it comes from)
_RULES = (WeightsKind.scripted, WeightsKind.simulated)
PACKAGED = {  # package → the hub id of the checkpoint in it
    "gemma3-270m": "google/gemma-3-270m",
    "smollm2": "HuggingFaceTB/SmolLM2-135M-Instruct",
    "minilm": "sentence-transformers/all-MiniLM-L6-v2",
}
_EMBEDDERS = ("minilm",)  # packages that hold a sentence embedding: it answers by its vectors
_SHAPE = {"n_layers": "layers", "hidden_size": "hidden size"}  # what tells one checkpoint of a family from another


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
    replace: bool = False,
) -> tuple[str, int]:
    """Enter a model and every ingredient that is known of it; returns its rater id and how many its files gave.

    `weights` is where to load it from, in any form that `Weights.parse` takes. `given` holds what the user gave by
    option; what neither that nor the checkpoint says comes from the suite where the model is in it, and stays empty
    otherwise. Adding a model again changes nothing, or adds the ingredients given. A model of the suite without weights
    of its own may be given a folder, a package or a server, if the checkpoint there has the suite's shape.
    Raises NotFound for a path that is not there, BadInput for a value the table refuses or an unknown prompt style,
    Conflict for a name that is in the lab with other weights, unless `replace` points it at these.
    """
    given = {key: read_value(key, each) if isinstance(each, str) else each for key, each in (given or {}).items()}
    if given.get("hf_id") and Path(given["hf_id"]).is_dir():
        given["hf_id"] = str(Path(given["hf_id"]).resolve())
    place = Weights.parse(weights, gguf_file).checked()
    if place.kind == WeightsKind.package and place.name in _EMBEDDERS:
        kind = RaterKind.vectors
    served, files = place.kind == WeightsKind.server, place
    if served:
        files = Weights.parse(given.get("hf_id") or place.name)
    rater_id = _rater_of(lab, files, name)
    entry = _Entry.read(lab, rater_id)
    known = {
        "weights": _held(place),
        "gguf_file": place.gguf_file,
        "revision": revision,
        "hf_id": files.name if files.kind == WeightsKind.hub and "/" in files.name else None,
    }
    if entry:
        entry.check(place, known, kind, replace)
    checkpoint: Ingredients = {}
    if files.has_files:
        checkpoint = _read(files, revision, trust_remote_code, guessed=served and not given.get("hf_id"))
    values = {key: value for key, (value, _) in checkpoint.items()}
    if entry and files.source.lower() != str(entry.hf_id).lower():
        _check_shape(lab, rater_id, entry.name, _held(files), values)
    known = {key: value for key, value in (known | given).items() if value is not None}
    with lab.store.transaction() as con:
        insert_rows(con, Rater, [Rater(rater_id=rater_id, kind=kind, description=f"loaded from {_held(place)}")])
        store_evidence(
            lab, rater_id, Evidence.checkpoint, values, {key: origin for key, (_, origin) in checkpoint.items()}
        )
        store_evidence(lab, rater_id, Evidence.user, known, dict.fromkeys(known, "given by option"))
    return rater_id, len(checkpoint)


def about_model(lab: Lab, rater_id: str, n_read: int) -> list[str]:
    """Lines on a model that was just added: what its files said, what is known and unknown of it, and what to do next."""
    name, weights = lab.store.row(
        "SELECT rater_name, weights FROM rater_current LEFT JOIN model_current USING (rater_id) WHERE rater_id = ?",
        [rater_id],
    ) or (rater_id, None)
    command = shlex.quote(name)
    if weights and Weights.parse(weights).kind in _RULES:
        return [
            f"{name} answers by a rule: it stands in for a model, and enters no regression",
            f"next: triadic run {command}",
        ]
    read = f"{n_read} ingredients read from the checkpoint"
    if weights and not n_read and Weights.parse(weights).kind == WeightsKind.server:
        read = "on a server, with no files to read ingredients from (--hf-id FOLDER or hub id names them)"
    if lab.store.value("SELECT kind FROM rater WHERE rater_id = ?", [rater_id]) == RaterKind.vectors:
        return [f"{name} answers by its vectors: it stands beside language models", f"next: triadic run {command}"]
    lines = [f"{name}: {read}", *about_ingredients(lab, rater_id)]
    if "prompt_style" in lacking(lab, rater_id):
        asked = f"triadic model set {command} prompt_style=chat"
        return [*lines, f"next: {asked} (its own chat template; or base, plain text), then triadic run {command}"]
    return [*lines, f"next: triadic run {command}"]


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


@dataclass(frozen=True)
class _Entry:
    """What the lab has under a name that is to be added."""

    name: str
    kind: str
    is_removed: bool
    weights: str | None
    gguf_file: str | None
    revision: str | None
    hf_id: str | None

    @classmethod
    def read(cls, lab: Lab, rater_id: str) -> _Entry | None:
        row = lab.store.row(
            "SELECT rater_name, kind, is_removed, weights, gguf_file, revision, hf_id "
            "FROM rater_current LEFT JOIN model_current USING (rater_id) WHERE rater_id = ?",
            [rater_id],
        )
        return cls(*row) if row else None

    def check(self, place: Weights, known: dict[str, Any], kind: RaterKind, replace: bool) -> None:
        """Raises Conflict where weights at `place` would make the name mean another model than it does."""
        if self.is_removed:
            raise Conflict(
                f"{self.name} was removed: `triadic model remove {self.name} --undo` brings it back, or --name OTHER"
            )
        asked = (known["weights"], known["gguf_file"] or self.gguf_file, known["revision"] or self.revision)
        if asked == (self.weights, self.gguf_file, self.revision):
            return
        if self.kind != kind:
            raise Conflict(f"{self.name} is in the lab as {self.kind}: give this one another --name")
        if self.weights is None and self.hf_id is None:
            return
        if self.weights is None:  # it is known by its hub id: files without one, or with that one, may be its own
            hub_ids = {WeightsKind.hub: place.name, WeightsKind.package: PACKAGED.get(place.name)}
            hub_id = hub_ids.get(place.kind, self.hf_id)
            if place.kind not in _RULES and str(hub_id).lower() == str(self.hf_id).lower():
                return
        now = " ".join(filter(None, (self.weights or self.hf_id, self.gguf_file, self.revision)))
        if not replace:
            raise Conflict(
                f"{self.name} points at {now} in this lab: give this one --name OTHER, or point it here with --replace"
            )
        for what, before in (("gguf_file", self.gguf_file), ("revision", self.revision)):
            if before and not known[what]:
                raise Conflict(f"{self.name} points at {now}, whose {what} would stay: give this one --name OTHER")


def _rater_of(lab: Lab, files: Weights, name: str | None) -> str:
    """The rater that is meant: by its name, else by the hub id, so that nothing is entered twice, else a new one."""
    hub_id = PACKAGED.get(files.name, _held(files)) if files.kind == WeightsKind.package else _held(files)
    called = name or Path(files.gguf_file or hub_id).name.removesuffix(".gguf")
    if name is None:
        by_hub_id = "SELECT rater_id FROM model_current WHERE lower(hf_id) = lower(?) ORDER BY rater_id"
        if known := lab.store.value(by_hub_id, [hub_id]):
            return str(known)
    return rater_called(lab, called) or called


def _check_shape(lab: Lab, rater_id: str, name: str, where: str, values: dict[str, Any]) -> None:
    """Raises Conflict for a checkpoint of another shape than the suite says that the model of this name has."""
    suite = lab.store.row(
        f"SELECT {', '.join(_SHAPE)} FROM model WHERE rater_id = ? AND evidence = ?", [rater_id, Evidence.suite.value]
    )
    for (column, what), known in zip(_SHAPE.items(), suite or (), strict=False):
        if known is not None and values.get(column, known) != known:
            raise Conflict(
                f"{name} has {what} {known} in the paper's suite, and the checkpoint at {where} {values[column]}: "
                "it is another model, give it --name OTHER"
            )


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
