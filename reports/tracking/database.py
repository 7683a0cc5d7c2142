"""The file MLflow keeps its runs in, and being alone with it: what must be known before MLflow itself is loaded.

Whatever MLflow or SQLite raise becomes one line (Unavailable) in `guarded`; nothing of the lab's depends on it.
"""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import IO

from triadic.schema.errors import TriadicError, Unavailable
from triadic.schema.lab import Lab

EXPERIMENT = "triadic"
PATIENCE = 60.0  # seconds to wait for another process that is mirroring
SQLITE_PATIENCE = 10.0  # seconds to wait for a program that has the database locked


@contextmanager
def guarded(lab: Lab) -> Iterator[None]:
    """Alone with this lab's MLflow database. Raises Unavailable, in one line, for all that goes wrong in there."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        with (lab.path / "mlflow.lock").open("w") as file:
            _lock(file, lab)
            yield
    except TriadicError:
        raise
    except Exception as error:
        line = f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
        raise Unavailable(
            f"MLflow mirror at {lab.path / 'mlflow.db'}: {line}. The lab itself is complete; "
            "`triadic status --mirror` tries again"
        ) from error


def check(lab: Lab) -> None:
    """Ask SQLite first: MLflow meets a broken or locked file with ten retries and a page of warnings.

    Where the lab has moved since, MLflow's absolute artifact addresses, which it offers no way to change, are moved too.
    """
    if re.search(r"[?#]", lab.mlflow_uri):
        raise Unavailable(
            f"MLflow cannot keep a database in {lab.path.resolve()}: give the folder a name without ? and #"
        )
    with closing(sqlite3.connect(lab.path / "mlflow.db", timeout=SQLITE_PATIENCE, isolation_level=None)) as con:
        con.execute("BEGIN IMMEDIATE")
        tables = {name for (name,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if {"experiments", "runs"} <= tables:
            here = lab.mlflow_artifacts.as_uri()
            moved = "SELECT experiment_id, artifact_location FROM experiments WHERE name = ? AND artifact_location != ?"
            for experiment_id, before in con.execute(moved, [EXPERIMENT, here]).fetchall():
                con.execute(
                    "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?) "
                    "WHERE experiment_id = ? AND substr(artifact_uri, 1, ?) = ?",
                    [here, len(before) + 1, experiment_id, len(before), before],
                )
                con.execute(
                    "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", [here, experiment_id]
                )
        con.execute("COMMIT")


def _lock(file: IO[str], lab: Lab) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel lets go however the process ends
        except OSError as error:
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"another process is bringing the MLflow mirror of {lab.path} up to date: "
                    "`triadic status --mirror` does what is left when it is done"
                ) from error
            time.sleep(0.1)
