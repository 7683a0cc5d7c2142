"""How results are printed and saved: one vocabulary for every listing, report and file. Nothing heavy is imported."""

from __future__ import annotations

from pathlib import Path

from triadic.schema.errors import BadInput

FORMATS = {
    "table": "txt",
    "csv": "csv",
    "json": "json",
    "latex": "tex",
    "markdown": "md",
    "parquet": "parquet",
}  # suffix


def known_format(name: str) -> str:
    """The format of that name. Raises BadInput, naming those there are."""
    if name not in FORMATS:
        raise BadInput(f"no format {name!r}: use one of {', '.join(FORMATS)}")
    return name


def format_of(path: Path) -> str:
    """The format that a file's suffix stands for. Raises BadInput, naming the suffixes there are."""
    for name, suffix in FORMATS.items():
        if path.suffix.lower() == f".{suffix}":
            return name
    suffixes = ", ".join(f".{suffix}" for suffix in FORMATS.values())
    raise BadInput(f"{path.name} does not say its format: end it in one of {suffixes}, or give --format")
