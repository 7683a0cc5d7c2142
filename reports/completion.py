"""What a shell offers when a name is half typed: the lab is read as it is, at once, or nothing is offered."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

HOW = """\b
Commands, options and names of the lab complete on TAB after (zsh_source, fish_source in those shells):
  eval "$(_TRIADIC_COMPLETE=bash_source triadic)"
"""


class LabName(click.ParamType[str]):
    """A name of something in the lab; with `many`, several with commas between them. It is taken as it is typed.

    `queries` list names; the first of them that has one that fits is what is offered.
    """

    name = "text"

    def __init__(self, *queries: str, many: bool = False) -> None:
        self.queries, self.many = queries, many

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        before, _, begun = incomplete.rpartition(",") if self.many else ("", "", incomplete)
        for query in self.queries:
            found = [name for name in _read(_folder(ctx), query) if name.lower().startswith(begun.lower())]
            if found:
                return [CompletionItem(f"{before},{name}" if before else name) for name in found]
        return []


_SHOWN = "SELECT rater_name FROM rater_current WHERE NOT is_removed ORDER BY 1"
_OWN = """SELECT rater_name FROM rater_current LEFT JOIN model_current USING (rater_id)
    WHERE NOT is_removed AND (weights IS NOT NULL OR rater_id IN (SELECT rater_id FROM run)) ORDER BY 1"""
RATER = LabName(_OWN, _SHOWN)
RATERS = LabName(_OWN, _SHOWN, many=True)
TRIPLET_SET = LabName("SELECT name FROM question_set ORDER BY 1")
CONCEPT_SET = LabName("SELECT concept_set_id FROM concept_set ORDER BY 1")
REFERENCE = LabName("SELECT DISTINCT name FROM embedding WHERE role = 'reference' ORDER BY 1")
BY_SETTING: dict[str, click.ParamType[Any]] = {
    **dict.fromkeys(("model", "first", "second"), RATER),
    "reference": REFERENCE,
    "triplet_set": TRIPLET_SET,
}


def _folder(ctx: click.Context) -> Path:
    typed = ctx.params.get("folder") or ctx.find_root().params.get("lab")
    return Path(typed or os.environ.get("TRIADIC_LAB") or "lab")


def _read(folder: Path, query: str) -> list[str]:
    """The first column of a query; nothing without a lab, with an older one, or while another process writes to it."""
    import duckdb

    file = folder / "lab.duckdb"
    if not file.is_file():
        return []
    try:
        with duckdb.connect(str(file), read_only=True) as con:
            return [str(row[0]) for row in con.execute(query).fetchall()]
    except duckdb.Error:
        return []
