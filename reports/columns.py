"""Which columns of a table are shown: those that were asked for, in that order, or all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from triadic.reports.report import Report
from triadic.schema.errors import BadInput
from triadic.schema.lookup import near_names

ALL = "all"


def split_names(given: str | Iterable[str]) -> list[str]:
    """Names given with commas, several times, or both."""
    texts = [given] if isinstance(given, str) else given
    return [name.strip() for text in texts for name in text.split(",") if name.strip()]


def pick(frame: pd.DataFrame, columns: str | None) -> pd.DataFrame:
    """The columns named in "a,b,c", in that order; every one for None and "all".

    Raises BadInput for one that is not there, naming those near it.
    """
    if columns is None or columns == ALL:
        return frame
    return frame[_known(split_names(columns), list(frame.columns))]


def pick_tables(report: Report, columns: str | None, table: str | None = None) -> Report:
    """The report with only these columns, and only the tables that have one of them (or `table`).

    Raises BadInput for a column that no table has, naming those near it.
    """
    if columns is None or columns == ALL:
        return report
    tables = [each for each in report.tables if table in (None, each.name)]
    named = _known(split_names(columns), [str(column) for each in tables for column in each.frame.columns])
    chosen = [
        replace(each, frame=each.frame[[name for name in named if name in each.frame]], hoisted=False)
        for each in tables
    ]
    return replace(report, tables=[each for each in chosen if len(each.frame.columns)])


def _known(named: list[str], columns: list[str]) -> list[str]:
    for name in named:
        if name not in columns:
            near = near_names(name, columns)
            hint = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(dict.fromkeys(columns))}"
            raise BadInput(f"no column {name!r}: {hint}")
    return named
