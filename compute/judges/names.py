"""Concept names as the tokens a model would write them with, and what their probabilities add up to.

The score of an option is the log-probability that the answer *begins with its full name*: the product over all its
tokens, summed over the casings (`baseball glove`, `Baseball glove`), not divided by length, because it is a
probability and long names really are written less often. Where one option's tokens begin the other's (baseball,
baseball glove), the shorter gives up what the longer takes, so that the two never count the same answer twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from triadic.schema.arrays import Floats, Ints

RULE = "the probability of the full name, as given or capitalised, version 1"  # another score is another version
Form = tuple[int, ...]


@dataclass(frozen=True)
class Branches:
    """The options of one question as a small token tree that hangs on the end of its prompt.

    tokens, parents: the inner nodes (tokens that must be read before the next can be scored); a parent is an inner
    node or −1, the prompt's end. edge_node, edge_token: every (place, next token) whose log-probability is needed.
    forms: (option, edges of one spelling); contained: (form, longer form of another option that it begins).
    """

    tokens: Ints
    parents: Ints
    edge_node: Ints
    edge_token: Ints
    forms: list[tuple[int, list[int]]]
    spellings: list[Form]
    n_options: int
    contained: list[tuple[int, int]] = field(default_factory=list)

    @classmethod
    def of(cls, options: list[list[Form]]) -> Branches:
        """From the spellings of each option."""
        nodes: dict[Form, int] = {(): -1}
        edges: dict[Form, int] = {}
        forms: list[tuple[int, list[int]]] = []
        spellings: list[Form] = []
        for at, option in enumerate(options):
            for form in option:
                path = [form[: k + 1] for k in range(len(form))]
                forms.append((at, [edges.setdefault(prefix, len(edges)) for prefix in path]))
                spellings.append(form)
                for prefix in path[:-1]:
                    nodes.setdefault(prefix, len(nodes) - 1)
        inner = [prefix for prefix in nodes if prefix]
        contained = [
            (short, long)
            for short, a in enumerate(spellings)
            for long, b in enumerate(spellings)
            if forms[short][0] != forms[long][0] and len(a) < len(b) and b[: len(a)] == a
        ]
        return cls(
            np.array([prefix[-1] for prefix in inner], dtype=np.int64),
            np.array([nodes[prefix[:-1]] for prefix in inner], dtype=np.int64),
            np.array([nodes[prefix[:-1]] for prefix in edges], dtype=np.int64),
            np.array([prefix[-1] for prefix in edges], dtype=np.int64),
            forms,
            spellings,
            len(options),
            contained,
        )

    def totals(self, edges: Floats) -> Floats:
        """Natural-log probability of naming each option, shape (n_options,), from that of each edge."""
        logs = np.array([edges[used].sum() for _, used in self.forms])
        out = np.full(self.n_options, -np.inf)
        for option in range(self.n_options):
            forms = [at for at, (owner, _) in enumerate(self.forms) if owner == option]
            top = logs[forms].max()  # shifted, so that tiny probabilities do not vanish
            share = np.exp(logs[forms] - top).sum()
            for short, long in self.contained:
                if short in forms:
                    share -= np.exp(logs[long] - top)
            out[option] = top + np.log(max(share, np.finfo(float).tiny))
        return out


class Names:
    """Spells concept names in the context that a prompt ends with.

    `tail` is the end of the prompt's text (for an encoder–decoder: empty). A name follows with a space in front unless
    the prompt ends in white space or in a control token, after which a chat model writes none.
    """

    def __init__(self, tokenizer: Any, tail: str) -> None:
        self.tokenizer = tokenizer
        self.tail = tail
        controls = tuple(str(token) for token in tokenizer.get_added_vocab())
        self.space = " " if tail and not tail[-1].isspace() and not tail.endswith(controls) else ""
        self._before = tokenizer(tail, add_special_tokens=False)["input_ids"] if tail else []
        self._forms: dict[str, list[Form]] = {}
        self._branches: dict[tuple[str, ...], Branches] = {}

    def forms(self, word: str) -> list[Form]:
        """The token sequences of `word`, one per casing: as it is, and with a capital."""
        if word not in self._forms:
            casings = dict.fromkeys((word, word[:1].upper() + word[1:]))
            self._forms[word] = list(dict.fromkeys(self._spell(self.space + casing) for casing in casings))
        return self._forms[word]

    def branches(self, options: tuple[str, ...]) -> Branches:
        """The token tree of these options."""
        if options not in self._branches:
            self._branches[options] = Branches.of([self.forms(option) for option in options])
        return self._branches[options]

    def record(self) -> dict[str, Any]:
        """How names are scored, for the run's configuration."""
        return {"casings": ["as given", "capitalised"], "leading_space": bool(self.space), "length": "total"}

    def _spell(self, text: str) -> Form:
        whole = self.tokenizer(self.tail + text, add_special_tokens=False)["input_ids"]
        if self._before and whole[: len(self._before)] == self._before:
            return tuple(whole[len(self._before) :])
        return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])
