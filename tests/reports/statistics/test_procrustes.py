"""One space turned onto another: what is left of each concept, against the metric, and against plain counting."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import procrustes
from scipy.stats import ortho_group

from triadic.compute.metrics import knn_overlap, procrustes_r2
from triadic.reports.statistics.procrustes import moved_interval, n_lost, nearest, turned
from triadic.schema.errors import BadInput

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("d_target", "d_model"), [(5, 5), (3, 8), (8, 3), (1, 4), (4, 1), (29, 30)])
def test_the_mean_square_residual_is_what_the_metric_leaves(d_target, d_model):
    target = RNG.normal(size=(40, d_target)) * 3 + 1
    model = RNG.normal(size=(40, d_model)) * 1e-3 - 5
    model[:, 0] += 2e-3 * target[:, 0]
    found = turned(target, model)
    assert found.r2 == pytest.approx(procrustes_r2(target, model), abs=1e-12)
    assert (found.residuals**2).mean() == pytest.approx(1 - found.r2, abs=1e-12)
    assert (found.from_centre**2).mean() == pytest.approx(1, abs=1e-12)


def test_it_is_scipys_turn_in_a_unit_of_its_own():
    target, model = RNG.normal(size=(30, 4)), RNG.normal(size=(30, 4))
    found, (ours, theirs, disparity) = turned(target, model), procrustes(target, model)
    assert np.linalg.norm(ours - theirs, axis=1) * np.sqrt(30) == pytest.approx(found.residuals)
    assert 1 - disparity == pytest.approx(found.r2)


def test_a_turned_mirrored_scaled_and_shifted_copy_has_no_residual():
    target = RNG.normal(size=(20, 6))
    model = 7 * target @ ortho_group.rvs(6, random_state=1) + 3
    assert turned(target, model).residuals == pytest.approx(np.zeros(20), abs=1e-12)
    assert turned(target, -model).r2 == pytest.approx(1, abs=1e-12)


def test_a_turn_does_not_depend_on_how_the_model_lies():
    target, model = RNG.normal(size=(20, 4)), RNG.normal(size=(20, 4))
    again = 0.1 * model @ ortho_group.rvs(4, random_state=2) - 4
    assert turned(target, model).residuals == pytest.approx(turned(target, again).residuals, abs=1e-12)


def test_neighbours_are_those_of_a_sorted_list_and_equal_ones_in_their_order():
    rows = RNG.integers(0, 3, size=(25, 2)).astype(float)  # many at one distance
    found = nearest(rows, 6)
    for concept in range(25):
        others = [other for other in range(25) if other != concept]
        others.sort(key=lambda other: np.sqrt(((rows[other] - rows[concept]) ** 2).sum()))
        assert found[concept].tolist() == others[:6]


def test_what_is_lost_is_what_the_overlap_leaves():
    target, model = RNG.normal(size=(30, 3)), RNG.normal(size=(30, 3))
    lost = n_lost(target, model, 10)
    assert 1 - lost.mean() / 10 == pytest.approx(knn_overlap(target, model))
    assert n_lost(target, 2 * target + 1, 10).sum() == 0
    for concept in range(30):
        before, after = (set(nearest(rows, 10)[concept]) for rows in (target, model))
        assert lost[concept] == len(before - after) == len(after - before)


def test_an_interval_is_moved_onto_the_figure():
    draws = np.linspace(2, 4, 101)[:, None] + np.array([0, 10.0])
    low, high = moved_interval(np.array([1.0, 5.0]), draws)
    assert low == pytest.approx([0.05, 4.05])
    assert high == pytest.approx([1.95, 5.95])


def test_what_cannot_be_turned_is_refused():
    with pytest.raises(BadInput, match="3 and 4 concepts"):
        turned(np.eye(3), np.eye(4))
    with pytest.raises(BadInput, match="at one place"):
        turned(np.eye(3), np.ones((3, 2)))
    with pytest.raises(BadInput, match="5 neighbours of 5 concepts: choose 1 to 4"):
        nearest(np.eye(5), 5)
