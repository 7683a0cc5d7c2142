"""Every loss against its published formula, its slope against finite differences, and what must not change it."""

from math import exp, log, sqrt

import numpy as np
import pytest

from triadic.compute.ordinal import CKL, GNMDS, SOE, STE, TSTE, SPoSE
from triadic.compute.ordinal.crowd_kernel import crowd_kernel_loss
from triadic.compute.ordinal.gather import Gather
from triadic.compute.ordinal.hinge import rounded_hinge_loss
from triadic.compute.ordinal.pairs import collapse
from triadic.compute.ordinal.soft_ordinal import soft_ordinal_loss
from triadic.compute.ordinal.spose import odd_one_out_loss
from triadic.compute.ordinal.stochastic_triplet import stochastic_triplet_loss
from triadic.compute.ordinal.student_triplet import student_triplet_loss
from triadic.compute.triplets import sample_triplets

# Items on a line at 0, 1 and 3: the anchor 0 is at squared distance 1 from the nearer, 9 from the farther.
LINE = np.array([[0.0], [1.0], [3.0]])
RIGHT, WRONG = np.array([[0, 1, 2]]), np.array([[0, 2, 1]])

DISTANCE_FITS = [CKL(3), CKL(3, mu=1.0), STE(3), TSTE(3), TSTE(3, alpha=1.5), SOE(3), GNMDS(3), GNMDS(3, corner=1.0)]
ALL_FITS = [*DISTANCE_FITS, SPoSE(3), SPoSE(3, l1=0.5)]


def name(value):
    return type(value).__name__ if hasattr(value, "get_params") else ""


def fitted(estimator, embedding):
    estimator.embedding_ = embedding
    return estimator


@pytest.mark.parametrize(
    ("estimator", "right", "wrong"),
    [
        (CKL(1, mu=0.05), -log(9.05 / 10.1), -log(1.05 / 10.1)),
        (CKL(1, mu=2.0), -log(11 / 14), -log(3 / 14)),
        (STE(1), -log(exp(-1) / (exp(-1) + exp(-9))), -log(exp(-9) / (exp(-1) + exp(-9)))),
        # alpha 1: kernel 1/(1 + s), so odds of 1/2 against 1/10
        (TSTE(1), -log(0.5 / 0.6), -log(0.1 / 0.6)),
        # alpha 3: kernel (1 + s/3)^-2, so 9/16 against 1/16
        (TSTE(1, alpha=3), -log(9 / 10), -log(1 / 10)),
        (SOE(1), max(0, 1 + 1 - 3) ** 2, (1 + 3 - 1) ** 2),
        (GNMDS(1, corner=0.1), 0.0, 1 + 9 - 1 - 0.05),
    ],
    ids=name,
)
def test_anchored_losses_by_hand(estimator, right, wrong):
    fitted(estimator, LINE)
    assert estimator.loss(RIGHT) == pytest.approx(right, rel=1e-9, abs=1e-12)
    assert estimator.loss(WRONG) == pytest.approx(wrong, rel=1e-9)
    assert estimator.loss(np.vstack([RIGHT, WRONG]), [3, 1]) == pytest.approx(
        (3 * right + wrong) / 4, rel=1e-9, abs=1e-12
    )
    assert (estimator.score(RIGHT), estimator.score(WRONG)) == (1.0, 0.0)


def test_odd_one_out_loss_by_hand():
    # Inner products 0–1 0.5, 0–2 2, 1–2 1.
    space = fitted(SPoSE(1), np.array([[1.0], [0.5], [2.0]]))
    whole = exp(0.5) + exp(2.0) + exp(1.0)
    assert space.loss(np.array([[0, 2, 1]])) == pytest.approx(-log(exp(2.0) / whole))
    assert space.loss(np.array([[2, 0, 1]])) == pytest.approx(-log(exp(2.0) / whole))  # a pair has no order
    assert space.loss(np.array([[0, 1, 2]])) == pytest.approx(-log(exp(0.5) / whole))
    assert space.score(np.array([[0, 2, 1], [1, 2, 0], [0, 1, 2]])) == pytest.approx(1 / 3)


def test_the_hinge_is_quadratic_within_its_corner_and_plain_beyond():
    near, far = np.array([0.0, 0.05, 0.1, 2.0]), np.array([1.5, 1.0, 1.0, 1.0])  # violations 0, 0.05, 0.1, 2
    loss, slope, _ = rounded_hinge_loss(near, far, corner=0.1)
    assert loss == pytest.approx([0.0, 0.05**2 / 0.2, 0.05, 1.95])
    assert slope == pytest.approx([0.0, 0.5, 1.0, 1.0])


@pytest.mark.parametrize(
    "loss",
    [
        lambda a, b: crowd_kernel_loss(a, b, mu=0.05),
        stochastic_triplet_loss,
        lambda a, b: student_triplet_loss(a, b, alpha=4.0),
        soft_ordinal_loss,
        lambda a, b: rounded_hinge_loss(a, b, corner=0.3),
        odd_one_out_loss,
    ],
    ids=["ckl", "ste", "tste", "soe", "gnmds", "spose"],
)
def test_slopes_match_finite_differences(loss):
    rng = np.random.default_rng(0)
    n_values = 3 if loss is odd_one_out_loss else 2
    values = [rng.random(200) * 3 + 0.01 for _ in range(n_values)]
    before = [value.copy() for value in values]
    _, *slopes = loss(*values)
    assert all(np.array_equal(value, old) for value, old in zip(values, before, strict=True))
    step = 1e-6
    for k, slope in enumerate(slopes):
        up, down = ([v + sign * step * (j == k) for j, v in enumerate(values)] for sign in (1, -1))
        assert slope == pytest.approx((loss(*up)[0] - loss(*down)[0]) / (2 * step), abs=1e-6)


@pytest.mark.parametrize("estimator", ALL_FITS, ids=name)
def test_gradient_matches_finite_differences_in_every_coordinate(estimator):
    rng = np.random.default_rng(1)
    answers = sample_triplets(7, 60, rng)
    pairs = Gather(collapse(answers, rng.random(60) + 0.1, 7, estimator.columns))
    space = rng.random((7, 3)) + 0.1

    def objective(x):
        return estimator._objective(x, pairs, estimator._matrix(x))

    _, gradient = objective(space)
    numeric = np.empty_like(space)
    for place in np.ndindex(space.shape):
        nudge = np.zeros_like(space)
        nudge[place] = 1e-6
        up, down = objective(space + nudge)[0], objective(space - nudge)[0]
        numeric[place] = (up - down) / 2e-6
    assert gradient == pytest.approx(numeric, abs=2e-8, rel=1e-6)


@pytest.mark.parametrize("estimator", DISTANCE_FITS, ids=name)
def test_distance_losses_do_not_see_rotation_reflection_or_shift(estimator):
    rng = np.random.default_rng(2)
    answers = sample_triplets(12, 300, rng)
    space = rng.standard_normal((12, 3))
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    loss = fitted(estimator, space).loss(answers)
    assert fitted(estimator, space @ turn + 5.0).loss(answers) == pytest.approx(loss, rel=1e-9)
    assert fitted(estimator, space * [1, 1, -1]).loss(answers) == pytest.approx(loss, rel=1e-12)
    assert fitted(estimator, space * 1.5).loss(answers) != pytest.approx(loss, rel=1e-6)


def test_the_inner_product_loss_sees_no_rotation_but_sees_a_shift():
    rng = np.random.default_rng(3)
    answers = sample_triplets(12, 300, rng)
    space = rng.standard_normal((12, 3))
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    loss = fitted(SPoSE(3), space).loss(answers)
    assert fitted(SPoSE(3), space @ turn).loss(answers) == pytest.approx(loss, rel=1e-9)
    assert fitted(SPoSE(3), space + 1.0).loss(answers) != pytest.approx(loss, rel=1e-6)


@pytest.mark.parametrize("estimator", ALL_FITS, ids=name)
def test_a_space_that_knows_nothing_scores_chance(estimator):
    answers = sample_triplets(9, 100, np.random.default_rng(4))
    fitted(estimator, np.ones((9, 3)))
    assert estimator.loss(answers) == pytest.approx(estimator.chance_loss, rel=1e-9)
    assert estimator.score(answers) == pytest.approx(estimator.chance_accuracy)
    expected = {"CKL": log(2), "STE": log(2), "TSTE": log(2), "SOE": 1.0, "SPoSE": log(3)}
    if type(estimator).__name__ in expected:
        assert estimator.chance_loss == pytest.approx(expected[type(estimator).__name__])


def test_extreme_values_stay_finite():
    big = np.array([0.0, 1e6]), np.array([1e6, 0.0])
    for loss in (stochastic_triplet_loss, soft_ordinal_loss, lambda a, b: student_triplet_loss(a, b, alpha=29.0)):
        assert all(np.isfinite(part).all() for part in loss(*big))
    assert all(np.isfinite(part).all() for part in odd_one_out_loss(*big, np.zeros(2)))
    assert soft_ordinal_loss(np.zeros(1), np.zeros(1))[1] == pytest.approx(1 / sqrt(1e-10))  # steep, but a number
