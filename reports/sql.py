"""Anything else one asks of a lab, in SQL; and queries to begin with, each with the question it answers."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import duckdb
import pandas as pd
import pyarrow as pa

from triadic.reports.report import explained
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lab import Lab
from triadic.schema.lookup import near_names
from triadic.schema.store import query

FORMER_NAMES = {  # columns of views as version 0.1.0 called them
    "rater": "rater_name is the name, rater_id the key",
    "model": "rater_name is the name, rater_id the key",
    "metric": "it is metric_name",
    "concept": "it is anchor in views, word in table concept",
    "is_newest": "it is is_shown",
}
_MISSING = re.compile(r'column (?:named )?"([^"]+)"')


@dataclass(frozen=True)
class Example:
    """A saved query under its name, with the question it answers."""

    name: str
    question: str
    sql: str


@cache
def examples() -> dict[str, Example]:
    """The saved queries by name, in the order in which one meets them."""
    _, *parts = re.split(r"^-- ([a-z-]+): (.+)\n", query("triadic.reports", "examples"), flags=re.MULTILINE)
    found = (Example(*part) for part in zip(parts[::3], parts[1::3], map(str.strip, parts[2::3]), strict=True))
    return {each.name: each for each in found}


def find_example(name: str) -> Example:
    """The saved query of that name. Raises NotFound with near misses."""
    if name in examples():
        return examples()[name]
    near = near_names(name, examples())
    hint = f" (did you mean {', '.join(near)}?)" if near else ""
    raise NotFound(f"no example {name!r}{hint}: `triadic sql --examples` lists them")


def example_list() -> pd.DataFrame:
    """Name and question of each saved query, one row each."""
    return pd.DataFrame([(each.name, each.question) for each in examples().values()], columns=["name", "question"])


def answer(lab: Lab, text: str | None, example: bool, say: Callable[[str], None]) -> pd.DataFrame:
    """The rows of a query, `-` for one on stdin; or of the saved one of that name, which is said; without one, their list.

    Raises BadInput where nothing is asked, and as `ask` does.
    """
    if example:
        if text is None:
            return example_list()
        text = find_example(text).sql
        say(text)
    if text is None:
        raise BadInput("no query: give one in quotes, - to read it from stdin, or --examples for some to begin with")
    return ask(lab, sys.stdin.read() if text == "-" else text)


def ask(lab: Lab, sql: str) -> pd.DataFrame:
    """The rows of one statement on a read-only connection; integers stay integers where some are missing.

    Raises BadInput for none or several statements, and with DuckDB's reason and what it offers instead, in one line.
    """
    try:
        n_statements = len(duckdb.extract_statements(sql))
        if n_statements != 1:
            raise BadInput("give one query" if not n_statements else f"one query at a time: these are {n_statements}")
        return explained(exact(lab.store.arrow(sql)), "no rows: nothing in this lab answers that")
    except duckdb.Error as error:
        raise BadInput(f"SQL: {_reason(str(error))}") from error


def _reason(text: str) -> str:
    reason = " ".join(text.partition("LINE 1:")[0].split())
    missing = _MISSING.search(reason)
    if missing and missing[1].lower() in FORMER_NAMES:
        return f"{reason} ({missing[1]}: {FORMER_NAMES[missing[1].lower()]})"
    return reason


def exact(rows: pa.Table) -> pd.DataFrame:
    """Rows as a frame whose integers stay integers where some are missing."""
    frame = rows.to_pandas()
    for j, column in enumerate(rows.columns):
        kind = column.type
        if pa.types.is_decimal(kind) and kind.scale == 0:  # the sum of a column of integers
            frame.isetitem(j, pd.array(column.to_pylist(), dtype="Int64"))
        elif pa.types.is_integer(kind) and column.null_count:
            frame.isetitem(j, pd.array(column.to_pylist(), dtype="UInt64" if str(kind) == "uint64" else "Int64"))
    return frame
