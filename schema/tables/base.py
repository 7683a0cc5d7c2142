"""What every table shares: how a column is declared, and the types that DuckDB is to use.

Keys are text or natural integers given by us, never sequences: the same work must have the same id everywhere. Floats say
DOUBLE, positions INTEGER, small counters SMALLINT, vectors DOUBLE[]. The dialect is duckdb-sqlalchemy: duckdb-engine stores
floats in four bytes, turns integer keys into SERIAL (refused by DuckDB) and cannot reflect; its maintained successor does
all three right, and holds DuckDB below 2, whose files version 1.5 cannot open.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ARRAY, JSON, REAL, BigInteger, Double, SmallInteger
from sqlmodel import Field, SQLModel

DOUBLE = Double
SMALL = SmallInteger
BIG = BigInteger
VECTOR = ARRAY(Double)
SINGLES = ARRAY(REAL)  # of draws only: four bytes each
DOCUMENT = JSON


def now() -> datetime:
    return datetime.now(UTC)


class Table(SQLModel):
    """Base of all tables. `table=True` classes do not validate by themselves: build rows with `Row.model_validate`."""


def key(description: str, **options: Any) -> Any:
    """A column of the primary key."""
    return Field(primary_key=True, description=description, sa_column_kwargs={"comment": description}, **options)


def column(description: str, **options: Any) -> Any:
    """A column that is not part of the primary key. The description becomes the COMMENT that `DESCRIBE` users see."""
    return Field(description=description, sa_column_kwargs={"comment": description}, **options)


def link(target: str, description: str, **options: Any) -> Any:
    """A foreign key. Only small tables have them: DuckDB indexes both ends, and bulk rows are checked by `doctor`."""
    return column(description, foreign_key=target, **options)
