"""What an option's score is, and that a score of another kind has another name."""

import numpy as np
import pytest

from triadic.compute.judges.names import RULE, Branches, Names


def test_a_name_follows_with_a_space_unless_the_prompt_ends_in_one_or_in_a_control_token(new_tokenizer):
    tokenizer = new_tokenizer()
    assert Names(tokenizer, "Answer:").space == " "
    assert Names(tokenizer, "Answer: ").space == Names(tokenizer, "<turn>").space == Names(tokenizer, "").space == ""
    for tail in ("Answer:", "assistant\n", ""):
        names = Names(tokenizer, tail)
        for form, casing in zip(names.forms("sea urchin"), ("sea urchin", "Sea urchin"), strict=True):
            assert tokenizer.decode(list(form)) == names.space + casing


def test_totals_are_sums_over_spellings_without_what_a_longer_name_takes():
    tree = Branches.of([[(1,), (2, 3)], [(1, 4)]])  # edges: 1, 2, 3 behind 2, 4 behind 1
    short, long = np.exp(tree.totals(np.log([0.5, 0.3, 0.2, 0.4])))
    assert long == pytest.approx(0.5 * 0.4)
    assert short == pytest.approx(0.5 + 0.3 * 0.2 - 0.5 * 0.4)


def test_a_rule_that_scores_otherwise_has_another_name(new_tokenizer):
    """Should this fail, options are scored by a new rule: give it a new version in RULE, and what it finds here."""
    branches = Branches.of([[(1,), (2, 3)], [(1, 4), (5, 6)], [(7,)]])
    totals = branches.totals(-np.arange(1, len(branches.edge_token) + 1) / 3)
    names = Names(new_tokenizer(), "Answer:")
    casings = [
        [names.tokenizer.decode(list(form)) for form in names.forms(word)] for word in ("dog", "Dog", "sea urchin")
    ]
    assert RULE == "the probability of the full name, as given or capitalised, version 1"
    assert totals == pytest.approx([-0.333333333, -1.539738656, -2.333333333])
    assert casings == [[" dog", " Dog"], [" Dog"], [" sea urchin", " Sea urchin"]]
