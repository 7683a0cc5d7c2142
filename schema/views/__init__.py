"""The report logic in SQL: one view per file, with a comment per column, replaced whenever a file changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

# A view stands after the views it reads.
ORDER = (
    "run_status",
    "model_current",
    "judgment",
    "rater_status",
    "answer_quality",
    "concept_quality",
    "nearer",
    "alignment",
    "alignment_score",
    "ingredient_frame",
    "benchmark_frame",
    "post_training_frame",
    "model_pair",
)


@dataclass(frozen=True)
class Views:
    sql: tuple[str, ...]
    digest: str


@cache
def load_views() -> Views:
    """The statements in order, and a digest that tells whether a lab has these or older ones."""
    from triadic.schema.keys import content_key

    folder = files("triadic.schema.views")
    sql = tuple((folder / f"{name}.sql").read_text() for name in ORDER)
    return Views(sql, content_key(sql))
