"""What a fit promises: it finds a known space, says when it found none, and is the same to the bit the second time."""

import numpy as np
import pytest

from triadic.compute.ordinal import CKL, GNMDS, LOSSES, SOE, STE, TSTE, NotConverged, SPoSE
from triadic.compute.ordinal.lbfgs import minimize
from triadic.compute.ordinal.selection import against_chance
from triadic.compute.triplets import sample_triplets
from triadic.schema.errors import BadInput
from triadic.tests.compute.simulated_raters import flip_coins, simulate_odd_one_out

ANCHORED = [CKL, STE, TSTE, SOE, GNMDS]


def r_squared(human, model):
    """1 − SSE/SS after the best shift, rotation and scale."""
    human, model = human - human.mean(axis=0), model - model.mean(axis=0)
    shared = np.linalg.svd(model.T @ human, compute_uv=False).sum()
    return shared**2 / ((model**2).sum() * (human**2).sum())


def by_distance(space, triplets):
    """Noise-free answers of a rater who compares distances."""
    a, b, c = triplets.T
    swap = ((space[a] - space[b]) ** 2).sum(-1) > ((space[a] - space[c]) ** 2).sum(-1)
    return np.where(swap[:, None], triplets[:, [0, 2, 1]], triplets)


@pytest.fixture(scope="module")
def known():
    rng = np.random.default_rng(11)
    space = rng.standard_normal((40, 2))
    return space, by_distance(space, sample_triplets(40, 8_000, rng))


@pytest.mark.parametrize("estimator", ANCHORED)
def test_a_known_space_comes_back_as_answers_grow(estimator, known):
    space, answers = known
    heldout, train = answers[:2_000], answers[2_000:]
    fits = [estimator(2, n_restarts=3).fit(train[:n], heldout=heldout) for n in (60, 400, 6_000)]
    found = [r_squared(space, fit.embedding_) for fit in fits]
    assert found[0] < found[1] < found[2]
    assert found[2] > (0.99 if estimator in (STE, SOE) else 0.9)
    scores = [fit.score(heldout) for fit in fits]
    assert scores[0] < scores[1] < scores[2]
    assert scores[2] > 0.93


def test_spose_finds_the_dimensions_and_only_those():
    rng = np.random.default_rng(12)
    space = rng.gamma(0.6, 1.2, (60, 4)) * (rng.random((60, 4)) < 0.6)
    answers = simulate_odd_one_out(space, sample_triplets(60, 60_000, rng), rng)
    heldout, train = answers[:10_000], answers[10_000:]
    s = space @ space.T
    i, j, k = heldout.T
    best = (s[i, j] > np.maximum(s[i, k], s[j, k])).mean()
    fit = SPoSE(12, l1=0.016, prune=5).fit(train, heldout=heldout)
    assert fit.converged_
    assert fit.embedding_.min() >= 0
    assert fit.n_dims_ == fit.embedding_.shape[1] == 4
    assert fit.score(heldout) > best - 0.01
    correlation = np.corrcoef(space.T, fit.embedding_.T)[:4, 4:]
    assert (correlation.max(axis=1) > 0.95).all()
    sums = fit.embedding_.sum(axis=0)
    assert (np.diff(sums) <= 0).all()


@pytest.mark.parametrize("estimator", ANCHORED)
def test_coins_are_flagged_at_chance(estimator):
    rng = np.random.default_rng(13)
    answers = flip_coins(sample_triplets(60, 6_000, rng), rng)
    fit = estimator(10).fit(answers[:5_000], heldout=answers[5_000:])
    verdict = against_chance(fit, answers[5_000:])
    assert verdict.at_chance
    assert verdict.heldout_loss >= verdict.chance_loss
    assert fit.history_["heldout_loss"][-1] == pytest.approx(verdict.heldout_loss)
    if estimator in (CKL, STE, TSTE):
        assert verdict.chance_loss == pytest.approx(np.log(2))


def test_a_rater_who_knows_something_is_not_flagged(known):
    _, answers = known
    fit = CKL(2).fit(answers[2_000:])
    assert not against_chance(fit, answers[:2_000]).at_chance


@pytest.mark.filterwarnings("ignore::triadic.compute.ordinal.NotConverged")
@pytest.mark.parametrize("estimator", LOSSES.values())
def test_same_seed_same_bits_another_seed_another_start(estimator, known):
    _, answers = known
    first, again, another = (estimator(3, seed=seed, max_steps=40, tol=0).fit(answers[:900]) for seed in (5, 5, 6))
    assert np.array_equal(first.embedding_, again.embedding_)
    assert np.array_equal(first.history_["train_loss"], again.history_["train_loss"])
    assert not np.array_equal(first.embedding_, another.embedding_)


@pytest.mark.filterwarnings("ignore::triadic.compute.ordinal.NotConverged")
def test_repeats_counts_and_row_order_are_the_same_fit(known):
    _, answers = known
    asked = answers[:500]
    counts = np.random.default_rng(14).integers(0, 4, len(asked))
    written_out = np.repeat(asked, counts, axis=0)
    shuffled = np.random.default_rng(15).permutation(written_out)
    fits = [
        CKL(2, max_steps=30).fit(asked, weights=counts, n_items=40),
        CKL(2, max_steps=30).fit(written_out, n_items=40),
        CKL(2, max_steps=30).fit(shuffled, n_items=40),
    ]
    assert np.array_equal(fits[0].embedding_, fits[1].embedding_)
    assert np.array_equal(fits[0].embedding_, fits[2].embedding_)
    half = CKL(2, max_steps=30).fit(asked, weights=counts * 0.5, n_items=40)  # only ratios of weights matter
    assert half.embedding_ == pytest.approx(fits[0].embedding_, rel=1e-6, abs=1e-9)


def test_history_records_every_step_and_falls(known):
    _, answers = known
    fit = CKL(2, n_restarts=2).fit(answers[2_000:], heldout=answers[:2_000])
    assert fit.history_.dtype.names == ("restart", "step", "train_loss", "heldout_loss", "heldout_accuracy")
    for number in (0, 1):
        steps = fit.history_[fit.history_["restart"] == number]
        assert np.array_equal(steps["step"], np.arange(1, len(steps) + 1))
        assert (np.diff(steps["train_loss"]) <= 0).all()
        assert steps["heldout_accuracy"][-1] == fit.restarts_[number].heldout_accuracy
    sparse = CKL(2, record_every=7).fit(answers[2_000:])
    assert (sparse.history_["step"][:-1] % 7 == 0).all()
    assert sparse.history_["step"][-1] == sparse.n_iter_
    assert np.isnan(sparse.history_["heldout_loss"]).all()


def test_the_best_restart_by_heldout_loss_is_kept_and_the_spread_stored(known):
    _, answers = known
    fit = STE(2, n_restarts=4).fit(answers[2_000:3_000], heldout=answers[:2_000], n_items=40)
    losses = [restart.heldout_loss for restart in fit.restarts_]
    assert len(set(losses)) == 4
    assert fit.best_restart_ == int(np.argmin(losses))
    assert fit.loss(answers[:2_000]) == pytest.approx(min(losses))


def test_early_stopping_keeps_the_best_step():
    rng = np.random.default_rng(16)
    space = rng.standard_normal((30, 3))
    triplets = sample_triplets(30, 1_500, rng)
    answers = by_distance(space, triplets)
    noisy = np.where(rng.random((1_500, 1)) < 0.25, answers[:, [0, 2, 1]], answers)
    train, heldout = noisy[:1_000], noisy[1_000:]
    long = STE(10).fit(train, heldout=heldout)
    short = STE(10, patience=5).fit(train, heldout=heldout)
    assert short.reason_ == "stopped"
    assert short.converged_
    assert short.loss(heldout) == pytest.approx(short.history_["heldout_loss"].min())
    assert short.loss(heldout) < long.loss(heldout)


def test_a_fit_cut_short_says_so(known):
    _, answers = known
    with pytest.warns(NotConverged, match="max_steps"):
        fit = CKL(2, max_steps=3).fit(answers)
    assert not fit.converged_
    assert (fit.reason_, fit.n_iter_) == ("max_steps", 3)


def test_a_fit_that_blows_up_says_so(known):
    class Broken(CKL):
        def _losses(self, near, far):
            return tuple(part * np.nan for part in super()._losses(near, far))

    with pytest.warns(NotConverged, match="non-finite"):
        fit = Broken(2).fit(known[1])
    assert not fit.converged_
    assert fit.restarts_[0].reason == "non-finite"


def test_parameters_stay_as_they_were_given():
    fit = CKL(np.int64(2), mu=0.2, seed=3)
    before = fit.get_params()
    fit.fit(np.array([[0, 1, 2], [2, 1, 0], [1, 0, 2]]))
    assert fit.get_params() == before
    assert before["mu"] == 0.2


GOOD = np.array([[0, 1, 2], [1, 2, 3]])


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: CKL(2).fit(np.array([[0, 1, 4]]), n_items=4), "outside 0 … 3"),
        (lambda: CKL(2).fit(np.array([[0, 1, -1]])), "outside"),
        (lambda: CKL(2).fit(GOOD.astype(float)), "integers"),
        (lambda: CKL(2).fit(GOOD[:, :2]), r"\(n_answers, 3\)"),
        (lambda: CKL(2).fit(GOOD[:0]), "empty"),
        (lambda: CKL(2).fit(GOOD, heldout=GOOD[:0]), "heldout are empty"),
        (lambda: CKL(2).fit(GOOD, heldout=np.array([[0, 1, 9]]), n_items=4), "heldout name items"),
        (lambda: CKL(2).fit(np.array([[0, 1, 1]])), "row 0 .* must differ"),
        (lambda: CKL(2).fit(GOOD, weights=[1.0, np.nan]), "finite"),
        (lambda: CKL(2).fit(GOOD, weights=[1.0, -1.0]), "not negative"),
        (lambda: CKL(2).fit(GOOD, weights=[0, 0]), "all zero"),
        (lambda: CKL(2).fit(GOOD, weights=[1.0]), "2 numbers"),
        (lambda: CKL(2).fit(GOOD, weights=["a", "b"]), "2 numbers"),
        (lambda: CKL(0).fit(GOOD), "n_dims"),
        (lambda: CKL(2.5).fit(GOOD), "n_dims"),
        (lambda: CKL(2, tol=np.nan).fit(GOOD), "tol"),
        (lambda: CKL(2, mu=0).fit(GOOD), "mu"),
        (lambda: TSTE(2, alpha=-1).fit(GOOD), "alpha"),
        (lambda: GNMDS(2, corner=0).fit(GOOD), "corner"),
        (lambda: GNMDS(2, trace=-1).fit(GOOD), "trace"),
        (lambda: SPoSE(2, l1=-1).fit(GOOD), "l1"),
        (lambda: SPoSE(2, prune=0).fit(GOOD), "prune"),
        (lambda: CKL(2, patience=3).fit(GOOD), "needs heldout"),
        (lambda: CKL(2, patience=0).fit(GOOD, heldout=GOOD), "patience"),
        (lambda: CKL(2).score(GOOD), "call fit first"),
        (lambda: CKL(2).fit(np.array([[0, 1, 50_000]])), "too many"),
    ],
)
def test_bad_input_gets_one_clear_line(call, match):
    with pytest.raises(BadInput, match=match) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_lbfgs_solves_a_quadratic_and_respects_its_bound():
    rng = np.random.default_rng(17)
    root = rng.standard_normal((20, 20))
    matrix, target = root @ root.T + np.eye(20), rng.standard_normal(20)

    def quadratic(x):
        return 0.5 * x @ matrix @ x - target @ x, matrix @ x - target

    found = minimize(quadratic, np.zeros(20), 500, 1e-14)
    assert found.reason == "converged"
    assert found.x == pytest.approx(np.linalg.solve(matrix, target), abs=1e-5)
    bounded = minimize(quadratic, np.ones(20), 2_000, 1e-14, lower=0.0)
    gradient = matrix @ bounded.x - target
    # Karush–Kuhn–Tucker: no slope where free, an outward slope at the bound.
    assert bounded.x.min() >= 0
    assert np.abs(gradient[bounded.x > 0]).max() < 1e-4
    assert gradient[bounded.x == 0].min() > -1e-4
