"""What a text answers: the name of one option, or a reason why not. Pure, and by names only.

The rule, in order: reasoning is removed; of what is left the first line with a word in it counts. A line that opens
with one option's name and then punctuation or its end names that option. Otherwise every name in the line counts:
exactly one option named is the answer, more is 'both', none is 'refusal', 'truncated', 'empty' or 'neither'.

A name matches in any case, with or without accents, as singular or plural, its words joined by spaces or hyphens. The
longest name at a place wins, so `baseball glove` does not also name `baseball`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from triadic.schema.vocabulary import InvalidReason

RULE = "the first line that names one option, version 1"  # a rule that reads any text otherwise is another version

_REASONING = re.compile(
    r"<(think|thinking|reasoning|thought)>.*?</\1>|\[THINK\].*?\[/THINK\]|◁think▷.*?◁/think▷", re.S | re.I
)
_REASONING_END = re.compile(
    r"</(?:think|thinking|reasoning|thought)>|\[/THINK\]|◁/think▷|<\|channel\|>final<\|message\|>", re.I
)
_REASONING_START = re.compile(
    r"<(?:think|thinking|reasoning|thought)>|\[THINK\]|◁think▷|<\|channel\|>(?:analysis|commentary)", re.I
)
_LEAD = re.compile(
    r"""[\s"'*`_#>(\[“‘-]*(?:(?:the\s+)?(?:answer|response|item)\s*(?:is\b|:)\s*:?)?[\s"'*`_(\[“‘]*"""
    r"""(?:(?:a|an|the)\s+)?["'*`_(\[“‘]*""",
    re.I,
)
_REFUSAL = re.compile(
    r"\b(sorry|apologi[sz]e|unable|cannot|can't|can not|don't know|do not know|not sure|not able|won't|as an ai)\b",
    re.I,
)
_IRREGULAR = {"mouse": "mice", "goose": "geese", "foot": "feet", "tooth": "teeth", "child": "children", "ox": "oxen"}
_CLOSERS = (".", ",", ";", ":", "!", "?", ")", "<|")


def parse(text: str | None, options: Sequence[str], finished: bool = True) -> tuple[int | None, str | None]:
    """The position in `options` of the one that `text` names, or the reason why there is none.

    Returns (position, None) or (None, reason), an InvalidReason. `finished` says that the model stopped by itself;
    a text that ran into the limit on its length and names nothing is 'truncated'.
    """
    answer, open_ended = strip_reasoning(text or "")
    if open_ended:
        return None, InvalidReason.truncated.value
    line = _first_line(answer)
    if line is None:
        return None, InvalidReason.empty.value if finished else InvalidReason.truncated.value
    leading = _leading_name(line, tuple(options), closed=True)
    if leading is not None:
        return leading, None
    named = _named(line, tuple(options))
    if len(named) == 1:
        return next(iter(named)), None
    if len(named) > 1:
        return None, InvalidReason.both.value
    if _REFUSAL.search(line):
        return None, InvalidReason.refusal.value
    return None, InvalidReason.neither.value if finished else InvalidReason.truncated.value


def decided(text: str, options: Sequence[str]) -> bool:
    """Whether no continuation (other than the end of reasoning) can change what `parse` makes of `text`."""
    answer, open_ended = strip_reasoning(text)
    line = _first_line(answer)
    if open_ended or line is None:
        return False
    if f"{line}\n" in answer:
        return True
    return _leading_name(line, tuple(options), closed=False) is not None


def strip_reasoning(text: str) -> tuple[str, bool]:
    """(text after the reasoning, whether reasoning was begun and never ended)."""
    rest = _REASONING.sub(" ", text)
    ends = list(_REASONING_END.finditer(rest))
    if ends:
        rest = rest[ends[-1].end() :]  # a template may open the reasoning itself, so that the text has only its end
    start = _REASONING_START.search(rest)
    if start is None:
        return rest, False
    return rest[: start.start()], not rest[: start.start()].strip()


def _first_line(answer: str) -> str | None:
    """The first line that says something beyond `Answer:`."""
    for line in answer.split("\n"):
        if re.search(r"\w", line[_lead(line) :]):
            return line
    return None


def _lead(line: str) -> int:
    """How many characters of quotes, articles and `Answer:` a line opens with."""
    match = _LEAD.match(line)
    return match.end() if match else 0


def _plain(text: str) -> str:
    """Lower case without accents, so that `Soufflé` is `souffle`."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))


def _numbers(word: str) -> list[str]:
    """The word itself first, then its plural and singular spellings."""
    forms = [word, _IRREGULAR.get(word, word), f"{word}s", f"{word}es"]
    if word.endswith("y"):
        forms.append(f"{word[:-1]}ies")
    if word.endswith(("f", "fe")):
        forms.append(f"{word.rstrip('e')[:-1]}ves")
    if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        forms.append(word[:-1])
    return list(dict.fromkeys(forms))


@lru_cache(maxsize=4096)
def _pattern(options: tuple[str, ...]) -> tuple[re.Pattern[str], dict[str, int]]:
    """One expression for all spellings of all options, the longest first, and whose spelling each group is.

    A spelling that two options share (one's plural is the other's name) belongs to the one it is the exact name of.
    """
    spellings: dict[str, tuple[int, int]] = {}
    for at, option in enumerate(options):
        *front, last = re.split(r"[\s\-_]+", _plain(option).strip())
        for rank, form in enumerate(_numbers(last)):
            spelling = r"[\s\-_]*".join(re.escape(word) for word in [*front, form])
            if spelling not in spellings or min(rank, 1) < spellings[spelling][1]:
                spellings[spelling] = (at, min(rank, 1))
    ordered = sorted(spellings, key=lambda spelling: (-len(spelling), spelling))
    groups = {f"g{number}": spellings[spelling][0] for number, spelling in enumerate(ordered)}
    body = "|".join(f"(?P<g{number}>{spelling})" for number, spelling in enumerate(ordered))
    return re.compile(rf"(?<!\w)(?:{body})(?!\w)"), groups


def _named(line: str, options: tuple[str, ...]) -> set[int]:
    """Positions of all options that the line names."""
    pattern, groups = _pattern(options)
    return {groups[match.lastgroup or ""] for match in pattern.finditer(_plain(line))}


def _leading_name(line: str, options: tuple[str, ...], closed: bool) -> int | None:
    """The option that the line opens with, when punctuation (or, with `closed`, the line's end) follows it."""
    plain = _plain(line)
    pattern, groups = _pattern(options)
    match = pattern.match(plain, _lead(plain))
    if match is None:
        return None
    after = plain[match.end() :].lstrip("\"'*`_”’")
    if after.startswith(_CLOSERS) or (closed and not after.strip()):
        return groups[match.lastgroup or ""]
    return None
