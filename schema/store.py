"""The one way to DuckDB.

DuckDB lets one process own a file for writing, and shuts out readers too while it does. So nobody holds it: every read
and every write opens the file, does its work and closes it again, and waits a moment when another process is inside.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from sqlmodel import Session

from triadic.schema.errors import BadInput, Conflict, NotFound, TriadicError, Unavailable
from triadic.schema.keys import canonical_json
from triadic.schema.migrate import is_current, migrate
from triadic.schema.tables import Table

if TYPE_CHECKING:
    import pandas as pd

PATIENCE = 60.0  # seconds to wait for another process to leave the file
Opened = TypeVar("Opened")


@cache
def query(package: str, name: str) -> str:
    """The SQL in NAME.sql beside the modules of `package`, such as query("triadic.compute.stages", "people")."""
    return (files(package) / f"{name}.sql").read_text(encoding="utf-8")


class Store:
    """Reads and writes of one lab's DuckDB file.

    `path` is the file. `patience` is how many seconds to wait for another process before raising Unavailable. Views show
    only the raters in `raters` (ids; empty: all) and none of `excluded` (view rater_shown).
    """

    def __init__(self, path: Path | str, patience: float = PATIENCE) -> None:
        self.path = Path(path)
        self.patience = patience
        self.raters: tuple[str, ...] = ()
        self.excluded: tuple[str, ...] = ()
        self._lock = RLock()
        self._open: tuple[duckdb.DuckDBPyConnection, bool] | None = None
        self._in_transaction = False

    @contextmanager
    def connect(self, write: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for the length of the block; blocks of one thread may nest, a write only inside a write.

        Raises NotFound without a file, Conflict for a file this version cannot use, Unavailable when it stays locked.
        """
        with self._lock:
            if self._open:
                con, writable = self._open
                if write and not writable:
                    raise RuntimeError("a write inside a read: open the outer block with write=True")
                yield con
                return
            con = self._enter(write)
            for name, ids in (("raters", self.raters), ("excluded", self.excluded)):
                if ids:
                    con.execute(f"SET VARIABLE {name} = $1::VARCHAR[]", [list(ids)])
            self._open = (con, write)
            try:
                yield con
            finally:
                self._open = None
                con.close()

    def read(self, sql: str, params: Any = None) -> pd.DataFrame:
        """The result of one SELECT as a DataFrame."""
        return self.arrow(sql, params).to_pandas()

    def arrow(self, sql: str, params: Any = None) -> pa.Table:
        """The result of one SELECT as an Arrow table."""
        with self.connect() as con:
            return con.execute(sql, params).to_arrow_table()

    def row(self, sql: str, params: Any = None) -> tuple[Any, ...] | None:
        """The first row of one SELECT, or None."""
        with self.connect() as con:
            return con.execute(sql, params).fetchone()

    def value(self, sql: str, params: Any = None) -> Any:
        """The first column of the first row of one SELECT, None without a row."""
        found = self.row(sql, params)
        return found and found[0]

    def insert(self, table: type[Table], rows: pa.Table | pd.DataFrame | Iterable[Table]) -> int:
        """Add rows in one transaction, leaving alone those whose key is there already. Returns how many are new.

        `rows` is an Arrow table or DataFrame with (some of) the table's columns, or model instances. Non-finite numbers
        are refused (BadInput): a NaN in a result means that something went wrong before it got here.
        """
        with self.transaction() as con:
            return insert_rows(con, table, rows)

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One write transaction: all of the block's work, or none of it. Inside another one it is part of that."""
        with self.connect(write=True) as con:
            if self._in_transaction:
                yield con
                return
            self._in_transaction = True
            con.begin()
            try:
                yield con
                con.commit()
            except BaseException:
                con.rollback()
                raise
            finally:
                self._in_transaction = False

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A read-only SQLModel session: `with lab.store.session() as s: s.exec(select(Rater)).all()`."""
        with self.connect():
            pass  # the file is a lab of this version
        engine = create_engine(f"duckdb:///{self.path}", connect_args={"read_only": True}, poolclass=NullPool)
        with self._wait(engine.connect) as bound, Session(bound) as session:
            yield session

    def create(self) -> None:
        """Make the file with the newest schema. Does nothing to a lab that is there already."""
        if self.path.exists():
            with self.connect():
                return
        with self._connection(write=True) as con:
            migrate(con)

    def _enter(self, write: bool) -> duckdb.DuckDBPyConnection:
        if not self.path.is_file():
            raise NotFound(f"no lab at {self.path.parent}: make one with `triadic init --lab {self.path.parent}`")
        con = self._connection(write)
        try:
            if is_current(con, self.path):
                return con
        except BaseException:
            con.close()
            raise
        con.close()  # an older lab, or older views: bring it up to date first
        with self._connection(write=True) as writer:
            if not is_current(writer, self.path):
                migrate(writer)
        return self._connection(write)

    def _connection(self, write: bool) -> duckdb.DuckDBPyConnection:
        return self._wait(lambda: duckdb.connect(str(self.path), read_only=not write))

    def _wait(self, opened: Callable[[], Opened]) -> Opened:
        """What `opened` returns, tried again while another process is inside the file."""
        deadline, pause = time.monotonic() + self.patience, 0.005
        while True:
            try:
                return opened()
            except (duckdb.Error, DBAPIError) as error:
                text = str(error)
                if "lock on file" not in text:
                    raise _unusable(self.path, text) from error
                if time.monotonic() > deadline:
                    holder = text.rpartition("(PID ")[2].partition(")")[0]
                    raise Unavailable(
                        f"{self.path} has been held by process {holder or '?'} for {self.patience:.0f} s: "
                        "close the program that has it open, then try again"
                    ) from error
                time.sleep(pause)
                pause = min(pause * 1.5, 0.1)


def first_value(con: duckdb.DuckDBPyConnection, sql: str, params: Any = None) -> Any:
    """The first column of the first row of one statement on an open connection, None without a row."""
    found = con.execute(sql, params).fetchone()
    return found and found[0]


def insert_rows(con: duckdb.DuckDBPyConnection, table: type[Table], rows: Any) -> int:
    """`Store.insert` on an open connection, inside whatever transaction it is in."""
    frame = _as_arrow(table, rows)
    if not len(frame):
        return 0
    _refuse_non_finite(con, table, frame)
    names = ", ".join(f'"{name}"' for name in frame.column_names)
    con.register("incoming", frame)
    try:
        added = first_value(
            con, f"INSERT INTO {table.__tablename__} ({names}) SELECT {names} FROM incoming ON CONFLICT DO NOTHING"
        )
    finally:
        con.unregister("incoming")
    return int(added)


def _as_arrow(table: type[Table], rows: Any) -> pa.Table:
    if hasattr(rows, "to_arrow_table"):
        rows = rows.to_arrow_table()
    elif hasattr(rows, "columns") and not isinstance(rows, pa.Table):
        rows = pa.Table.from_pandas(rows, preserve_index=False)
    elif not isinstance(rows, pa.Table):
        rows = pa.Table.from_pylist([_as_dict(table, row) for row in rows])
    unknown = set(rows.column_names) - set(table.model_fields)
    if unknown:
        raise BadInput(f"table {table.__tablename__} has no column {', '.join(sorted(unknown))}")
    return rows


def _as_dict(table: type[Table], row: Any) -> dict[str, Any]:
    """A validated row as plain values; documents (dicts) as canonical JSON."""
    values = row if isinstance(row, dict) else row.model_dump()
    values = table.model_validate(values).model_dump()
    return {k: canonical_json(v) if isinstance(v, dict) else v for k, v in values.items()}


def _refuse_non_finite(con: duckdb.DuckDBPyConnection, table: type[Table], frame: pa.Table) -> None:
    for name in frame.column_names:
        values = frame.column(name)
        if pa.types.is_list(values.type):
            values = pc.list_flatten(values)
        if pa.types.is_floating(values.type) and not pc.all(pc.is_finite(values), min_count=0).as_py():
            raise BadInput(f"{table.__tablename__}.{name} holds NaN or infinity: nothing was stored")


def _unusable(path: Path, text: str) -> TriadicError:
    line = " ".join(text.split())
    if "version number" in line or "Serialization" in line:
        return Conflict(
            f"{path} was written by another version of DuckDB than this one can read: install the duckdb that wrote it, "
            "or copy the tables over with its EXPORT DATABASE"
        )
    if "Corrupt" in line or "not a valid DuckDB database file" in line or "checksum" in line:
        return Conflict(f"{path} is not a DuckDB file that can be read: point --lab at a folder made by `triadic init`")
    return Unavailable(f"{path} cannot be opened: {line}")
