"""The permutation null: literally the metric on shuffled concepts, calibrated, and told apart from the coin-flip null."""

import numpy as np
import pytest

from triadic.compute.metrics import METRICS, metric
from triadic.compute.resampling.permutation import permutation_null
from triadic.schema.errors import BadInput
from triadic.tests.compute.resampling.summaries import p_value

LABELS = [f"kind{i % 4}" for i in range(40)]


@pytest.mark.parametrize("name", METRICS)
def test_each_draw_is_the_metric_on_shuffled_concepts(name, spaces):
    human, model, rng = spaces
    triplets = np.array([rng.choice(40, 3, replace=False) for _ in range(300)])
    given = {"triplets": triplets, "answers": triplets, "labels": LABELS}
    drawn = permutation_null(human, model, 60, np.random.default_rng(3), [name], **given)[name]
    again = np.random.default_rng(3)
    for value in drawn:
        order = again.permutation(40)
        shuffled = (human[order], model) if name == "answer_agreement" else (human, model[order])
        assert value == pytest.approx(metric(name)(*shuffled, **given), abs=1e-10)


def test_all_metrics_share_their_permutations_and_only_possible_ones_are_drawn(spaces):
    human, model, _ = spaces
    every = permutation_null(human, model, 20, np.random.default_rng(1))
    assert set(every) == {n for n, m in METRICS.items() if m.by_default and m.needs == ("human", "model")}
    alone = permutation_null(human, model, 20, np.random.default_rng(1), ["cka_debiased"])
    assert alone["cka_debiased"] == pytest.approx(every["cka_debiased"], abs=1e-12)
    with pytest.raises(BadInput, match="one or more"):
        permutation_null(human, model, 0, np.random.default_rng(1))


def test_p_values_count_the_draws_at_or_above_and_are_never_zero():
    null = np.arange(99.0)
    assert p_value(1e9, null) == 1 / 100
    assert p_value(-1, null) == 1
    assert p_value(98, null) == 2 / 100
    assert p_value(49, null) == 51 / 100


def _p_values(repeats, seed):
    """p of every metric for unrelated spaces, `repeats` times."""
    rng = np.random.default_rng(seed)
    out = {}
    for _ in range(repeats):
        human, model = rng.normal(size=(30, 4)), rng.normal(size=(30, 5))
        triplets = np.array([rng.choice(30, 3, replace=False) for _ in range(200)])
        answers = np.where(rng.random((200, 1)) < 0.5, triplets, triplets[:, [0, 2, 1]])
        given = {"triplets": triplets, "answers": answers, "labels": LABELS[:30]}
        null = permutation_null(human, model, 99, rng, **given)
        for name, draws in null.items():
            value = METRICS[name](human, model, **given)
            # Discrete figures tie with their null: drawing lots among ties makes p exactly uniform on 1/100 … 1.
            above, level = np.count_nonzero(draws > value), np.count_nonzero(draws == value)
            out.setdefault(name, []).append((1 + above + rng.integers(0, level + 1)) / 100)
            assert p_value(value, draws) >= out[name][-1]
    return out


def _assert_uniform(p_values, name):
    from scipy.stats import kstest

    # A metric in a hundred thousand honest ones fails this.
    assert kstest(np.array(p_values) - 0.005, "uniform").pvalue > 1e-5, name


def test_p_is_uniform_for_unrelated_spaces():
    for name, values in _p_values(120, 0).items():
        _assert_uniform(values, name)


@pytest.mark.slow
def test_p_is_uniform_for_unrelated_spaces_over_many_repeats():
    for name, values in _p_values(3000, 1).items():
        _assert_uniform(values, name)
        assert np.mean(np.array(values) <= 0.05) == pytest.approx(0.05, abs=0.015), name


def test_a_related_space_stands_out_in_every_metric(spaces):
    human, model, _ = spaces
    null = permutation_null(
        human, human + 0.3 * np.random.default_rng(0).normal(size=human.shape), 199, np.random.default_rng(1)
    )
    for name, draws in null.items():
        assert p_value(metric(name)(human, model), draws) < 0.05, name
