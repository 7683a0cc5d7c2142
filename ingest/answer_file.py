"""What a file of people's answers holds, told by its content. Each answer becomes a question, how it was shown, a choice.

- three columns of 0-based positions, the odd one last: the files of the THINGS triplet task (Hebart et al. 2020, 2023);
- a table of words: anchor, left, right and the choice, which of two is more similar to the anchor;
- a table of words: a, b, c and the odd one.

A new form is a reader here and a line in `read_answer_file`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from triadic.ingest.csvfile import Table, read_table, read_text, separator_of
from triadic.ingest.words import concept_set_with, fold, matched
from triadic.schema.arrays import Bools, Floats, Ints, Objects
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lab import Lab
from triadic.schema.lookup import read_concepts
from triadic.schema.vocabulary import DEFAULT_SET, Choice, Framing

# What a column may be called, by what it says; `--columns` names any other.
ANCHORED = {
    "anchor": ("anchor", "head", "target", "probe", "reference"),
    "left": ("left", "left_item", "option_left", "first_option"),
    "right": ("right", "right_item", "option_right", "second_option"),
    "choice": ("choice", "chosen", "winner", "near", "nearer", "answer", "response", "selected"),
}
NEAR_AND_FAR = {
    "anchor": ANCHORED["anchor"],
    "near": ("near", "nearer", "winner", "chosen"),
    "far": ("far", "farther", "loser", "not_chosen"),
}
ODD_ONE_OUT = {
    "a": ("a", "item1", "word1", "first"),
    "b": ("b", "item2", "word2", "second"),
    "c": ("c", "item3", "word3", "third"),
    "odd": ("odd", "odd_one", "odd_one_out", "choice", "chosen", "answer", "response"),
}


@dataclass(frozen=True)
class AnswerFile:
    """n answers in the order of a file.

    `questions` (n, 3): positions, for anchored ones the anchor and its two options in ascending order, for odd-one-out
    ones all three in ascending order. `flipped` (n,): the options were shown the other way round. `choice` (n,): a
    `Choice`, or None where the file has none. `participants` (n,): who gave each, where that was asked for. `columns`
    are those that were read, by what they say; empty for a file without a header.
    """

    concept_set_id: str
    framing: Framing
    questions: Ints
    flipped: Bools
    choice: Objects
    columns: dict[str, str]
    participants: list[str] | None = None


def read_answer_file(
    lab: Lab,
    path: Path,
    concept_set_id: str | None = None,
    columns: Mapping[str, str] | None = None,
    by: str | None = None,
) -> AnswerFile:
    """The answers in a file about a concept set; without one, about the smallest that has all of the file's words.

    `columns` says what columns are called, by what they say (anchor, left, right, choice; anchor, near, far; a, b, c,
    odd), `by` which one names the participants. Raises NotFound without the file or the concept set, BadInput, with the
    row, for answers that cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise NotFound(f"no file {path}")
    if path.suffix == ".npy" or _holds_numbers(path):
        if columns or by:
            raise BadInput(f"{path} has no header: --columns and --by need a table with one")
        return _positions(lab, path, concept_set_id or DEFAULT_SET)
    table = read_table(path)
    roles = _roles(table, dict(columns or {}))
    participants = _participants(table, by) if by else None
    items = [name for name in roles if name not in ("choice", "odd")]
    cells = {name: table.column(roles[name]) for name in roles}
    if concept_set_id is None:
        concept_set_id = concept_set_with(lab, {cell for name in items for cell in cells[name] if cell})
    words = [cell for row in zip(*(cells[name] for name in items), strict=True) for cell in row]
    lines = [line for line in table.lines for _ in items]
    shown = np.array(matched(lab, concept_set_id, words, lines, path)).reshape(-1, len(items))
    if (same := _not_different(shown)) is not None:
        stand = ", ".join(table.rows[same][roles[name]] for name in items)
        raise BadInput(f"{path} row {table.lines[same]} is {stand}: the three concepts must differ")
    if "odd" in roles:
        odd = _chosen(table, roles, items, "odd")
        return AnswerFile(concept_set_id, Framing.odd_one_out, *_odd_ones(shown, odd), roles, participants)
    if "near" in roles:  # which was shown first is not told
        chosen = np.zeros(len(shown), int)
        questions, flipped, choice = _anchored(shown, chosen)
        flipped = np.zeros(len(shown), bool)
    else:
        chosen = _chosen(table, roles, ["left", "right"], "choice")
        questions, flipped, choice = _anchored(shown, chosen)
    return AnswerFile(concept_set_id, Framing.anchored, questions, flipped, choice, roles, participants)


def _anchored(shown: Ints, chosen: Ints) -> tuple[Ints, Bools, Objects]:
    """Answers (n, 3) of anchor, left, right, as shown, and which was chosen (0, 1, or -1 for neither), as questions."""
    flipped: Bools = shown[:, 1] > shown[:, 2]
    questions = np.concatenate([shown[:, :1], np.sort(shown[:, 1:], axis=1)], axis=1)
    names = np.array([Choice.left.value, Choice.right.value, None], object)
    place = np.where(chosen < 0, 2, np.where(flipped, 1 - chosen, chosen))
    return questions, flipped, names[place]


def _odd_ones(shown: Ints, odd: Ints) -> tuple[Ints, Bools, Objects]:
    """Answers (n, 3) of three positions, and which is the odd one (0, 1, 2, or -1), as questions.

    The odd one is the anchor (apart), the left option (anchor and right go together: right) or the right one (left).
    """
    questions = np.sort(shown, axis=1)
    which = np.take_along_axis(shown, np.maximum(odd, 0)[:, None], axis=1)
    place = np.where(odd < 0, 3, (questions == which).argmax(axis=1))
    names = np.array([Choice.apart.value, Choice.right.value, Choice.left.value, None], object)
    return questions, np.zeros(len(shown), bool), names[place]


def _roles(table: Table, given: dict[str, str]) -> dict[str, str]:
    """What the columns say, {role: column}, by what they are called or are told to be."""
    forms = (ANCHORED, ODD_ONE_OUT, NEAR_AND_FAR)
    known = {role for form in forms for role in form}
    if strangers := set(given) - known:
        raise BadInput(f"--columns: {', '.join(sorted(strangers))} is none of {', '.join(sorted(known))}")
    if missing := [name for name in given.values() if name not in table.header]:
        raise BadInput(f"{table.path} has no column {', '.join(missing)}; its columns are: {', '.join(table.header)}")
    for form in forms:
        found = {role: given.get(role) or table.named(names) for role, names in form.items()}
        if set(given) <= set(form) and all(found.values()):
            return {role: str(column) for role, column in found.items()}
    raise BadInput(
        f"{table.path} has the columns {', '.join(table.header)}: answers are anchor, left, right, choice, or a, b, c, odd "
        "(say which is which with --columns anchor=…,left=…,right=…,choice=…), or three columns of positions, no header"
    )


def _chosen(table: Table, roles: Mapping[str, str], items: list[str], role: str) -> Ints:
    """Which of `items` each row chose: their number, -1 for an empty cell.

    A cell holds the item's word, what it is called (left, right, a, b, c, or its column), or its number from 0.
    """
    names = [{item, roles[item].lower(), str(at)} for at, item in enumerate(items)]
    chosen = []
    for row, line in zip(table.rows, table.lines, strict=True):
        cell = row[roles[role]]
        if cell is None:
            chosen.append(-1)
            continue
        by_word = [at for at, item in enumerate(items) if fold(row[roles[item]]) == fold(cell)]
        by_name = [at for at, known in enumerate(names) if cell.lower() in known]
        if not (found := by_word or by_name):
            offered = ", ".join(row[roles[item]] for item in items)
            raise BadInput(f"{table.path} row {line}: {roles[role]} is {cell!r}, and the options are {offered}")
        chosen.append(found[0])
    return np.array(chosen)


def _participants(table: Table, by: str) -> list[str]:
    if by not in table.header:
        raise BadInput(f"{table.path} has no column {by}; its columns are: {', '.join(table.header)}")
    for row, line in zip(table.rows, table.lines, strict=True):
        if row[by] is None:
            raise BadInput(f"{table.path} row {line} has no {by}: every answer needs its participant")
    return [row[by] for row in table.rows]


def _not_different(shown: Ints) -> int | None:
    """The first row (of n, 3) in which two concepts are one."""
    a, b, c = shown.T
    same = (a == b) | (a == c) | (b == c)
    return int(same.argmax()) if same.any() else None


def _holds_numbers(path: Path) -> bool:
    """Whether a text begins with numbers, not with names of columns."""
    first = read_text(path).partition("\n")[0]
    separator = separator_of(first)
    try:
        return bool([float(cell) for cell in (first.split(separator) if separator in first else first.split())])
    except ValueError:
        return False


def _positions(lab: Lab, path: Path, concept_set_id: str) -> AnswerFile:
    """Three columns of positions, the odd one last: of a .npy file, or of text with spaces, tabs or commas between."""
    try:
        if path.suffix == ".npy":
            answers: Floats | Ints = np.load(path, allow_pickle=False)
        else:
            with path.open(encoding="utf-8-sig") as lines:
                separator = "," if "," in lines.readline() else None
            # Read as floats: older THINGS files write whole numbers as 1.000e+00.
            answers = np.loadtxt(path, delimiter=separator, ndmin=2, encoding="utf-8-sig")
    except (ValueError, OSError, EOFError) as error:
        raise BadInput(f"{path} is not three columns of whole numbers: {str(error).splitlines()[0]}") from error
    if answers.ndim != 2 or answers.shape[1] != 3 or not len(answers):
        raise BadInput(f"{path} has shape {answers.shape}: odd-one-out answers are three columns, the odd one last")
    if answers.dtype.kind == "f" and not np.array_equal(answers, np.round(answers)):
        row = int((answers != np.round(answers)).any(axis=1).argmax())
        raise BadInput(f"{path} row {row + 1}: positions are whole numbers, counted from 0")
    n_concepts = len(read_concepts(lab, concept_set_id))
    outside = ((answers < 0) | (answers >= n_concepts)).any(axis=1)
    if outside.any():
        row = int(outside.argmax())
        raise BadInput(
            f"{path} row {row + 1} is {answers[row].astype(int).tolist()}: the concept set {concept_set_id} has positions "
            f"0 … {n_concepts - 1} (name the set the file was made for with --concepts)"
        )
    shown = answers.astype(np.int64)
    if (same := _not_different(shown)) is not None:
        raise BadInput(f"{path} row {same + 1} is {shown[same].tolist()}: the three concepts must differ")
    return AnswerFile(concept_set_id, Framing.odd_one_out, *_odd_ones(shown, np.full(len(shown), 2)), {})
