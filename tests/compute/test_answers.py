"""A judge run is read once: what was asked as shown, what was chosen, its weights, and what a fit holds out."""

from __future__ import annotations

import numpy as np
import pytest

from triadic.compute.answers import AnswerSet, as_anchored, written_for
from triadic.compute.ordinal import CKL, SPoSE
from triadic.compute.ordinal.selection import hold_out
from triadic.compute.resampling.refits import WAYS
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.vocabulary import Framing
from triadic.tests.compute.stages.wordnet_rater import judge_by_wordnet

ROWS = """
SELECT triplet.anchor, triplet.left_item, triplet.right_item, flipped, choice, logprob_left, logprob_right
FROM response JOIN run USING (run_id) JOIN triplet USING (triplet_set_id, triplet_no)
WHERE run_id = ? ORDER BY triplet_no, flipped, repeat
"""


def by_hand(lab, run_id):
    """(anchor, nearer, farther) and what was shown, with the place of the answer in `WAYS`, one answer at a time."""
    for anchor, left, right, flipped, choice, *logprobs in lab.store.read(ROWS, [run_id]).itertuples(index=False):
        answer = {"left": (anchor, left, right), "right": (anchor, right, left), "apart": (left, right, anchor)}
        yield answer.get(choice), (anchor, right, left) if flipped else (anchor, left, right), logprobs


@pytest.mark.parametrize("framing", Framing)
def test_choices_as_they_were_given(lab, framing):
    run_id = judge_by_wordnet(lab, framing=str(framing), orders="both", invalid=0.1)
    answers = AnswerSet.read(lab, run_id)
    rows = list(by_hand(lab, run_id))
    valid = [(answer, shown) for answer, shown, _ in rows if answer]
    assert answers.n_invalid == len(rows) - len(valid) > 100
    assert (answers.framing, answers.n_items, answers.weights) == (framing, 128, None)
    assert answers.triplets.tolist() == [list(answer) for answer, _ in valid]
    assert answers.asked.tolist() == [list(shown) for _, shown in valid]
    # The chosen way of what was shown joins the pair that the answer says.
    chosen = np.take_along_axis(answers.asked, WAYS[framing][answers.shares.argmax(1)], axis=1)
    pairs = [sorted(row[:2]) for row in chosen.tolist()]
    assert pairs == [sorted(row[:2]) for row in answers.triplets.tolist()]
    assert set(answers.shares.ravel().tolist()) == {0.0, 1.0}
    assert (answers.shares.sum(1) == 1).all()


def test_graded_answers_enter_once_each_way(lab):
    run_id = judge_by_wordnet(lab, orders="both", invalid=0.1)
    answers = AnswerSet.read(lab, run_id, "graded", 2.0)
    rows = list(by_hand(lab, run_id))
    m = len(rows)
    assert (len(answers), len(answers.asked), answers.n_invalid) == (2 * m, m, 0)
    assert np.array_equal(answers.triplets[m:], answers.triplets[:m, [0, 2, 1]])
    odds = [np.exp((left - right) / 2.0) for _, _, (left, right) in rows]
    assert answers.weights[:m] / answers.weights[m:] == pytest.approx(np.array(odds), rel=1e-9)
    assert answers.weights[:m] + answers.weights[m:] == pytest.approx(np.ones(m))
    # The share of the option shown first is the weight of the triplet that has it as the nearer one.
    first = answers.asked[:, 1] == answers.triplets[:m, 1]
    assert np.array_equal(answers.shares[:, 0], np.where(first, answers.weights[:m], answers.weights[m:]))


def test_whole_questions_are_held_out(lab):
    answers = AnswerSet.read(lab, judge_by_wordnet(lab, orders="both"))
    fitted, held = answers.split(0.2, 0)
    assert (len(fitted), len(held)) == (1920, 480)

    def questions(rows):
        return {(a, *sorted((b, c))) for a, b, c in rows.tolist()}

    assert not questions(fitted.triplets) & questions(held.triplets)
    assert questions(fitted.asked) == questions(fitted.triplets)
    assert np.array_equal(answers.triplets[answers.held_out(0.2, 0)], held.triplets)
    assert not np.array_equal(answers.held_out(0.2, 0), answers.held_out(0.2, 1))


def test_graded_answers_are_split_with_their_questions(lab):
    answers = AnswerSet.read(lab, judge_by_wordnet(lab), "graded")
    for part in answers.split(0.2, 3):
        assert len(part) == len(part.weights) == 2 * len(part.asked) == 2 * len(part.shares)
        assert np.array_equal(np.sort(part.triplets[: len(part.asked)]), np.sort(part.asked))


def test_the_split_of_odd_one_out_answers_is_that_of_their_anchored_form(lab):
    answers = AnswerSet.read(lab, judge_by_wordnet(lab, framing="odd-one-out"))
    doubled = hold_out(as_anchored(answers.triplets), 0.2, np.random.default_rng([5, 1]), as_sets=True)
    assert np.array_equal(np.tile(answers.held_out(0.2, 5), 2), doubled)
    fitted, _ = answers.split(0.2, 5)
    assert np.array_equal(fitted.as_anchored(), as_anchored(answers.triplets)[~doubled])


def test_every_loss_gets_the_form_it_takes():
    pairs = np.array([[0, 1, 2], [3, 4, 5]])
    assert np.array_equal(written_for(SPoSE(2), Framing.odd_one_out, pairs), pairs)
    assert np.array_equal(written_for(CKL(2), Framing.anchored, pairs), pairs)
    expected = [[0, 1, 2], [3, 4, 5], [1, 0, 2], [4, 3, 5]]
    assert written_for(CKL(2), Framing.odd_one_out, pairs).tolist() == expected
    with pytest.raises(BadInput, match="SPoSE fits odd-one-out answers, and these are anchored: judge with --framing"):
        written_for(SPoSE(2), Framing.anchored, pairs)


def test_what_cannot_be_read_is_refused_in_one_line(lab):
    with pytest.raises(NotFound, match="run nothing has no answers to fit"):
        AnswerSet.read(lab, "nothing")
    run_id = judge_by_wordnet(lab, framing="odd-one-out", invalid=1.0)
    with pytest.raises(BadInput, match="has no valid answer to fit"):
        AnswerSet.read(lab, run_id)
    with pytest.raises(BadInput, match="no log-probabilities of two options: fit its hard answers"):
        AnswerSet.read(lab, run_id, "graded")
    with pytest.raises(BadInput, match="answers are hard or graded, at a temperature above 0"):
        AnswerSet.read(lab, run_id, "graded", 0.0)
