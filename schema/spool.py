"""The spool: how answers get from a long-running worker into the database without holding it.

A worker writes each finished batch as a Parquet file, under a temporary name and then renamed into place, so a file that
is there is whole. Whoever comes next loads all of them in one transaction, with ON CONFLICT DO NOTHING, and then removes
them; killed in between, the next one loads them again and nothing is counted twice. A worker on another machine does the
same in a folder both can see, or brings its files along.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from triadic.schema.errors import Conflict, Unavailable
from triadic.schema.store import Store, first_value
from triadic.schema.tables import TABLES, Table


class Spool:
    """The folder `path`, emptied into `store`."""

    def __init__(self, path: Path, store: Store) -> None:
        self.path = Path(path)
        self.store = store

    def write(self, table: type[Table], name: str, rows: pa.Table) -> Path:
        """Put rows aside for `table`. `name` says what they are (run and batch): the same name is the same rows."""
        self.path.mkdir(parents=True, exist_ok=True)
        target = self.path / f"{table.__tablename__}.{name}.parquet"
        partial = target.with_suffix(f".{os.getpid()}.partial")
        with partial.open("wb") as file:
            pq.write_table(rows, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        partial.rename(target)
        return target

    @contextmanager
    def hold(self, run_id: str) -> Iterator[None]:
        """Keep a run to this process for the length of the block. The kernel lets go of it however the process ends.

        Raises Unavailable when another process has it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + 0.3  # a look by `is_held` is over by then
        with self._lock_file(run_id).open("w") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError as error:
                    if time.monotonic() > deadline:
                        raise Unavailable(
                            f"run {run_id} is being asked by another process: wait for it, or stop it"
                        ) from error
                    time.sleep(0.02)
            yield

    def is_held(self, run_id: str) -> bool:
        """Whether some process is at work on a run now."""
        try:
            with self._lock_file(run_id).open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def _lock_file(self, run_id: str) -> Path:
        return self.path / f"{run_id}.lock"

    def waiting(self) -> list[Path]:
        """Finished batches that are not in the database yet (or are, and could not be removed)."""
        return sorted(self.path.glob("*.parquet"))

    def n_waiting(self, table: type[Table]) -> Counter[str]:
        """Rows of `table` that wait to be loaded, by the run they are of (files are named RUN-BATCH)."""
        found: Counter[str] = Counter()
        for file in self.path.glob(f"{table.__tablename__}.*.parquet"):
            try:
                found[file.name.split(".")[1].partition("-")[0]] += pq.read_metadata(file).num_rows
            except (OSError, pa.ArrowInvalid):  # loaded and gone meanwhile, or one that `load` will complain of
                continue
        return found

    def load(self) -> int:
        """Load every waiting file in one transaction, then remove them. Returns how many rows are new.

        Raises Conflict, naming the file and keeping everything, when one of them cannot be read.
        """
        files = self.waiting()
        if not files:
            return 0
        tables = {str(table.__tablename__): table for table in TABLES}
        new = 0
        with self.store.transaction() as con:
            for name in sorted({f.name.partition(".")[0] for f in files}):
                batch = [str(f) for f in files if f.name.partition(".")[0] == name]
                try:
                    columns = ", ".join(f'"{c}"' for c in tables[name].model_fields)
                    new += first_value(
                        con,
                        f"INSERT INTO {name} BY NAME SELECT {columns} FROM read_parquet(?, union_by_name = true) "
                        "ON CONFLICT DO NOTHING",
                        [batch],
                    )
                except (duckdb.Error, KeyError) as error:
                    raise Conflict(_blame(batch, error)) from error
        for file in files:
            file.unlink(missing_ok=True)
        return new


def _blame(files: list[str], error: Exception) -> str:
    for file in files:
        try:
            pq.read_table(file)
        except Exception:
            return f"spool file {file} cannot be read: move it away, and its batch will be asked again"
    return f"spool files such as {files[0]} do not fit the lab's tables: {' '.join(str(error).split())}"
