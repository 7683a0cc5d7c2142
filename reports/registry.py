"""Every report under the name of its command, a line each: the command line builds its commands from this alone.

A report is a module with a function `report(store, …)` whose settings are stated as `Annotated[T, Option("…")]` (see
`triadic.schema.options.settings_of`) and whose docstring begins with what it answers and ends in an example.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

from triadic.reports import benchmarks, compare, concepts, ingredients, paper, quality, ranking, regression, stages
from triadic.reports.report import Report

REPORTS: dict[str, Callable[..., Report]] = {
    "quality": quality.report,
    "compare": compare.report,
    "concepts": concepts.report,
    "ranking": ranking.report,
    "ingredients": ingredients.report,
    "regression": regression.report,
    "stages": stages.report,
    "benchmarks": benchmarks.report,
    "paper": paper.report,
}


def help_of(report: Callable[..., Report]) -> str:
    """What a reader is told of a report: the first paragraph of its docstring, and its last, the example."""
    first, *_, example = inspect.cleandoc(report.__doc__ or "").split("\n\n")
    return f"{first}\n\n\b\n{example}"
