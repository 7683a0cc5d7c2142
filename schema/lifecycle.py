"""The life of a run: begun once under a content key, its fate recorded by events that are only ever added."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from functools import cache, cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from triadic.schema.errors import Unavailable
from triadic.schema.keys import content_key
from triadic.schema.lab import Lab
from triadic.schema.store import insert_rows
from triadic.schema.tables import Run, RunEvent, Table
from triadic.schema.vocabulary import Stage, Status

LIBRARIES = ("triadic", "duckdb", "numpy", "scipy", "torch", "transformers", "mlflow", "statsmodels")


Progress = Callable[[int, int], None]  # called with (how many are done, how many there are)


def silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Work:
    """One stage for one rater under one configuration: what a run does, before it is entered in the lab.

    `run_id` hashes what decides the result and nothing else (not the machine, the day or the library versions), so the
    same work asked for twice is the same run.
    """

    stage: Stage
    rater_id: str | None
    config: dict[str, Any]
    concept_set_id: str | None = None
    triplet_set_id: str | None = None
    parent_run_id: str | None = None
    seed: int | None = None

    @cached_property
    def run_id(self) -> str:
        inputs = (self.rater_id, self.concept_set_id, self.triplet_set_id, self.parent_run_id)
        return content_key(str(self.stage), *inputs, self.config, self.seed)

    def begin(self, lab: Lab) -> str:
        """Enter the run in the lab if it is new; returns its id."""
        if not lab.store.row("SELECT 1 FROM run WHERE run_id = ?", [self.run_id]):
            run = Run(
                run_id=self.run_id,
                config_hash=content_key(self.config),
                versions=library_versions(),
                git_commit=git_commit(),
                **{f.name: getattr(self, f.name) for f in fields(self)},
            )
            lab.store.insert(Run, [run])
        return self.run_id


def record_event(lab: Lab, run_id: str, status: Status, **detail: Any) -> None:
    """Add an event to a run."""
    lab.store.insert(RunEvent, [RunEvent(run_id=run_id, status=str(status), detail=detail)])


@contextmanager
def on_record(lab: Lab, run_id: str, detail: Callable[[], dict[str, Any]] = dict) -> Iterator[None]:
    """Within, what ends a run early is recorded before it is raised on: an error as failed, Ctrl-C or SIGTERM as interrupted.

    `detail` tells what there is by then.
    """
    with _terminable():
        try:
            yield
        except Exception as error:
            record_event(lab, run_id, Status.failed, error=f"{type(error).__name__}: {error}", **detail())
            raise
        except KeyboardInterrupt:
            with suppress(Unavailable):  # whoever stops it does not wait for another process
                record_event(Lab(lab.path, patience=2.0), run_id, Status.interrupted, **detail())
            raise


@contextmanager
def _terminable() -> Iterator[None]:
    """Within, SIGTERM ends the work as Ctrl-C does, unless the program has a use of its own for it."""
    here = threading.current_thread() is threading.main_thread()
    if not here or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def is_finished(lab: Lab, run_id: str) -> bool:
    """Whether a run is finished; one that was never begun is not."""
    return bool(lab.store.value("SELECT status FROM run_status WHERE run_id = ?", [run_id]) == Status.finished)


def first_start(lab: Lab, run_id: str) -> dict[str, Any]:
    """The detail of a run's first "started" event; empty when it was never started."""
    detail = lab.store.value(
        "SELECT detail FROM run_event WHERE run_id = ? AND status = 'started' ORDER BY happened_at LIMIT 1", [run_id]
    )
    return dict(json.loads(detail)) if detail else {}


def finish(lab: Lab, run_id: str, rows: Sequence[tuple[type[Table], Any]], **detail: Any) -> None:
    """Store a run's results and the news that it is finished, in one transaction: both or neither."""
    with lab.store.transaction() as con:
        for table, values in rows:
            insert_rows(con, table, values)
        insert_rows(con, RunEvent, [RunEvent(run_id=run_id, status=str(Status.finished), detail=detail)])


@cache
def library_versions() -> dict[str, str]:
    """Installed versions of the libraries a result may depend on."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def git_commit() -> str | None:
    """Commit of the working copy Triadic runs from; None for an installed package."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
