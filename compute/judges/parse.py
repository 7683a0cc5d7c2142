"""What a text answers: the name of one option, or a reason why not. Pure, and by names only.

The rule, in order: reasoning is removed; of what is left the first line with a word in it counts. Where the text says the
question again, what stands in front of it counts, else what follows, if it is the question asked and whole: another
question, or one that nothing follows, is 'restated'. Of the line that counts, an option's name at its beginning with
punctuation or the end behind it is the answer. Otherwise every name in it counts: exactly one option named is the answer,
more is 'both', none is 'refusal', 'truncated', 'empty' or 'neither'. A name that only says what others are compared with
("the item most similar to a bow is …") is none; options one after the other, as a list, are 'both', line by line
'restated'. A name that a text cut off in the midst of a word or of a list ends with is 'truncated'.

A name matches as `spellings` has it. The longest name at a place wins, so `baseball glove` does not also name `baseball`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from triadic.compute.judges.restatement import ANCHOR, OPTION, OPTIONS, compared, find_question, is_label, question_end
from triadic.compute.judges.spellings import marked
from triadic.schema.vocabulary import InvalidReason

RULE = "the first line that names one option, version 2"  # a rule that reads any text otherwise is another version

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
_OPTION = re.compile(OPTION)
_SAYS = re.compile(rf"\w|{OPTION}|{ANCHOR}")
_QUOTES = "\"'*`_”’"
_CLOSERS = (".", ":", "!", "?", ")", "<|")
_COMMA = re.compile(r"[,;]\s*(?:(?:or|and)\s+)?(?:(?:a|an|the)\s+)?")  # between two names of a list
_BULLET = re.compile(r"\s*(?:\(?(?:[a-h]|[1-9]\d?)[.):]|[-*•])\s+")
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")
_JOINING, _OPPOSING = {"or", "and", "nor", "versus", "vs"}, {"than", "not"}  # words that more names follow
_WORDLESS = 3  # lines of "Answer:" and nothing after it, after which no more is read


@dataclass(frozen=True)
class _Reading:
    """What a text answers if it ends here: `place` of the option, or `reason`.

    `settled`: nothing that may follow changes it. `cut`: what follows could well change it, if the text did not end.
    `again`: the question was said again in front of it.
    """

    place: int | None
    reason: InvalidReason | None = None
    settled: bool = False
    cut: bool = False
    again: bool = False


def parse(
    text: str | None, options: Sequence[str], anchor: str | None = None, finished: bool = True
) -> tuple[int | None, str | None]:
    """The position in `options` of the one that `text` names, or the reason why there is none.

    Returns (position, None) or (None, reason), an InvalidReason. `finished` says that the model stopped by itself, not at
    the limit on its length. `anchor` is what two options are compared with: without it another question is not told
    from the question asked.
    """
    reading = _read(text or "", tuple(options), anchor)
    reason = reading.reason
    if not (finished or reading.settled) and (reading.cut or reason in (InvalidReason.empty, InvalidReason.neither)):
        named = reading.place is not None
        reason = InvalidReason.restated if reading.again and not named else InvalidReason.truncated
    return (reading.place, None) if reason is None else (None, reason.value)


def decided(text: str, options: Sequence[str], anchor: str | None = None) -> bool:
    """Whether no continuation (other than the end of reasoning) can change what `parse` makes of `text`."""
    return _read(text, tuple(options), anchor).settled


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


def _read(text: str, options: tuple[str, ...], anchor: str | None) -> _Reading:
    """`text` as if it ended here."""
    answer, open_ended = strip_reasoning(text)
    if open_ended:
        return _Reading(None, InvalidReason.truncated)
    names = dict(zip(OPTIONS, options, strict=False))
    if anchor is not None and len(options) == 2:
        names[ANCHOR] = anchor
    lines = [marked(line, names) for line in answer.split("\n")]
    whole = labelled = False
    wordless = 0
    for number, line in enumerate(lines):
        rest, closed = line, number < len(lines) - 1
        while (found := find_question(rest)) and not is_label(rest):
            before, followed = rest[: found[0]], closed or found[1] < len(rest)
            if _OPTION.search(before) or _REFUSAL.search(before):
                return _read_line(before, followed)
            end = None if whole else question_end(rest, found[0], len(options), ANCHOR in names)
            if end is None:
                return _Reading(None, InvalidReason.restated, settled=followed if whole else closed)
            whole, rest = True, rest[end:]
        if is_label(rest):
            labelled, wordless = True, wordless + 1
        elif _SAYS.search(rest, _lead(rest)):
            return replace(_read_item([rest, *lines[number + 1 :]]), again=whole)
        elif _SAYS.search(rest):
            wordless += 1
        if closed and wordless >= _WORDLESS:
            break
    reason = InvalidReason.restated if whole or labelled else InvalidReason.empty
    return _Reading(None, reason, settled=wordless >= _WORDLESS and closed)


def _read_item(lines: list[str]) -> _Reading:
    """The first of these lines, which is the first item of a list if the next one is an item too."""
    line, *below = lines
    bullet = _BULLET.match(line)
    first = _read_line(line[bullet.end() if bullet else 0 :], closed=bool(below))
    if bullet is None or first.place is None:
        return first
    number = next((number for number, each in enumerate(below) if each.strip()), None)
    if number is None:
        return replace(first, settled=False, cut=True)
    closed = number < len(below) - 1
    others = {OPTIONS.index(mark) for mark in _OPTION.findall(below[number])} - {first.place}
    if _BULLET.match(below[number]) and others:
        return _Reading(None, InvalidReason.restated, settled=closed)
    return replace(first, settled=closed, cut=not closed)


def _read_line(line: str, closed: bool) -> _Reading:
    """One line by itself; `closed` says that nothing can follow in it."""
    marks, opening = set(_OPTION.findall(line)), _OPTION.match(line, _lead(line))
    if opening is not None:
        place = OPTIONS.index(opening[0])
        after = line[opening.end() :].lstrip(_QUOTES)
        if after.startswith(_CLOSERS):
            return _Reading(place, settled=True)
        if not after.strip():
            return _Reading(place, settled=closed, cut=True)
        comma = _COMMA.match(after)
        if comma is not None:
            other = _OPTION.match(after, comma.end())
            if other is not None and OPTIONS.index(other[0]) != place:
                return _Reading(None, InvalidReason.both, settled=closed)
            return _Reading(place, settled=closed, cut=_is_cut(after))
    if len(marks) == 1 and _OPTION.findall(line) != [compared(line)]:
        return _Reading(OPTIONS.index(marks.pop()), settled=closed, cut=_is_cut(_OPTION.split(line, maxsplit=1)[1]))
    if len(marks) > 1:
        return _Reading(None, InvalidReason.both, settled=closed)
    refused = _REFUSAL.search(line) is not None
    return _Reading(None, InvalidReason.refusal if refused else InvalidReason.neither, settled=closed)


def _is_cut(tail: str) -> bool:
    """Whether a text that ends with `tail` behind a name ends in the midst of a word or of a list of names."""
    words = re.findall(r"\w+", tail)
    if _SENTENCE_END.search(tail):
        return False
    listed = len(words) < 4 and not _JOINING.isdisjoint(words[:1])
    return len(words) < 2 or listed or not _OPPOSING.isdisjoint(words[-2:])


def _lead(line: str) -> int:
    """How many characters of quotes, articles and `Answer:` a line opens with."""
    match = _LEAD.match(line)
    return match.end() if match else 0
