"""What a report is: a title, tables, notes and figures. Nothing here knows how any of it is printed or drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from triadic.schema.errors import NotFound

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = dict[str, Any]  # a row of a table in the making, by column
Drawings = dict[str, Callable[[], "Figure"]]  # by file name, what draws it


@dataclass(frozen=True)
class Table:
    """One table of results. `preview` is how many rows a reader is given; files hold them all.

    `empty` says, where there are no rows, what that means and which command brings some. `hoisted`: what is the same in
    every row about where figures come from stands in the heading instead.
    """

    name: str
    caption: str
    frame: pd.DataFrame
    preview: int | None = None
    empty: str | None = None
    hoisted: bool = True


def explained(frame: pd.DataFrame, empty: str, then: str | None = None) -> pd.DataFrame:
    """The frame, with what is said of it: why it has no rows and which command brings some, and what comes next."""
    frame.attrs |= {"empty": empty, "then": then}
    return frame


def concatenated(parts: dict[str, list[pd.DataFrame]], captions: dict[str, str], **previews: int) -> list[Table]:
    """A table for each name, the rows of all scopes below one another."""
    return [
        Table(name, captions[name], pd.concat(frames, ignore_index=True), previews.get(name), "too few models for it")
        for name, frames in parts.items()
    ]


@dataclass
class Report:
    """`figures` maps a file name to what draws it, so that nothing is drawn that nobody asked for."""

    name: str
    title: str
    tables: list[Table]
    notes: list[str] = field(default_factory=list)
    figures: Drawings = field(default_factory=dict)

    def table(self, name: str) -> Table:
        """One table. Raises NotFound, naming those there are."""
        for table in self.tables:
            if table.name == name:
                return table
        raise NotFound(f"no table {name!r} in report {self.name}: use one of {', '.join(t.name for t in self.tables)}")

    def frame(self, name: str) -> pd.DataFrame:
        """The rows of one table. Raises NotFound, naming those there are."""
        return self.table(name).frame
