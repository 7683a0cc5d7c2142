"""Ingredients given by hand: which there are, in what unit, how a text is read, and how the lab keeps what was given."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from pydantic import ValidationError

from triadic.ingest.csvfile import FALSE, TRUE, read_table
from triadic.schema.errors import BadInput, TriadicError
from triadic.schema.keys import content_key
from triadic.schema.lab import Lab
from triadic.schema.lookup import find_rater, near_names
from triadic.schema.store import insert_rows
from triadic.schema.tables import Model
from triadic.schema.vocabulary import Evidence, PromptStyle, RaterKind

# Ingredients that the reports use, in the order of the table, each with what to write for it.
WANTED = {
    "family": "NAME",
    "n_params": "BILLIONS",
    "n_layers": "NUMBER",
    "hidden_size": "NUMBER",
    "mlp_dim": "NUMBER",
    "vocab_size": "NUMBER",
    "context_length": "TOKENS",
    "architecture": "decoder",
    "instruction_tuned": "yes",
    "post_training_stage": "it",
    "training_tokens": "TRILLIONS",
    "prompt_style": "chat",
}
WORDS = {
    "prompt_style": tuple(map(str, PromptStyle)),
    "architecture": ("decoder", "decoder-moe", "encoder-decoder", "ssm"),
    "attention": ("mha", "gqa", "mqa", "none"),
    "post_training_stage": ("base-stage1", "base", "sft", "dpo", "rlvr", "it"),
    "confidence": ("high", "medium", "low"),
}
EXAMPLES = {
    "family": "Llama", "n_params": "70", "n_layers": "80", "n_heads": "64", "n_kv_heads": "8", "head_dim": "128",
    "hidden_size": "8192", "mlp_dim": "28672", "vocab_size": "128256", "context_length": "131072",
    "max_position_embeddings": "131072", "multimodal": "no", "instruction_tuned": "yes", "training_tokens": "15",
    "training_tokens_alt": "15",
}  # fmt: skip
_KEYS = {"model_id", "rater_id", "evidence", "recorded_at", "provenance"}
_PLACE = {"weights", "gguf_file", "revision"}  # what `model add` says, for it is checked there
SETTABLE = [name for name in Model.model_fields if name not in _KEYS | _PLACE]
# Suffixes of a number, in the unit of the column: billions of parameters, trillions of tokens.
_SCALES = {
    "n_params": {"": 1.0, "m": 1e-3, "b": 1.0, "t": 1e3},
    "training_tokens": {"": 1.0, "m": 1e-6, "b": 1e-3, "t": 1.0},
    "training_tokens_alt": {"": 1.0, "m": 1e-6, "b": 1e-3, "t": 1.0},
}
_MOST = {"n_params": 1e5, "training_tokens": 1e4, "training_tokens_alt": 1e4}  # above this it was given one by one
_NAMES = ("name", "model", "hf_id")  # the column of a CSV that says which model a row is of


def read_value(name: str, text: str) -> Any:
    """A text as the value of an ingredient, in the unit of its column: "70" and "70B" parameters are 70.0 billions.

    Raises BadInput for an ingredient that there is not, and for a text that is no value of it, with unit and example.
    """
    _check_name(name)
    text = text.strip()
    kind, words = _kind(name), WORDS.get(name)
    if not text:
        raise BadInput(f"{name} is empty: {_told(name)}")
    if words:
        word = text.lower().replace("_", "-")
        if word not in words:
            raise BadInput(f"no {name} {text!r}: use one of {', '.join(words)}")
        return word
    if kind is bool:
        if text.lower() not in TRUE | FALSE:
            raise BadInput(f"{name}={text!r} is neither yes nor no: {_told(name)}")
        return text.lower() in TRUE
    return text if kind is str else _number(name, text, kind)


def read_pairs(pairs: Iterable[str]) -> dict[str, Any]:
    """`n_params=70` and the like as values by ingredient. Raises BadInput for one that is no KEY=VALUE, or stands twice."""
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise BadInput(f"{pair!r} is not KEY=VALUE: write n_params=70, for example")
        if name.strip() in values:
            raise BadInput(f"{name.strip()} is given twice: give it once")
        values[name.strip()] = read_value(name.strip(), text)
    return values


def set_ingredients(lab: Lab, name: str, values: Mapping[str, Any]) -> str:
    """Record what a person says of a model, over what was known; returns its rater id. The same again changes nothing.

    Raises NotFound for an unknown model, BadInput for a rater that is none and for values the table refuses.
    """
    rater_id = _model_called(lab, name)
    if not values:
        raise BadInput(f"nothing is given for {name}: write KEY=VALUE, such as n_params=70, or --csv FILE")
    store_evidence(lab, rater_id, Evidence.user, values, dict.fromkeys(values, "given by `triadic model set`"))
    return rater_id


def set_from_csv(lab: Lab, path: Path) -> list[str]:
    """Record the ingredients of a table of models, all or none; returns the rater ids, in the order of the table.

    A column `name`, `model` or `hf_id` says which model a row is of; the others are ingredients, an empty cell says
    nothing. Raises NotFound without the file, BadInput with the row for a model or a value that cannot be read, and for
    columns that are no ingredients.
    """
    table = read_table(path)
    called = table.named(_NAMES)
    if called is None:
        raise BadInput(f"{path} has no column {', '.join(_NAMES[:-1])} or {_NAMES[-1]}: one of them names the models")
    given = [name for name in table.header if name and name != called]
    if strangers := [name for name in given if name not in SETTABLE]:
        near = near_names(strangers[0], SETTABLE)
        hint = f" (did you mean {', '.join(near)}?)" if near else ""
        raise BadInput(f"{path}: no ingredient {', '.join(strangers)}{hint}: leave out such columns, or rename them")
    if not given:
        raise BadInput(f"{path} has no column but {called}: add columns such as n_params, family, training_tokens")
    raters = []
    with lab.store.transaction():
        for row, line in zip(table.rows, table.lines, strict=True):
            try:
                if row[called] is None:
                    raise BadInput(f"no {called}")
                rater_id = _model_called(lab, row[called])
                values = {name: read_value(name, row[name]) for name in given if row[name] is not None}
                origin = dict.fromkeys(values, f"{Path(path).name}, row {line}")
                if values:
                    store_evidence(lab, rater_id, Evidence.user, values, origin)
            except TriadicError as error:
                raise BadInput(f"{path} row {line}: {error} (nothing was stored)") from error
            raters.append(rater_id)
    return raters


def store_evidence(
    lab: Lab, rater_id: str, evidence: Evidence, values: Mapping[str, Any], provenance: Mapping[str, str]
) -> bool:
    """Record what one source says of a model, unless that is what it said last; returns whether anything is new.

    Raises BadInput, naming it, for a value that the table refuses.
    """
    if not values:
        return False
    made = _evidence(rater_id, evidence, values, provenance)
    checked = {name: getattr(made, name) for name in values}
    with lab.store.transaction() as con:
        names = ", ".join(f"arg_max({name}, recorded_at)" for name in checked)
        latest = lab.store.row(
            f"SELECT {names}, count(*) FROM model WHERE rater_id = ? AND evidence = ?", [rater_id, evidence.value]
        ) or (0,)
        if latest[:-1] == tuple(checked.values()):
            return False
        if lab.store.row("SELECT 1 FROM model WHERE model_id = ?", [made.model_id]):  # said once, then otherwise
            made.model_id = content_key(rater_id, evidence, values, latest[-1])
        insert_rows(con, Model, [made])
    return True


def _evidence(rater_id: str, evidence: Evidence, values: Mapping[str, Any], provenance: Mapping[str, str]) -> Model:
    """A checked row of table model. Raises BadInput for columns that it has not, and for values that it refuses."""
    if strangers := set(values) - set(Model.model_fields):
        raise BadInput(f"no ingredient {', '.join(sorted(strangers))}: use columns of table model")
    try:
        keys = {"model_id": content_key(rater_id, evidence, dict(values)), "rater_id": rater_id, "evidence": evidence}
        return Model.model_validate({**values, **keys, "provenance": dict(provenance)})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise BadInput(f"{rater_id}: {field} = {first['input']!r} is refused: {first['msg']}") from error


def lacking(lab: Lab, rater_id: str) -> list[str]:
    """Ingredients the reports use that nobody has given yet."""
    known = _known(lab, rater_id)
    return [name for name in WANTED if name not in known]


def about_all(lab: Lab, rater_ids: list[str]) -> list[str]:
    """Lines on models: everything on a few, one line each on many."""
    if len(rater_ids) <= 3:
        return [line for rater_id in rater_ids for line in about_ingredients(lab, rater_id)]
    lines = []
    for rater_id in rater_ids:
        unknown = ", ".join(lacking(lab, rater_id)) or "nothing"
        lines.append(f"{lab.store.value(_SHOWN_NAME, [rater_id])}: unknown, and left empty: {unknown}")
    return lines


def about_ingredients(lab: Lab, rater_id: str) -> list[str]:
    """Lines on a model: what is known of the ingredients that the reports use, what is not, and how to tell it."""
    known, name = _known(lab, rater_id), lab.store.value(_SHOWN_NAME, [rater_id])
    lines = [f"known of {name}: " + (", ".join(f"{k}={_spelled(known[k])}" for k in WANTED if k in known) or "nothing")]
    if unknown := lacking(lab, rater_id):
        pairs = " ".join(f"{each}={WANTED[each]}" for each in unknown)
        lines.append(f"unknown, and left empty: {', '.join(unknown)}")
        lines.append(f"  what you know of it: triadic model set {shlex.quote(name)} {pairs}")
    return lines


_SHOWN_NAME = "SELECT rater_name FROM rater_current WHERE rater_id = ?"


def _known(lab: Lab, rater_id: str) -> dict[str, Any]:
    rows = lab.store.arrow("SELECT * FROM model_current WHERE rater_id = ?", [rater_id]).to_pylist()
    return {name: value for row in rows for name, value in row.items() if value is not None and name != "rater_id"}


def _model_called(lab: Lab, name: str) -> str:
    rater_id = find_rater(lab.store, name)
    if lab.store.value("SELECT kind FROM rater WHERE rater_id = ?", [rater_id]) == RaterKind.human:
        raise BadInput(f"{name} is people, who have no ingredients: name a model")
    return rater_id


def _check_name(name: str) -> None:
    if name in _PLACE:
        raise BadInput(
            f"{name} says where the model is: `triadic model add WEIGHTS --name MODEL --replace` changes that"
        )
    if name not in SETTABLE:
        near = near_names(name, SETTABLE)
        hint = f"did you mean {', '.join(near)}?" if near else f"use one of {', '.join(SETTABLE)}"
        raise BadInput(f"no ingredient {name!r}: {hint}")


def _number(name: str, text: str, kind: type) -> float | int:
    plain = text.lower().replace("_", "")
    if kind is int and re.fullmatch(r"\d{1,3}(,\d{3})+(\.0*)?", plain):
        plain = plain.replace(",", "")
    found = re.fullmatch(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*([a-z]*)", plain)
    scale = _SCALES.get(name, {"": 1.0}).get(found[2]) if found else None
    if found is None or scale is None:
        raise BadInput(f"{name}={text!r} is no number: {_told(name)}")
    value = float(f"{float(found[1]) * scale:.12g}")
    if value <= 0:
        raise BadInput(f"{name}={text!r} is not above 0: {_told(name)}")
    if value > _MOST.get(name, float("inf")):
        raise BadInput(f"{name}={text!r} is too much: {_told(name)}")
    if kind is int and not value.is_integer():
        raise BadInput(f"{name}={text!r} is no whole number: {_told(name)}")
    return int(value) if kind is int else value


def _told(name: str) -> str:
    example = EXAMPLES.get(name) or WORDS.get(name, ("TEXT",))[0]
    return f"{Model.model_fields[name].description}, such as {name}={example}"


def _kind(name: str) -> Any:
    return next(each for each in get_args(Model.model_fields[name].annotation) if each is not NoneType)


def _spelled(value: Any) -> str:
    return (
        ("yes" if value else "no")
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
