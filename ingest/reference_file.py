"""What a reference file holds, told by its content: vectors, or similarities or distances of all pairs, with words or without.

- numbers without words (`.npy`, or text): a row per THINGS concept, or per concept of the set in its order;
- a table with words: the column `word` (or the first) names the concepts and numeric columns are their vectors, or the
  header repeats the words and the cells are similarities or distances of pairs;
- a long table concept, feature, value: feature norms, absent pairs count 0;
- words and numbers between blanks, without a header, as word embeddings are published.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

import numpy as np

from triadic.ingest.csvfile import Table, read_table, read_text, separator_of
from triadic.ingest.words import fold
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput, NotFound

WORD_COLUMNS = ("word", "concept", "item", "name", "label")
FEATURE_COLUMNS = ("feature", "property", "attribute")
VALUE_COLUMNS = ("value", "count", "frequency", "production_frequency", "weight", "rating")
_INDEX_COLUMNS = ("", "unnamed: 0", "index", "id")
_CLOSE = 1e-6  # of the largest number: rounding of a file


class FileKind(StrEnum):
    """What the numbers of a reference file are."""

    vectors = "vectors"
    similarity = "similarity"
    distance = "distance"


@dataclass(frozen=True)
class ReferenceFile:
    """`values` (n, d), or (n, n) for a similarity or distance; `words` (n,) name its rows, None for a file without words.

    `notes` are lines on how the file was read.
    """

    path: Path
    kind: FileKind
    values: Floats
    words: list[str] | None = None
    notes: list[str] = field(default_factory=list)


def read_reference_file(path: Path, kind: str | None = None, words: Path | None = None) -> ReferenceFile:
    """A reference file by its content. `kind` overrides the guess, `words` is a file that names the rows, one a line.

    Raises NotFound without a file, BadInput, with the row, for what is none of the kinds, or not complete.
    """
    path = Path(path)
    if not path.is_file():
        raise NotFound(f"no file {path}")
    found = ReferenceFile(path, FileKind.vectors, _array(path)) if path.suffix == ".npy" else _read_text_file(path)
    if words:
        named = [line.strip() for line in read_text(Path(words)).splitlines() if line.strip()]
        if len(named) != len(found.values):
            raise BadInput(
                f"{path} has {len(found.values)} rows and {words} {len(named)} words: they must be of one length"
            )
        found = replace(found, words=named)
    if found.words is not None:
        _check_once(found.words, path)
    return _as_kind(found, kind)


def _read_text_file(path: Path) -> ReferenceFile:
    text = read_text(path)
    first = text.partition("\n")[0].strip()
    separator = separator_of(first)
    cells = [cell.strip().strip('"') for cell in (first.split(separator) if separator in first else first.split())]
    if cells and all(map(_is_number, cells)):
        return ReferenceFile(path, FileKind.vectors, _plain_numbers(path, separator if separator in first else None))
    has_header = cells[:1] and cells[0].lower() in ("", *WORD_COLUMNS)
    if len(cells) > 1 and not has_header and all(map(_is_number, cells[1:])):
        return _words_and_numbers(path, text, separator if separator in first else None)
    if separator not in first:
        raise BadInput(
            f"{path} is not an embedding: give numbers, one row a concept (.npy or text), or a CSV with a column of words"
        )
    table = read_table(path)
    word = table.named(WORD_COLUMNS)
    feature = table.named(FEATURE_COLUMNS)
    if feature and (word or table.header[0] != feature):
        return _long(table, word or table.header[0], feature)
    return _wide(table, word or _first_words(table))


def _array(path: Path) -> Floats:
    try:
        return _checked(path, np.asarray(np.load(path, allow_pickle=False), float))
    except (ValueError, OSError, EOFError) as error:
        raise BadInput(
            f"{path} is not an embedding (.npy, or text with one row of numbers per concept): {error}"
        ) from error


def _plain_numbers(path: Path, separator: str | None) -> Floats:
    try:
        return _checked(path, np.loadtxt(path, ndmin=2, delimiter=separator, encoding="utf-8-sig"))
    except ValueError as error:
        raise BadInput(
            f"{path} is not an embedding (.npy, or text with one row of numbers per concept): {error}"
        ) from error


def _checked(path: Path, matrix: Floats) -> Floats:
    if matrix.ndim != 2 or min(matrix.shape) < 1:
        raise BadInput(
            f"{path} has shape {matrix.shape}: an embedding has one row per concept and one column per dimension"
        )
    if not np.isfinite(matrix).all():
        bad = int((~np.isfinite(matrix)).any(1).argmax())
        raise BadInput(f"{path} holds NaN or infinity, first in row {bad}: a reference must be complete")
    return matrix


def _words_and_numbers(path: Path, text: str, separator: str | None) -> ReferenceFile:
    """A word and its vector a line, without a header."""
    words: list[str] = []
    rows: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        cells = next(csv.reader([line], delimiter=separator), []) if separator else line.split()
        if not line.strip():
            continue
        if rows and len(cells) != len(rows[0]) + 1:
            raise BadInput(f"{path} row {number} has {len(cells) - 1} numbers, and the first row {len(rows[0])}")
        words.append(cells[0].strip())
        rows.append([_number(cell, path, number) for cell in cells[1:]])
    values = np.array(rows, float)
    return ReferenceFile(path, FileKind.vectors, values, words, [f"vectors of {values.shape[1]} numbers, no header"])


def _wide(table: Table, word: str) -> ReferenceFile:
    """A row per concept: its vector, or its similarity to each of the others."""
    lacking = [line for line, row in zip(table.lines, table.rows, strict=True) if row[word] is None]
    if lacking:
        raise BadInput(f"{table.path} row {lacking[0]} has no {word}: every row needs its concept")
    words = [str(row[word]) for row in table.rows]
    others = [name for name in table.header if name != word]
    by_word = {fold(name): name for name in others}
    if len(words) > 2 and {fold(each) for each in words} <= set(by_word):
        columns = [by_word[fold(each)] for each in words]
        square = np.array([_numbers(table, name) for name in columns]).T
        return ReferenceFile(table.path, FileKind.similarity, _mirrored(table.path, square, words), words)
    columns, left_out = [], list[str]()
    for name in others:
        cells = table.column(name)
        filled = [cell for cell in cells if cell is not None]
        numeric = 2 * sum(_is_number(cell, table.separator) for cell in filled) > len(filled) > 0
        is_index = name.lower() in _INDEX_COLUMNS and cells == [str(i) for i in range(len(cells))]
        (columns if numeric and not is_index else left_out).append(name)
    if not columns:
        raise BadInput(f"{table.path} has no column of numbers beside {word}: vectors have one column per dimension")
    values = np.array([_numbers(table, name) for name in columns]).T
    for name, column in zip(columns, values.T, strict=True):
        if np.isnan(column).any():
            line = table.lines[int(np.isnan(column).argmax())]
            raise BadInput(f"{table.path} row {line} has no {name}: a reference must be complete")
    shown = columns[0] if len(columns) == 1 else f"{columns[0]} … {columns[-1]}"
    notes = [f"vectors of {len(columns)} numbers by {word} ({shown})"]
    if left_out:
        notes.append(f"columns left out: {', '.join(name or 'the one without a name' for name in left_out)}")
    return ReferenceFile(table.path, FileKind.vectors, values, words, notes)


def _long(table: Table, word: str, feature: str) -> ReferenceFile:
    """A row per concept and feature: feature norms. Without a column of values each row counts once."""
    rest = [name for name in table.header if name not in (word, feature)]
    value = table.named(VALUE_COLUMNS) or (rest[0] if len(rest) == 1 else None)
    if value is None and rest:
        raise BadInput(f"{table.path} does not say which of {', '.join(rest)} to take: call the column `value`")
    cells: dict[tuple[str, str], float] = {}
    spelled: dict[str, str] = {}
    for row, line in zip(table.rows, table.lines, strict=True):
        if row[word] is None or row[feature] is None:
            raise BadInput(f"{table.path} row {line} has no {word if row[word] is None else feature}")
        pair = (fold(row[word]), row[feature])
        spelled.setdefault(pair[0], row[word])
        if value and pair in cells:
            raise BadInput(f"{table.path} row {line}: {row[word]} has {row[feature]} twice")
        if value and row[value] is None:
            raise BadInput(f"{table.path} row {line} has no {value}")
        cells[pair] = _number(row[value], table.path, line, table.separator) if value else cells.get(pair, 0.0) + 1
    features = {name: at for at, name in enumerate(dict.fromkeys(name for _, name in cells))}
    places = {name: at for at, name in enumerate(spelled)}
    values = np.zeros((len(places), len(features)))
    for (concept, name), number in cells.items():
        values[places[concept], features[name]] = number
    notes = [
        f"feature norms: {len(features):,} features, {np.count_nonzero(values) / values.size:.0%} of the cells filled"
    ]
    return ReferenceFile(table.path, FileKind.vectors, values, list(spelled.values()), notes)


def _as_kind(found: ReferenceFile, kind: str | None) -> ReferenceFile:
    """The file as what its numbers are: what is said of them, else what a square of them looks like."""
    square = found.values.shape[0] == found.values.shape[1]
    by_words = found.kind != FileKind.vectors  # its header repeats its words
    if kind == FileKind.vectors or (kind is None and not square):
        return replace(found, kind=FileKind.vectors)
    if not square:
        raise BadInput(
            f"{found.path} has {found.values.shape[0]} rows and {found.values.shape[1]} columns: a {kind} is square"
        )
    values = found.values
    if np.isnan(values).any():
        if kind is None:
            raise BadInput(f"{found.path} has a blank diagonal: say --kind similarity or --kind distance")
        values = np.nan_to_num(values)
    diagonal = np.diag(values)
    close = _CLOSE * float(np.abs(values).max())
    symmetric = bool((np.abs(values - values.T) <= close).all())
    guessed: FileKind | None = None
    if symmetric and (np.abs(diagonal) <= close).all() and (values >= -close).all():
        guessed = FileKind.distance
    elif symmetric and (diagonal >= values.max(axis=1) - close).all():
        guessed = FileKind.similarity
    if kind is None and guessed is None and not by_words:
        return found  # as many dimensions as concepts
    decided = FileKind(kind) if kind else guessed
    if decided is None or not symmetric:
        _refuse_square(found, symmetric)
    why = "0 on the diagonal" if decided == FileKind.distance else "the largest on the diagonal"
    note = f"read as a {decided} matrix" + (f": symmetric, with {why} (--kind says otherwise)" if kind is None else "")
    return replace(found, kind=decided, values=values, notes=[*found.notes, note])


def distances(found: ReferenceFile) -> Floats:
    """Distances (n, n) of a square file: its own, or the mean of two similarities to oneself less that to the other.

    Where the diagonal of a similarity is blank or 0 the largest similarity stands there. Raises BadInput for distances
    below 0, or all the same.
    """
    values = np.array(found.values)
    if found.kind == FileKind.similarity:
        diagonal = np.diag(values).copy()
        blank = diagonal == 0
        if blank.all():
            diagonal = np.full(len(diagonal), values.max())
        values = (diagonal[:, None] + diagonal) / 2 - values
    np.fill_diagonal(values, 0)
    if (values < -_CLOSE * np.abs(values).max()).any():
        i, j = np.argwhere(values == values.min())[0]
        raise BadInput(
            f"{found.path}: {_called(found, i)} is {'nearer to' if found.kind == FileKind.similarity else 'less than 0 from'} "
            f"{_called(found, j)} than to itself: is it a {found.kind} matrix? (--kind)"
        )
    if not values.any():
        raise BadInput(f"{found.path}: all pairs are the same: there is nothing to compare with")
    return np.maximum(values, 0)


def _refuse_square(found: ReferenceFile, symmetric: bool) -> NoReturn:
    if symmetric:
        raise BadInput(
            f"{found.path} is neither 0 nor the largest on its diagonal: say --kind similarity or --kind distance"
        )
    i, j = np.argwhere(np.abs(found.values - found.values.T) == np.abs(found.values - found.values.T).max())[0]
    raise BadInput(
        f"{found.path} is not symmetric: {_called(found, i)} and {_called(found, j)} have {found.values[i, j]:g} and "
        f"{found.values[j, i]:g} (average the two, or give vectors)"
    )


def _mirrored(path: Path, values: Floats, words: list[str]) -> Floats:
    """A square of which only one half is filled, whole. A diagonal that is blank stays so."""
    values = np.where(np.isnan(values), values.T, values)
    blank = np.argwhere(np.isnan(values) & ~np.eye(len(values), dtype=bool))
    if len(blank):
        i, j = blank[0]
        raise BadInput(f"{path} says nothing of {words[i]} and {words[j]}: a reference must be complete")
    return values


def _first_words(table: Table) -> str:
    """The column that names the concepts where none is called so: the first that holds no number."""
    for name in table.header:
        cells = [cell for cell in table.column(name) if cell is not None]
        if cells and not any(_is_number(cell, table.separator) for cell in cells):
            return name
    raise BadInput(f"{table.path} has no column that names the concepts: call it `word`")


def _numbers(table: Table, column: str) -> list[float]:
    """A column as numbers, NaN where it is empty."""
    return [
        float("nan") if row[column] is None else _number(row[column], table.path, line, table.separator)
        for row, line in zip(table.rows, table.lines, strict=True)
    ]


def _number(cell: str, path: Path, line: int, separator: str = ",") -> float:
    try:
        value = float(cell.replace(",", ".") if separator == ";" else cell)
    except ValueError:
        raise BadInput(f"{path} row {line}: {cell!r} is no number") from None
    if not np.isfinite(value):
        raise BadInput(f"{path} row {line} holds {cell}: a reference must be complete")
    return value


def _is_number(cell: str, separator: str = ",") -> bool:
    try:
        float(cell.replace(",", ".") if separator == ";" else cell)
    except ValueError:
        return False
    return True


def _check_once(words: list[str], path: Path) -> None:
    folded = [fold(word) for word in words]
    if len(set(folded)) < len(folded):
        twice = next(word for word, key in zip(words, folded, strict=True) if folded.count(key) > 1)
        raise BadInput(f"{path} has {twice!r} in more than one row: a reference has one row per concept")


def _called(found: ReferenceFile, at: int) -> str:
    return found.words[at] if found.words else f"row {at + 1}"
