"""Draws through the fit: what goes in is what was asked for, and the real fit gives the known figures."""

import numpy as np
import pytest

from triadic.compute.metrics import METRICS, metric, procrustes_r2
from triadic.compute.metrics.scorer import ReferenceScorer
from triadic.compute.ordinal import CKL
from triadic.compute.ordinal.batch import fit_many
from triadic.compute.resampling.refits import (
    Refits,
    answer_weights,
    bootstrap_answers,
    coin_flips,
    simulated_people,
    split_halves,
    temperature_for,
)
from triadic.compute.triplets import sample_triplets
from triadic.schema.errors import BadInput
from triadic.schema.vocabulary import Framing
from triadic.tests.compute.resampling.summaries import interval, p_value
from triadic.tests.compute.simulated_raters import bayes_accuracy, simulate_answers


class Recorder:
    """A fit that notes what it was given and returns noise."""

    def __init__(self, n=20):
        self.n, self.rng, self.weights = n, np.random.default_rng(0), []

    def __call__(self, answers, weights):
        assert weights.dtype == float
        self.answers = answers
        self.weights.append(weights)
        return self.rng.normal(size=(len(weights), self.n, 3))


def _questions(n, m, seed=0):
    return sample_triplets(n, m, np.random.default_rng(seed))


@pytest.mark.parametrize("with_labels", [False, True])
def test_the_scorer_gives_the_figures_of_the_metrics(with_labels, spaces):
    human, model, _ = spaces
    asked = _questions(40, 300)
    labels = [f"kind{i % 4}" for i in range(40)] if with_labels else None
    scored = ReferenceScorer(human, triplets=asked, labels=labels).score(model, asked)
    assert set(scored) == {name for name, found in METRICS.items() if found.by_default} - (
        set() if with_labels else {"category_silhouette"}
    )
    for name, value in scored.items():
        expected = metric(name)(human, model, triplets=asked, answers=asked, labels=labels)
        assert value == pytest.approx(expected, abs=1e-12), name
    assert set(ReferenceScorer(human, ["rsa_spearman"]).score(model)) == {"rsa_spearman_euclidean"}
    with pytest.raises(BadInput, match="39"):
        ReferenceScorer(human).score(model[1:])


def test_weighted_answers_and_odd_one_out_answers_agree_by_hand():
    line = np.array([[0.0], [1], [3], [7]])
    scorer = ReferenceScorer(line, ["answer_agreement"])

    def score(*how):
        return scorer.score(line, *how)["answer_agreement"]

    answers = np.array([[0, 1, 2], [0, 2, 1]])  # right, wrong
    assert score(answers) == 0.5
    assert score(answers, [3, 1]) == 0.75
    # 1 and 2 over 0: 1 is nearer 0 than 2 (wrong), 2 is nearer 1 than 0 (right).
    assert score(np.array([[1, 2, 0]]), None, Framing.odd_one_out) == 0.5
    assert score(np.array([[1, 2, 0], [0, 1, 3]]), [1, 3], Framing.odd_one_out) == (1 * 0.5 + 3 * 1) / 4
    with pytest.raises(BadInput, match="zero"):
        score(answers, [0, 0])
    assert scorer.score(line) == {}


def test_resamples_keep_the_number_of_answers():
    weights = answer_weights(500, 40, np.random.default_rng(1))
    assert (weights.sum(1) == 500).all()
    assert (weights > 0).mean() == pytest.approx(1 - np.exp(-1), abs=0.01)
    with pytest.raises(BadInput, match="one or more"):
        answer_weights(0, 3, np.random.default_rng(1))
    with pytest.raises(BadInput, match="shape"):
        bootstrap_answers(_questions(20, 10), weights, Recorder())


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.79, 1.0])
def test_coin_flips_take_the_first_option_at_the_rate_given(rate):
    asked, fit = _questions(20, 800), Recorder()
    flips = coin_flips(asked, (rate, 1 - rate), fit, 30, np.random.default_rng(2))
    given = flips.weights.reshape(30, 2, 800)
    assert (given.sum(1) == 1).all()
    assert given[:, 0].mean() == pytest.approx(rate, abs=0.015)
    assert np.array_equal(flips.answers[:800], asked)
    assert np.array_equal(flips.answers[800:], asked[:, [0, 2, 1]])
    assert sum(map(len, fit.weights)) == 30


def test_coin_flips_of_graded_answers_shuffle_them():
    asked = _questions(20, 100)
    left = np.random.default_rng(0).random(100)
    flips = coin_flips(asked, np.stack([left, 1 - left], 1), Recorder(), 5, np.random.default_rng(2))
    for row in flips.weights:
        assert np.sort(row[:100]) == pytest.approx(np.sort(left))
        assert row[:100] + row[100:] == pytest.approx(np.ones(100))
        assert not np.array_equal(row[:100], left)
    with pytest.raises(BadInput, match="shares"):
        coin_flips(asked, (0.5, 0.6), Recorder(), 5, np.random.default_rng(2))


@pytest.mark.parametrize("framing", Framing)
def test_simulated_people_choose_by_the_softmax_of_inner_products(framing):
    source = np.random.default_rng(1).normal(size=(6, 3))
    asked = np.array([[0, 1, 2], [3, 4, 5]])
    people = simulated_people(
        source, asked, Recorder(6), 4000, np.random.default_rng(3), temperature=0.7, framing=framing
    )
    s = source @ source.T / 0.7
    for q, (a, b, c) in enumerate(asked):
        pairs = np.array([s[a, b], s[a, c], s[b, c]][: 2 if framing is Framing.anchored else 3])
        expected = np.exp(pairs) / np.exp(pairs).sum()
        assert people.weights.reshape(4000, len(pairs), 2)[:, :, q].mean(0) == pytest.approx(expected, abs=0.03)
    never = simulated_people(source, asked, Recorder(6), 5, np.random.default_rng(3), temperature=0, framing=framing)
    assert (never.weights == never.weights[0]).all()
    for bad in (-1, np.nan, np.inf):
        with pytest.raises(BadInput, match="temperature"):
            simulated_people(source, asked, Recorder(6), 5, np.random.default_rng(3), temperature=bad)
    with pytest.raises(BadInput, match="framing"):
        simulated_people(source, asked, Recorder(6), 5, np.random.default_rng(3), framing="pairs")


def test_the_temperature_for_an_accuracy_gives_it():
    source, asked = np.random.default_rng(1).normal(size=(20, 3)), _questions(20, 500)
    temperature = temperature_for(source, asked, 0.73)
    assert bayes_accuracy(source, asked, temperature) == pytest.approx(0.73, abs=1e-6)
    assert temperature_for(10 * source, asked, 0.73) == pytest.approx(100 * temperature)
    with pytest.raises(BadInput, match="cannot be reached"):
        temperature_for(source, asked, 1.0)
    with pytest.raises(BadInput, match="equally similar"):
        temperature_for(np.zeros((20, 3)), asked, 0.7)


def test_a_fit_that_returns_too_little_is_refused():
    with pytest.raises(BadInput, match="one embedding for each"):
        coin_flips(_questions(20, 30), (0.5, 0.5), lambda a, w: np.zeros((1, 20, 2)), 3, np.random.default_rng(0))
    with pytest.raises(BadInput, match="no draws"):
        coin_flips(_questions(20, 30), (0.5, 0.5), Recorder(), 0, np.random.default_rng(0))
    with pytest.raises(BadInput, match="two answers"):
        split_halves(_questions(20, 1), Recorder(), 3, np.random.default_rng(0))


def _crowd_kernel(n_dims):
    return lambda answers, weights: fit_many(CKL(n_dims), answers, weights, n_items=int(answers.max()) + 1).embeddings


def test_known_figures_of_coins_and_of_simulated_people(people):
    """At 128 × 30 with 28,000 answers: coins 0.12, noise-free people 0.47, noisy people 0.62."""
    human, _, full = people
    asked = _questions(128, 35_000)[:28_000]
    scorer, fit, rng = (
        ReferenceScorer(human, ["procrustes_r2", "cka_debiased"]),
        _crowd_kernel(30),
        np.random.default_rng(4),
    )
    coins = coin_flips(asked, (0.79, 0.21), fit, 6, rng).score(scorer)
    assert coins["procrustes_r2"].mean() == pytest.approx(0.122, abs=0.012)
    assert coins["cka_debiased"].mean() == pytest.approx(0, abs=0.02)
    noisy = simulated_people(full, asked, fit, 3, rng).score(scorer)
    never = simulated_people(full, asked, fit, 1, rng, temperature=0).score(scorer)
    assert noisy["procrustes_r2"].mean() == pytest.approx(0.62, abs=0.03)
    assert never["procrustes_r2"].mean() == pytest.approx(0.47, abs=0.03)
    assert bayes_accuracy(full, asked) == pytest.approx(0.735, abs=0.003)


def test_two_halves_of_one_rater_agree_and_two_halves_of_coins_do_not():
    truth, asked, rng = np.random.default_rng(0).normal(size=(25, 3)), _questions(25, 5000), np.random.default_rng(1)
    fit = _crowd_kernel(3)
    good = split_halves(simulate_answers(truth, asked, rng, 0.3), fit, 4, rng, triplets=asked)
    coin = split_halves(simulate_answers(truth * 0, asked, rng), fit, 4, rng)
    assert good["procrustes_r2"].min() > 0.85
    assert good["answer_agreement"].min() > 0.7
    assert coin["procrustes_r2"].max() < 0.5
    assert abs(coin["cka_debiased"].mean()) < 0.2


def test_coin_flippers_have_uniform_p_values_against_the_coin_flip_null():
    from scipy.stats import kstest

    truth, asked, rng = np.random.default_rng(0).normal(size=(25, 3)), _questions(25, 600), np.random.default_rng(8)
    scorer, fit = ReferenceScorer(truth, ["procrustes_r2", "cka_debiased", "answer_agreement"]), _crowd_kernel(3)
    null = coin_flips(asked, (0.7, 0.3), fit, 199, rng).score(scorer)
    flippers = coin_flips(asked, (0.7, 0.3), fit, 120, rng).score(scorer)
    for name, values in flippers.items():
        # Against one finite null the p-values are off by about 1/√199 together, hence the lenient level.
        assert kstest([p_value(value, null[name]) for value in values], "uniform").pvalue > 1e-4, name


def _answer_coverage(repeats, n_boot, seed):
    """Share of repeats whose interval over answers holds the mean figure: moved onto the figure, and plain."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(30, 4))
    fit, scorer = _crowd_kernel(4), ReferenceScorer(truth, ["procrustes_r2", "cka_debiased", "rsa_spearman_euclidean"])
    values, draws = [], []
    for _ in range(repeats):
        answers = simulate_answers(truth, sample_triplets(30, 1500, rng), rng, 1.5)
        weights = np.vstack([np.ones(1500), answer_weights(1500, n_boot, rng)])
        scored = bootstrap_answers(answers, weights, fit).score(scorer)
        values.append({k: v[0] for k, v in scored.items()})
        draws.append({k: v[1:] for k, v in scored.items()})
    out = {}
    for name in values[0]:
        mean = np.mean([v[name] for v in values])
        moved = [interval(d[name], value=v[name]) for v, d in zip(values, draws, strict=True)]
        plain = [interval(d[name]) for d in draws]
        out[name] = tuple(np.mean([low <= mean <= high for low, high in kind]) for kind in (moved, plain))
    return out


def test_intervals_over_answers_cover_about_as_often_as_they_say():
    for name, (moved, plain) in _answer_coverage(25, 30, 0).items():
        assert moved >= 0.76, (name, moved)
        assert moved >= plain, name


@pytest.mark.slow
def test_intervals_over_answers_cover_in_a_long_simulation():
    for name, (moved, plain) in _answer_coverage(120, 60, 1).items():
        assert 0.88 <= moved <= 0.995, (name, moved)
        assert moved > plain, name


def test_refits_are_scored_draw_by_draw(spaces):
    human, model, _ = spaces
    asked = _questions(40, 50)
    refits = Refits(asked, np.ones((2, 50)), np.stack([model[:, :6], human]))
    scored = refits.score(ReferenceScorer(human))
    assert scored["procrustes_r2"] == pytest.approx([procrustes_r2(human, model[:, :6]), 1])
    assert len(scored["answer_agreement"]) == 2
