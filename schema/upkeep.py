"""Looking after a lab: is it sound, a copy of it, its tables as files."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from triadic.schema.errors import BadInput
from triadic.schema.lab import Lab
from triadic.schema.store import first_value
from triadic.schema.tables import TABLES

# Bulk rows carry no foreign keys (DuckDB would index both ends of each): what they point at is checked here.
POINTERS = (
    ("response", "run_id", "run", "run_id"),
    ("triplet", "triplet_set_id", "triplet_set", "triplet_set_id"),
    ("run", "concept_set_id", "concept_set", "concept_set_id"),
    ("run", "triplet_set_id", "triplet_set", "triplet_set_id"),
    ("run", "parent_run_id", "run", "run_id"),
    ("embedding", "run_id", "run", "run_id"),
    ("embedding", "parent_id", "embedding", "embedding_id"),
    ("embedding_row", "embedding_id", "embedding", "embedding_id"),
    ("refit", "embedding_id", "embedding", "embedding_id"),
    ("fit_history", "run_id", "run", "run_id"),
    ("metric", "run_id", "run", "run_id"),
    ("metric_draw", "run_id", "run", "run_id"),
)


def examine(lab: Lab) -> list[str]:
    """What is wrong with the lab and what to do about it, one line each; empty when it is sound."""
    found = []
    if waiting := lab.spool.waiting():
        found.append(f"spool: {len(waiting)} batches wait to be loaded: the next `triadic judge` or `run` does it")
    if partial := list(lab.spool.path.glob("*.partial")):
        found.append(f"spool: {len(partial)} half-written files of killed workers: delete {lab.spool.path}/*.partial")
    with lab.store.connect() as con:
        for table, column, target, key in POINTERS:
            lost = first_value(
                con,
                f"SELECT count(*) FROM {table} t ANTI JOIN {target} o ON t.{column} = o.{key} WHERE t.{column} IS NOT NULL",
            )
            if lost:
                found.append(f"{table}: {lost} rows name a {column} that is not in {target}: restore a backup")
        for run_id, stage, rater, status, error in con.execute(
            "SELECT run_id, stage, rater_id, status, status_detail ->> 'error' FROM run_status "
            "WHERE status IN ('planned', 'started', 'failed', 'interrupted') ORDER BY created_at"
        ).fetchall():
            line = f"run {run_id} ({stage} of {rater}) is {status}: `triadic run {rater}` goes on with it"
            found.append(f"{line}; its error: {error}" if error else line)
        sets = first_value(
            con,
            "SELECT count(*) FROM triplet_set s WHERE n_triplets <> "
            "(SELECT count(*) FROM triplet t WHERE t.triplet_set_id = s.triplet_set_id)",
        )
        if sets:
            found.append(f"triplet_set: {sets} sets have another number of triplets than they say: restore a backup")
    return found


def backup(lab: Lab, target: Path) -> None:
    """Copy database, MLflow mirror, spool and reports to a folder that is not there yet. Raises BadInput if it is."""
    target = Path(target)
    if target.exists():
        raise BadInput(f"{target} exists: a backup goes to a new folder")
    target.mkdir(parents=True)
    with lab.store.connect():  # holds writers off while the file is copied
        for item in sorted(lab.path.iterdir()):
            if item.is_dir():
                shutil.copytree(item, target / item.name)
            elif item.name == "mlflow.db":
                _copy_sqlite(item, target / item.name)
            elif not item.name.startswith(("mlflow.db-", "mlflow.lock")):  # which come and go with who is writing it
                shutil.copy2(item, target / item.name)


def _copy_sqlite(file: Path, target: Path) -> None:
    """A database as it was at one moment, also while the mirror is being written; one that is none as it is."""
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
    except sqlite3.DatabaseError:
        shutil.copy2(file, target)


def export(lab: Lab, target: Path) -> list[Path]:
    """Write every table to `target`/NAME.parquet; returns the files. Raises BadInput for a folder with files in it."""
    target = Path(target)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BadInput(f"{target} is not an empty folder: export to a new one")
    target.mkdir(parents=True, exist_ok=True)
    files = [target / f"{table.__tablename__}.parquet" for table in TABLES]
    with lab.store.connect() as con:
        for file in files:
            con.table(file.stem).write_parquet(str(file), compression="zstd")
    return files
