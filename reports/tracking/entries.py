"""What the mirror shows: the lab's finished runs and raters as entries of params, figures, history and files.

Everything is read from DuckDB in a few queries for all entries together, so that the lab is free again while MLflow is
being written.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from triadic.schema.arrays import Floats
from triadic.schema.embeddings import read_embedding
from triadic.schema.lab import Lab
from triadic.schema.store import query

HISTORY = ("train_loss", "heldout_loss", "heldout_accuracy")
FIGURES = {"": "value", "chance ": "chance", "low ": "low", "high ": "high", "p ": "p", "ceiling ": "ceiling"}
ON_RATERS = ("", "chance ")  # what of FIGURES a rater's own run has: the columns people compare
QUALITY = ("n_answers", "n_invalid", "invalid_rate", "first_option_rate", "heldout_accuracy", "heldout_loss")


@dataclass
class Entry:
    """One MLflow run to be. `fit` is the embed run whose history, vectors and picture it shows; times are in ms."""

    key: str
    name: str
    tags: dict[str, str]
    params: dict[str, str]
    metrics: dict[str, float] = field(default_factory=dict)
    fit: str | None = None
    folder: str | None = None
    started: int | None = None
    ended: int | None = None


@dataclass
class Fit:
    """An embedding (n, d) with its concepts and the history of the restart that was kept, a row per step.

    `at` is when it was stored, in ms.
    """

    vectors: Floats
    concepts: pd.DataFrame
    history: pd.DataFrame
    at: int


def finished(lab: Lab) -> pd.DataFrame:
    """run_id, stage, rater_id and mlflow_run_id of every finished run, oldest first."""
    return lab.store.read(
        "SELECT run_id, stage, rater_id, mlflow_run_id FROM run_status WHERE status = 'finished' "
        "ORDER BY status_at, run_id"
    )


def unmirrored(lab: Lab) -> set[str]:
    """Finished runs that MLflow was never seen to have; all of them where its database is not there."""
    gone = not (lab.path / "mlflow.db").exists()
    sql = "SELECT run_id FROM run_status WHERE status = 'finished'" + ("" if gone else " AND mlflow_run_id IS NULL")
    return set(lab.store.arrow(sql)["run_id"].to_pylist())


def read_entries(
    lab: Lab, run_ids: Iterable[str], raters: Collection[str] | None, is_shown: Callable[[Entry], bool]
) -> tuple[list[Entry], dict[str, Entry]]:
    """The entries of these finished runs, in the order they were finished, and by rater those of who did them.

    Of `raters` (None: all) those are there too whose entry, its figures aside, `is_shown` denies.
    """
    with lab.store.connect():
        rows = _rows(lab, query(__package__, "finished_runs"), [list(run_ids)])
        changed = {row["rater_id"] for row in rows}
        found = {entry.key: entry for entry in _rater_entries(lab, raters)}
        found = {key: entry for key, entry in found.items() if key in changed or not is_shown(entry)}
        stages = _stage_entries(lab, rows)
        _fill_in(lab, stages, {entry.fit: entry for entry in found.values() if entry.fit})
    return stages, found


def _stage_entries(lab: Lab, rows: list[dict[str, Any]]) -> list[Entry]:
    """One entry per run, without what `_fill_in` knows."""
    names = {row["embedding_id"]: row["name"] for row in _rows(lab, "SELECT embedding_id, name FROM embedding", [])}
    return [_stage_entry(row, names) for row in rows]


def _rater_entries(lab: Lab, raters: Collection[str] | None) -> Iterator[Entry]:
    """One entry per rater with a finished run: its ingredients, and which fit (the newest) it shows."""
    for row in _rows(lab, query(__package__, "raters"), [None if raters is None else list(raters)]):
        rater, name = row.pop("rater_id"), row.pop("rater_name")
        about = {key: row.pop(key) for key in ("fit", "started", "ended")}
        yield Entry(rater, name, {"kind": row["kind"]}, _flat(row), **about)


def _fill_in(lab: Lab, stages: list[Entry], by_fit: dict[str, Entry]) -> None:
    """Figures: of each stage its own; of raters, here by their fit, the answers and alignments that belong to the fit."""
    raters = {entry.tags.get("rater") for entry in stages} | {entry.key for entry in by_fit.values()}
    runs = [entry.key for entry in stages]
    sql = """SELECT embedding.* EXCLUDE (source_bytes), run.parent_run_id AS judge_run_id
        FROM embedding JOIN run USING (run_id) WHERE list_contains(?, run_id)"""
    fits = {row.pop("run_id"): row for row in _rows(lab, sql, [[*runs, *by_fit]])}
    judged = {run_id: row.pop("judge_run_id") for run_id, row in fits.items()}
    quality = _quality(lab, [*runs, *filter(None, judged.values())])
    sql = "SELECT * FROM alignment WHERE list_contains(?, rater_id) ORDER BY run_id, metric_name"
    by_run: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    by_embedding: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in _rows(lab, sql, [[rater for rater in raters if rater]]):
        by_run[row["run_id"]].append(row)
        if row["is_shown"]:
            by_embedding[row["embedding_id"]].append(row)  # which has the key of the run that fitted it
    for entry in stages:
        entry.metrics |= quality.get(entry.key, {}) | _figures(by_run[entry.key], FIGURES)
        if entry.key in fits:
            entry.fit = entry.key
            entry.metrics |= _numbers(fits[entry.key])
    for fit, entry in by_fit.items():
        entry.metrics |= quality.get(judged.get(fit) or "", {}) | _figures(by_embedding[fit], ON_RATERS)


def read_fit(lab: Lab, embed_run_id: str) -> Fit | None:
    """What an embed run fitted; None if it left no embedding."""
    with lab.store.connect():
        row = lab.store.row(
            "SELECT embedding_id, concept_set_id, epoch_ms(created_at) FROM embedding WHERE run_id = ?", [embed_run_id]
        )
        if row is None:
            return None
        concepts = lab.store.read(
            "SELECT word, category FROM concept WHERE concept_set_id = ? ORDER BY position", [row[1]]
        )
        history = lab.store.read(query(__package__, "kept_history"), [embed_run_id])
        return Fit(read_embedding(lab, row[0]), concepts, history, row[2])


def _rows(lab: Lab, sql: str, values: list[Any]) -> list[dict[str, Any]]:
    """The result as Python values: None for NULL, and whole numbers stay whole where some are missing."""
    return list(lab.store.arrow(sql, values).to_pylist())


def _stage_entry(row: dict[str, Any], names: dict[str, str]) -> Entry:
    config, detail = json.loads(row["config"]), json.loads(row["status_detail"])
    params = _flat(config) | _flat({name: row[name] for name in ("seed", "concept_set_id", "triplet_set_id")})
    params |= _flat({"parent_run": row["parent_run_id"]})
    judge = _flat(json.loads(row["judge"]), "judge.") if row["judge"] else {}
    params |= {name: value for name, value in judge.items() if name not in params}
    if row["stage"] == "align":
        params["reference_name"] = names.get(config["reference"], config["reference"])
    about = {
        "embed": f"{config.get('algorithm')}-{config.get('n_dims') or 'auto'}",
        "align": params.get("reference_name"),
        "report": config.get("report"),
    }.get(row["stage"])
    tags = {"stage": row["stage"], "rater": row["rater_id"], "mlflow.source.git.commit": row["git_commit"]}
    tags |= {name: value for name, value in detail.items() if isinstance(value, str)}
    tags |= {f"version.{name}": value for name, value in json.loads(row["versions"]).items()}
    return Entry(
        key=row["run_id"],
        name=" ".join(filter(None, [row["stage"], row["rater_name"], about])),
        tags={name: str(value) for name, value in tags.items() if value is not None},
        params=params,
        metrics=_numbers(detail),
        folder=detail.get("folder"),
        started=int(row["created_at"].timestamp() * 1000),
        ended=int(row["status_at"].timestamp() * 1000),
    )


def _quality(lab: Lab, judge_runs: Iterable[str]) -> dict[str, dict[str, float]]:
    rows = _rows(lab, "SELECT * FROM answer_quality WHERE list_contains(?, run_id)", [list(judge_runs)])
    return {row["run_id"]: _numbers({name: row[name] for name in QUALITY}) for row in rows}


def _figures(rows: list[dict[str, Any]], parts: Iterable[str]) -> dict[str, float]:
    named = {f"{row['metric_name']}/{part}{row['reference']}": row[FIGURES[part]] for row in rows for part in parts}
    return _numbers(named)


def _numbers(values: dict[str, Any]) -> dict[str, float]:
    """The finite numbers and truth values among these."""
    numeric = {k: v for k, v in values.items() if isinstance(v, int | float)}
    return {name: float(value) for name, value in numeric.items() if np.isfinite(value)}


def _flat(config: dict[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            flat |= _flat(value, f"{name}.")
        elif value is not None:
            flat[name] = str(value)
    return flat
