"""How texts spell the names of concepts: in any case, with or without accents, in singular or plural, hyphenated or not."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

_MARKS = re.compile("[\ue000-\ue0ff]")  # private use: no text has a meaning for these signs
_JOINS = re.compile(r"[\s\-_]+")
_IRREGULAR = {"mouse": "mice", "goose": "geese", "foot": "feet", "tooth": "teeth", "child": "children", "ox": "oxen"}


def plain(text: str) -> str:
    """Lower case without accents, so that `Soufflé` is `souffle`."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))


def marked(line: str, names: Mapping[str, str]) -> str:
    """A line in plain letters, in which each of `names` is its mark (a sign of U+E000 to U+E0FF) wherever it stands.

    names: mark to name.

    The longest name at a place wins, so that `baseball glove` does not also name `baseball`; of two that share a spelling
    (one's plural is the other's name) the one whose exact name it is.
    """
    line = _MARKS.sub(" ", plain(line))
    found: list[tuple[int, int, bool, str]] = []
    for mark, name in names.items():
        for match in _pattern(name).finditer(line):
            exact = _JOINS.sub("", match[0]) == _JOINS.sub("", plain(name))
            found.append((match.start(), -match.end(), not exact, mark))
    out, done = [], 0
    for start, end, _, mark in sorted(found):
        if start >= done:
            out += [line[done:start], mark]
            done = -end
    return "".join([*out, line[done:]])


@lru_cache(maxsize=8192)
def _pattern(name: str) -> re.Pattern[str]:
    """All spellings of one name, the longest first."""
    *front, last = _JOINS.split(plain(name).strip())
    forms = sorted(_numbers(last), key=lambda form: -len(form))
    spellings = (r"[\s\-_]*".join(re.escape(word) for word in [*front, form]) for form in forms)
    return re.compile(rf"(?<!\w)(?:{'|'.join(spellings)})(?!\w)")


def _numbers(word: str) -> list[str]:
    """The word itself, its plural and singular spellings."""
    forms = [word, _IRREGULAR.get(word, word), f"{word}s", f"{word}es"]
    if word.endswith("y"):
        forms.append(f"{word[:-1]}ies")
    if word.endswith(("f", "fe")):
        forms.append(f"{word.rstrip('e')[:-1]}ves")
    if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        forms.append(word[:-1])
    return list(dict.fromkeys(forms))
