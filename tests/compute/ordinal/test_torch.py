"""Fits on a torch device are numpy's: the same losses, the same steps, the same records; what they cannot do they refuse."""

import numpy as np
import pytest
import torch

from triadic.compute.ordinal import CKL, GNMDS, LOSSES, STE, NotConverged, SPoSE
from triadic.compute.ordinal.lbfgs import minimize
from triadic.compute.ordinal.lbfgs_torch import minimize_rows
from triadic.compute.ordinal.selection import choose_dims, learning_curve
from triadic.compute.triplets import sample_triplets
from triadic.schema.errors import BadInput, Unavailable
from triadic.tests.compute.simulated_raters import simulate_answers

WITH_TORCH = [loss for name, loss in LOSSES.items() if name != "spose"]


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(41)
    return simulate_answers(rng.random((25, 3)) * 2, sample_triplets(25, 1_500, rng), rng)


@pytest.mark.parametrize("loss", WITH_TORCH)
def test_both_forms_of_a_loss_are_one_function_with_one_slope(loss):
    estimator, rng = loss(3), np.random.default_rng(42)
    values = [np.concatenate([rng.random(200) * 3, [0.0, 1.0, 1e4, 0.0]]) for _ in estimator.columns]
    numpy_loss, *numpy_slopes = estimator._losses(*values)
    entries = [torch.tensor(value[None], requires_grad=True) for value in values]
    losses = estimator._torch_losses(*entries)
    assert losses.detach().numpy()[0] == pytest.approx(numpy_loss, rel=1e-9, abs=1e-12)
    for slope, entry in zip(numpy_slopes, torch.autograd.grad(losses.sum(), entries), strict=True):
        assert entry.numpy()[0] == pytest.approx(slope, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("loss", WITH_TORCH)
def test_both_forms_of_matrix_pull_and_penalty_are_one(loss):
    estimator, rng = loss(3), np.random.default_rng(43)
    spaces, weights = rng.standard_normal((2, 9, 3)), rng.standard_normal((2, 9, 9))
    penalty = estimator._torch_penalty(torch.tensor(spaces))
    matrices = estimator._torch_matrix(torch.tensor(spaces)).numpy()
    pulls = estimator._torch_pull(torch.tensor(weights), torch.tensor(spaces)).numpy()
    values, pushes = (torch.as_tensor(part).expand(2, *np.shape(part)[1:]).numpy() for part in penalty)
    for k, space in enumerate(spaces):
        assert matrices[k] == pytest.approx(estimator._matrix(space), abs=1e-12)
        assert pulls[k] == pytest.approx(estimator._pull(weights[k], space), abs=1e-12)
        value, push = estimator._penalty(space)
        assert values[k] == pytest.approx(value)
        assert pushes[k] == pytest.approx(push)


@pytest.mark.filterwarnings("ignore::triadic.compute.ordinal.NotConverged")
@pytest.mark.parametrize("loss", WITH_TORCH)
def test_a_torch_fit_takes_the_same_steps_and_keeps_the_same_records(loss, answers):
    train, heldout = answers[:1_200], answers[1_200:]
    weights = np.random.default_rng(44).random(len(train))
    with_numpy, with_torch = (
        loss(3, n_restarts=3, max_steps=12, tol=0, record_every=5).fit(train, weights, heldout, device=device)
        for device in (None, "cpu")
    )
    assert with_torch.embedding_ == pytest.approx(with_numpy.embedding_, rel=1e-6, abs=1e-8)
    assert with_torch.history_.dtype == with_numpy.history_.dtype
    assert with_torch.history_["step"].tolist() == [5, 10, 12] * 3
    for name in with_numpy.history_.dtype.names:
        assert with_torch.history_[name] == pytest.approx(with_numpy.history_[name], rel=1e-9)
    for torch_end, numpy_end in zip(with_torch.restarts_, with_numpy.restarts_, strict=True):
        assert (torch_end.restart, torch_end.n_iter, torch_end.reason) == (
            numpy_end.restart,
            numpy_end.n_iter,
            numpy_end.reason,
        )
        assert torch_end.heldout_loss == pytest.approx(numpy_end.heldout_loss, rel=1e-9)
    assert with_torch.best_restart_ == with_numpy.best_restart_
    assert (with_torch.converged_, with_torch.reason_, with_torch.n_iter_) == (False, "max_steps", 12)


def test_a_torch_fit_converges_where_numpy_does(answers):
    train, heldout = answers[:1_200], answers[1_200:]
    with_numpy, with_torch = (CKL(3, n_restarts=2).fit(train, heldout=heldout, device=d) for d in (None, "cpu"))
    assert with_torch.converged_
    assert [r.n_iter for r in with_torch.restarts_] == [r.n_iter for r in with_numpy.restarts_]
    assert with_torch.score(heldout) == with_torch.restarts_[with_torch.best_restart_].heldout_accuracy
    without = CKL(3).fit(train, device="cpu")
    assert np.isnan(without.history_["heldout_loss"]).all()
    again = CKL(3).fit(train, device="cpu")
    assert np.array_equal(without.embedding_, again.embedding_)


def test_a_torch_fit_that_ends_badly_says_so(answers):
    class Broken(CKL):
        def _losses(self, *values):
            return tuple(part * np.nan for part in super()._losses(*values))

        def _torch_losses(self, *values):
            return super()._torch_losses(*values) * torch.nan

    with pytest.warns(NotConverged, match="non-finite"):
        fit = Broken(2).fit(answers, device="cpu")
    assert (fit.reason_, fit.n_iter_, fit.converged_) == ("non-finite", 0, False)
    assert np.isnan(fit.history_["train_loss"]).all()
    with pytest.warns(NotConverged, match="max_steps"):
        CKL(2, max_steps=2).fit(answers, device="cpu")


def test_dimensions_and_curves_take_a_device(answers):
    train, heldout = answers[:1_200], answers[1_200:]
    choices = [choose_dims(CKL(), train, heldout, candidates=(3, 5), device=device) for device in (None, "cpu")]
    curves = [
        learning_curve(CKL(2), train, heldout, np.random.default_rng(0), sizes=[300, 1_200], device=device)
        for device in (None, "cpu")
    ]
    trials = zip(choices[0].trials + curves[0], choices[1].trials + curves[1], strict=True)
    for with_numpy, with_torch in trials:
        assert with_torch.heldout_loss == pytest.approx(with_numpy.heldout_loss, rel=1e-3)


class OnlyNumpyLoss(CKL):
    def _losses(self, *values):
        return super()._losses(*values)


class OnlyNumpyPenalty(GNMDS):
    def _penalty(self, embedding):
        return 0.0, 0.0


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (SPoSE(2), "SPoSE has no torch form: fit it without a device"),
        (OnlyNumpyLoss(2), "OnlyNumpyLoss has no torch form: fit it without a device"),
        (OnlyNumpyPenalty(2), "OnlyNumpyPenalty has no torch form: fit it without a device"),
        (STE(2, patience=3), "patience (early stopping) is for fits without a device: leave out one of the two"),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else "",
)
def test_what_torch_cannot_fit_is_refused_in_one_line(estimator, message, answers):
    with pytest.raises(BadInput) as caught:
        estimator.fit(answers[:1_200], heldout=answers[1_200:], device="cpu")
    assert str(caught.value) == message


def test_bounds_are_refused_with_their_own_line(answers):
    class Bounded(CKL):
        lower = 0.0

    with pytest.raises(BadInput, match="Bounded has bounds, which no torch fit keeps: fit it without a device"):
        Bounded(2).fit(answers, device="cpu")


@pytest.mark.parametrize("device", ["cuda:99", "abacus"])
def test_an_absent_device_is_refused_in_one_line(device, answers):
    with pytest.raises(Unavailable, match=f"no device '{device}' here that torch can fit on") as caught:
        CKL(2).fit(answers, device=device)
    assert "\n" not in str(caught.value)


def valleys(n_rows):
    """Rosenbrock's function with another steepness in every row, for numpy and for torch."""
    steepness = np.geomspace(1, 300, n_rows)

    def value(x, a):
        return (a * (x[..., 1:] - x[..., :-1] ** 2) ** 2).sum(-1) + ((1 - x[..., :-1]) ** 2).sum(-1)

    def gradient(x, a):
        bend, out = x[..., 1:] - x[..., :-1] ** 2, 0 * x
        out[..., 1:] = 2 * a * bend
        out[..., :-1] += -4 * a * bend * x[..., :-1] - 2 * (1 - x[..., :-1])
        return out

    def alone(row):
        return lambda x: (value(x, steepness[row]), gradient(x, steepness[row]))

    def together(x, rows):
        a = torch.tensor(steepness[rows])[:, None]
        return value(x, a), gradient(x, a)

    return alone, together


def test_searches_in_step_are_the_single_searches():
    alone, together = valleys(6)
    starts = np.random.default_rng(45).normal(size=(6, 5))
    starts[2] = 1.0  # the minimum: nothing to do
    seen, ended = [], []

    def after_step(step, rows, x, value):
        seen.append((step, *rows))

    found = minimize_rows(together, torch.tensor(starts), 60, 1e-8, after_step, ended.append)
    singles = [minimize(alone(row), start, 60, 1e-8) for row, start in enumerate(starts)]
    assert found.n_steps.tolist() == [single.n_steps for single in singles]
    assert found.reason.tolist() == [single.reason for single in singles]
    assert {"converged", "max_steps"} == set(found.reason)
    for row, single in enumerate(singles):
        assert found.x[row].numpy() == pytest.approx(single.x, rel=1e-5)
        assert sum(row in rows for _, *rows in seen) == single.n_steps
    assert ended == sorted(ended)
    assert ended[-1] == 6
    assert (found.n_steps[2], found.reason[2]) == (0, "converged")


def test_a_search_without_descent_is_stuck_on_either_road():
    def lying(x):
        return (x**2).sum(-1), -2.0 * x  # the gradient points the wrong way

    single = minimize(lying, np.ones(3), 50, 0)
    found = minimize_rows(lambda x, rows: lying(x), torch.ones((2, 3), dtype=torch.float64), 50, 0)
    assert (single.reason, single.n_steps) == ("stuck", 1)
    assert found.reason.tolist() == ["stuck"] * 2
    assert found.n_steps.tolist() == [1, 1]
    assert np.array_equal(found.x.numpy(), np.ones((2, 3)))
