"""CKA corrected for few items and features: the definition summed out the slow way, and a population that it recovers."""

from itertools import permutations

import numpy as np
import pytest

from triadic.compute.metrics import cka_corrected, cka_debiased
from triadic.compute.metrics.cka import hollow_gram, hsic, n_sets
from triadic.compute.metrics.cka_corrected import corrected_hsic
from triadic.compute.metrics.inputs import Inputs, Space, centred

ANGLES = np.arange(8) * np.pi / 8


def _hsic(k, m, weights):
    """Means over different items of K₁₂M₁₂ + K₁₂M₃₄ − 2K₁₂M₁₃, each over its own sets, weights multiplied."""

    def mean(size, term):
        sets = list(permutations(range(len(k)), size))
        return np.average([term(*each) for each in sets], weights=[weights[list(each)].prod() for each in sets])

    fours = mean(4, lambda a, b, c, d: k[a, b] * m[c, d])
    return mean(2, lambda a, b: k[a, b] * m[a, b]) + fours - 2 * mean(3, lambda a, b, c: k[a, b] * m[a, c])


def _pairs_of_different_features(rows, weights):
    """The paper's p/(p − 1) · Σ_{f ≠ g} HSIC₁(k_f, k_g), on the axes as they are."""
    p = rows.shape[1]
    kernels = [np.outer(column, column) for column in rows.T]
    return p / (p - 1) * sum(_hsic(kernels[f], kernels[g], weights) for f, g in permutations(range(p), 2))


def _expected(human, model, weights):
    """Both in the plane, where the mean over eight turns of a sum of fourth powers is that over all turns."""
    turns = [np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in ANGLES]
    k, m = (np.mean([_pairs_of_different_features(x @ turn, weights) for turn in turns]) for x in (human, model))
    return _hsic(human @ human.T, model @ model.T, weights) / np.sqrt(k * m)


@pytest.mark.parametrize("weights", [[1.0] * 6, [2.0, 1, 1, 0.5, 1, 3]])
def test_it_is_the_papers_sum_over_different_items_and_features_averaged_over_all_turns(weights):
    rng, weights = np.random.default_rng(4), np.array(weights)
    human, model = rng.normal(size=(6, 2)) * [3, 1], rng.normal(size=(6, 2)) * [1, 4]
    human, model = human - human.mean(0), model - model.mean(0)
    expected = _expected(human, model, weights)
    assert cka_corrected.weighted(Inputs(human, model), weights[None])[0] == pytest.approx(expected, abs=1e-10)
    if (weights == 1).all():
        assert cka_corrected(human, model) == pytest.approx(expected, abs=1e-10)


def _u_centred(k):
    """Of kernels (…, n, n): HSIC₁ is the inner product of two, divided by n(n − 3)."""
    n, k = k.shape[-1], k * (1 - np.eye(k.shape[-1]))
    sums = k.sum(-1) / (n - 2)
    k = k - sums[..., None] - sums[..., None, :] + k.sum((-1, -2))[..., None, None] / ((n - 1) * (n - 2))
    return k * (1 - np.eye(n))


def _whole_and_different(rows):
    """HSIC₁ of spaces (…, n, p) with themselves, and the paper's corrected one, on the axes as they are: n(n − 3) times."""
    p, columns = rows.shape[-1], np.swapaxes(rows, -1, -2)
    whole = (_u_centred(rows @ columns) ** 2).sum((-1, -2))
    alike = (_u_centred(columns[..., None] * columns[..., None, :]) ** 2).sum((-1, -2)).sum(-1)
    return whole, p / (p - 1) * (whole - alike)


def test_it_is_the_mean_over_random_turns_in_more_dimensions():
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(12, 4)) * [3, 2, 1, 0.5]
    whole, different = _whole_and_different(rows @ np.linalg.qr(rng.normal(size=(4000, 4, 4)))[0])
    # Of the space with itself, where the numerator is not corrected.
    error = different.std() / different.mean() / np.sqrt(4000)
    assert cka_corrected(rows, rows) == pytest.approx(whole.mean() / different.mean(), rel=4 * error)


def test_axes_do_not_matter_though_on_principal_axes_no_two_features_correlate():
    human, model, _, _ = _sampled(np.random.default_rng(7), 60, 20)
    u, s, _ = np.linalg.svd(human - human.mean(0), full_matrices=False)
    assert cka_corrected(u * s, model) == pytest.approx(cka_corrected(human, model), abs=1e-10)
    whole, different = _whole_and_different(human)
    assert 0.1 < different / whole < 0.9
    assert _whole_and_different(u * s)[1] < 0


def _sampled(rng, n_items, p):
    """Items and p features of each of two populations on the same 40 Gaussian factors, and the factors' variances."""
    first = np.arange(1, 41) ** -0.8
    second, items = np.roll(first, 3), rng.normal(size=(n_items, 40))
    human, model = (items * np.sqrt(variance) @ rng.normal(size=(40, p)) for variance in (first, second))
    return human, model, first, second


def test_its_terms_are_unbiased_for_sampled_items_and_features():
    rng, n, p, terms = np.random.default_rng(6), 30, 12, []
    for _ in range(2000):
        human, model, first, second = _sampled(rng, n, p)
        spaces, even, factors = (Space(human), Space(model)), np.ones((1, n)), []
        size = n_sets(even)
        for space in spaces:  # the gate divides a space by its largest entry: taken back
            centred_rows = space.rows - space.rows.mean(0)
            factors.append((np.linalg.norm(centred_rows) / np.linalg.norm(space.get(centred))) ** 2)
        whole = [corrected_hsic(x, even, size)[0] * f**2 for x, f in zip(spaces, factors, strict=True)]
        cross = hsic(*(x.get(hollow_gram) for x in spaces), even, size)[0] * factors[0] * factors[1]
        terms.append([cross, *whole])
    # Of kernels Σ_a λ_a x_a y_a and Σ_a μ_a x_a y_a on Gaussian items, HSIC is Σ_a λ_a μ_a.
    mean, error = np.mean(terms, 0) / p**2, np.std(terms, 0) / p**2 / np.sqrt(2000)
    assert (np.abs(mean - [first @ second, first @ first, second @ second]) < 4 * error).all()
    assert (error < 0.03 * mean).all()


def test_it_is_near_the_population_where_debiased_cka_is_far_too_low():
    rng, corrected, debiased = np.random.default_rng(6), [], []
    for _ in range(150):
        human, model, first, second = _sampled(rng, 60, 20)
        corrected.append(cka_corrected(human, model))
        debiased.append(cka_debiased(human, model))
    truth = first @ second / (first @ first)  # 0.55
    assert truth - 0.02 < np.mean(corrected) < truth + 0.1  # the ratio of unbiased terms is a little too high
    assert np.mean(debiased) < truth - 0.15


def test_even_spaces_and_single_features_give_a_number():
    rng = np.random.default_rng(8)
    for _ in range(20):
        assert np.isfinite(cka_corrected(rng.normal(size=(30, 10)), rng.normal(size=(30, 25))))
    human, model = rng.normal(size=(30, 1)), rng.normal(size=(30, 1))
    assert cka_corrected(human, model) == pytest.approx(cka_debiased(human, model), abs=1e-12)
    padded = np.hstack([human, np.full((30, 2), 7.0)])
    assert cka_corrected(padded, model) == pytest.approx(cka_corrected(human, model), abs=1e-12)
