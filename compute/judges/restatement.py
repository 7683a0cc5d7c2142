"""Where a text says the question again, and whether it is the question that was asked and whole.

A base model that is asked to complete a text often goes on with more of the same: it writes the question again, or
another like it. The names in a question answer nothing. Lines are as `spellings.marked` makes them.
"""

from __future__ import annotations

import re

OPTIONS, ANCHOR = "\ue000\ue001\ue002", "\ue003"  # marks: of up to three options, and of what two are compared with
OPTION = f"[{OPTIONS}]"
_LABEL = r"question\s*:"
_STEM = r"(?:which (?:item|one) is (?:the )?(?:one )?most similar to|which (?:(?:item|one) )?is the odd one out)\b"
_AROUND = r"[\s\"'*`]*"
_QUOTES = r"[\"'*`]*"
_ARTICLE = rf"(?:(?:a|an|the)\s+)?{_QUOTES}"
_JOIN = rf"{_QUOTES}\s*(?:,\s*(?:or\b|and\b)?|/|\bor\b|\band\b)\s*{_ARTICLE}"
_LIST = rf"{_ARTICLE}(?P<options>{OPTION}(?:{_JOIN}{OPTION})+)(?!\w){_QUOTES}"
_ANY = r"[^:?]{1,40}?"  # where the anchor is not known
_INSTRUCTION = r"(?:\s*(?:(?:respond|reply)(?:\s+only)?|answer(?:\s+only)?(?=\s+with\b))(?:\s+with\b[^.]*)?\.?)?"  # … the item name.
_THING = r"(?:item|one|thing|object|option)"

_BEGINS = re.compile(  # at the beginning of a line or a sentence: its label, its words, its list
    rf"^[\s\"'*`#>-]*{_LABEL}|(?:^|(?<=[.:?!\"'*])){_AROUND}"
    rf"(?:{_STEM}|{_LIST}\s*\?|{_ARTICLE}{ANCHOR}{_QUOTES}\s*:\s*{_ARTICLE}{OPTION}{_QUOTES}\s+or\b)"
)
_ENDS = rf"(?!\s*(?:,|/|\bor\b|\band\b))\s*[?.]?{_INSTRUCTION}"
_ABOUT = rf"{_QUOTES}\s*[:,\-–]?\s*"
_OPENS = rf"[\s\"'*`#>-]*(?:{_LABEL})?{_AROUND}"
_WHOLE = {  # by the words for what two options are compared with
    about: re.compile(rf"{_OPENS}(?:{_STEM}[\s:,\-–]*)?{about and _ARTICLE + about + _ABOUT}{_LIST}{_ENDS}")
    for about in ("", ANCHOR, _ANY)
}
_BARE = re.compile(rf"{_AROUND}{_LIST}\s*(?=\?){_ENDS}")
_SUBJECT = re.compile(  # "the item most similar to a badger", "the most similar item to a badger"
    rf"{_AROUND}(?:the\s+)?(?:{_THING}\s+(?:that is |which is )?)?most similar(?:\s+{_THING})?\s+to\s+"
    rf"{_ARTICLE}({OPTION})"
)


def find_question(line: str) -> tuple[int, int] | None:
    """Where a question begins in a line, and the end of the words that tell: the first place, None without any."""
    match = _BEGINS.search(line)
    return match and match.span()


def question_end(line: str, start: int, n_options: int, has_anchor: bool) -> int | None:
    """Where the question that begins at `start` ends, with what it says of how to answer.

    None unless it is whole and the one asked: about the anchor, and between all options, in any order. Without an anchor
    any words may stand in its place.
    """
    about = "" if n_options > 2 else ANCHOR if has_anchor else _ANY
    for pattern in (_WHOLE[about], _BARE):
        match = pattern.match(line, start)
        if match and sorted(re.findall(OPTION, match["options"])) == list(OPTIONS[:n_options]):
            return match.end()
    return None


def is_label(line: str) -> bool:
    """Whether a line says "Question:" and no more."""
    return re.fullmatch(rf"[\W]*{_LABEL}[\W]*", line) is not None


def compared(line: str) -> str | None:
    """The option that a line opens by comparing things with ("the item most similar to a bow is …"), not as an answer.

    Where the anchor is named too, the pair is an answer whichever stands first.
    """
    subject = None if ANCHOR in line else _SUBJECT.match(line)
    return subject and subject[1]
