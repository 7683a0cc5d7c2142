"""The file MLflow keeps its runs in, and being alone with it: what must be known before MLflow itself is loaded.

Whatever MLflow or SQLite raise becomes one line (Unavailable) in `guarded`; nothing of the lab's depends on it.
"""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import IO

from triadic.schema.errors import NotFound, TriadicError, Unavailable
from triadic.schema.lab import Lab

EXPERIMENT = "triadic"
PATIENCE = 600.0  # seconds to wait for another process that is mirroring, which the first time may be a lot
SQLITE_PATIENCE = 10.0  # seconds to wait for a program that has the database locked


@contextmanager
def guarded(
    lab: Lab, waiting: Callable[[str], None] = lambda line: None, lock: IO[str] | None = None
) -> Iterator[IO[str]]:
    """Alone with this lab's MLflow database: gives the lock, which may have been taken before.

    `waiting` is told, in a line, when another process has to be waited for. Raises Unavailable, in one line, for all
    that goes wrong in there.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        with lock or _lock(lab, waiting) as held:
            yield held
    except TriadicError:
        raise
    except Exception as error:
        line = f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
        raise Unavailable(
            f"MLflow mirror at {lab.path.resolve() / 'mlflow.db'}: {line}. The lab itself is complete; "
            "`triadic status --mirror` tries again"
        ) from error


def try_lock(lab: Lab) -> IO[str] | None:
    """The lock of the lab's mirror, which closing it lets go; None while another process has it."""
    try:
        file = (lab.path / "mlflow.lock").open("a")
    except OSError as error:
        raise Unavailable(f"MLflow mirror: {lab.path / 'mlflow.lock'}: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel lets go however the process ends
        return file
    except BlockingIOError:
        file.close()
        return None


def is_there(lock: IO[str]) -> None:
    """Raises NotFound when the lab whose mirror this lock guards has been removed."""
    if os.fstat(lock.fileno()).st_nlink == 0:
        raise NotFound("the lab has been removed while its mirror was written")


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


def _lock(lab: Lab, waiting: Callable[[str], None]) -> IO[str]:
    deadline, announced = time.monotonic() + PATIENCE, False
    while (lock := try_lock(lab)) is None:
        if time.monotonic() > deadline:
            raise Unavailable(
                f"another process is bringing the MLflow mirror of {lab.path} up to date: "
                "`triadic status --mirror` does what is left when it is done"
            )
        if not announced:
            waiting("another process is bringing the MLflow mirror up to date: waiting for it")
            announced = True
        time.sleep(0.1)
    return lock
