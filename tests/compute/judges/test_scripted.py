"""The scripted judge keeps to its script."""

import numpy as np
import pytest

from triadic.compute.judges.scripted import ScriptedJudge, letters_in_common
from triadic.schema.errors import BadInput


def test_an_answer_depends_on_its_question_alone(questions):
    judge, asked = ScriptedJudge(seed=4, first_bias=0.3, invalid_rate=0.2), questions(200)
    whole = judge.answer(asked)
    mixed = np.random.default_rng(0).permutation(200)
    parts = judge.answer(asked.take(mixed))
    for name, column in whole.items():
        assert [column[row] for row in mixed] == parts[name]


def test_rates_are_what_was_asked_for(questions):
    asked = questions(2000)
    got = ScriptedJudge(seed=1, first_bias=1.0, invalid_rate=0.25).answer(asked)
    invalid = np.array([choice is None for choice in got["choice"]])
    assert invalid.mean() == pytest.approx(0.25, abs=0.04)
    assert all((reason is not None) == bad for reason, bad in zip(got["invalid_reason"], invalid, strict=True))
    first = np.where(asked.flipped, "right", "left")
    assert all(choice == side for choice, side in zip(np.array(got["choice"])[~invalid], first[~invalid], strict=True))


def test_the_rule_decides_without_bias(questions):
    asked = questions(100)
    for side, choice in enumerate(ScriptedJudge().answer(asked)["choice"]):
        near = letters_in_common(asked.anchor[side], asked.left[side])
        far = letters_in_common(asked.anchor[side], asked.right[side])
        assert near == far or choice == ("left" if near > far else "right")


def test_odd_one_out_pairs_the_most_similar(questions):
    alike = lambda one, other: float({one, other} == {"dog", "cat"})  # noqa: E731
    asked = questions(400)
    got = ScriptedJudge(alike, name="dog-cat", framing="odd-one-out").answer(asked)
    for row in range(400):
        if {asked.left[row], asked.right[row]} == {"dog", "cat"}:
            assert (got["choice"][row], got["raw_text"][row]) == ("apart", asked.anchor[row])


def test_identity_holds_everything_but_the_delay():
    assert ScriptedJudge(delay=1).identity() == ScriptedJudge().identity()
    assert ScriptedJudge(seed=1).identity() != ScriptedJudge().identity()
    with pytest.raises(BadInput):
        ScriptedJudge(invalid_rate=2)
