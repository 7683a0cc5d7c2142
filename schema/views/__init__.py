"""The report logic in SQL: one view per file, with a comment per column, replaced whenever a file changes.

A file is `-- what the view holds`, then `CREATE OR REPLACE VIEW name AS`, its parts indented, and a last SELECT at the left
margin, one column an entry with `-- what it is` behind it. These comments become the database's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files
from itertools import takewhile

_READ = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)")
_COLUMNS = re.compile(r"^SELECT\n(.*?)^(?:FROM |;)", re.DOTALL | re.MULTILINE)
_NAME = re.compile(r"(\w+)[\s,]*$")


@dataclass(frozen=True)
class View:
    """A view's name, its statement, and what it says of itself and of its columns, in their order.

    A column that is `*` or `COLUMNS(…)` stands for many, which are described where they come from.
    """

    name: str
    sql: str

    @property
    def reads(self) -> set[str]:
        """Tables, views and parts of its own that it selects from."""
        return set(_READ.findall(re.sub(r"--.*", "", self.sql)))

    @property
    def comment(self) -> str:
        """What stands above the statement."""
        above = takewhile(lambda line: line.startswith("--"), self.sql.splitlines())
        return " ".join(line.removeprefix("--").strip() for line in above)

    @property
    def column_comments(self) -> dict[str, str]:
        """Column → what it is; empty text for one that has no comment."""
        found = _COLUMNS.search(self.sql)
        return dict(_columns(found.group(1))) if found else {}


@cache
def views() -> tuple[View, ...]:
    """All files of this folder, each after those it reads."""
    folder = {file.name.removesuffix(".sql"): file for file in files(__name__).iterdir() if file.name.endswith(".sql")}
    found = {name: View(name, folder[name].read_text(encoding="utf-8")) for name in sorted(folder)}
    order = TopologicalSorter({name: view.reads & found.keys() for name, view in found.items()})
    return tuple(found[name] for name in order.static_order())


def _columns(text: str) -> Iterator[tuple[str, str]]:
    """(name, comment) of each entry of a SELECT list; an entry ends with a comma outside all brackets."""
    code, comment = "", ""
    for line in [*text.splitlines(), ","]:
        part, _, remark = line.partition("--")
        code, comment = f"{code} {part.strip()}", f"{comment} {remark.strip()}".strip()
        if code.endswith(",") and code.count("(") == code.count(")") and code.count("[") == code.count("]"):
            if name := _NAME.search(code):
                yield name.group(1), comment
            code, comment = "", ""
