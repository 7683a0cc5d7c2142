"""What a report is: a title, tables, notes and figures. Nothing here knows how any of it is printed or drawn."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from triadic.schema.errors import NotFound

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Table:
    """One table of results. `preview` is how many rows a reader is shown; files hold them all."""

    name: str
    caption: str
    frame: "pd.DataFrame"
    preview: int | None = None


@dataclass
class Report:
    """`figures` maps a file name to what draws it, so that nothing is drawn that nobody asked for."""

    name: str
    title: str
    tables: list[Table]
    notes: list[str] = field(default_factory=list)
    figures: dict[str, Callable[[], "Figure"]] = field(default_factory=dict)

    def frame(self, name: str) -> "pd.DataFrame":
        """The rows of one table. Raises NotFound, naming those there are."""
        for table in self.tables:
            if table.name == name:
                return table.frame
        raise NotFound(f"report {self.name} has no table {name!r}; it has {', '.join(t.name for t in self.tables)}")
