"""What every metric must satisfy, whatever the spaces: invariances, bounds, identity, one gate for bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triadic.compute.metrics import METRICS, metric
from triadic.schema.errors import BadInput, NotFound

SPACES = [name for name, m in METRICS.items() if m.needs == ("human", "model")]
WITH_MODEL = [name for name, m in METRICS.items() if "model" in m.needs]
COPIED = [name for name in WITH_MODEL if METRICS[name].perfect is not None]
LABELS = [f"kind{i % 3}" for i in range(40)]


def _figure(name, human, model, seed=1):
    rng = np.random.default_rng(seed)
    triplets = np.array([rng.choice(len(human), 3, replace=False) for _ in range(200)])
    return metric(name)(human, model, triplets=triplets, answers=triplets, labels=LABELS[: len(human)])


def _rotation(rng, d, reflect):
    q, _ = np.linalg.qr(rng.normal(size=(d, d)))
    if (np.linalg.det(q) < 0) != reflect:
        q[:, 0] *= -1
    return q


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("reflect", [False, True])
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31), log_scale=st.floats(-8, 8), shift=st.floats(-100, 100))
def test_rotation_reflection_scale_and_translation_of_either_space_change_nothing(
    name, reflect, seed, log_scale, shift
):
    rng = np.random.default_rng(seed)
    human, model = rng.normal(size=(40, 6)), rng.normal(size=(40, 9))
    model[:, :6] += human
    expected = _figure(name, human, model)
    scale = 10.0**log_scale
    moved = (model @ _rotation(rng, 9, reflect) + shift) * scale
    assert _figure(name, human, moved) == pytest.approx(expected, abs=1e-7)
    moved = (human @ _rotation(rng, 6, reflect) + shift) * scale
    assert _figure(name, moved, model) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(15, 40), d_human=st.integers(1, 50), d_model=st.integers(1, 50))
def test_stays_within_its_bounds_for_any_ranks(name, seed, n, d_human, d_model):
    rng = np.random.default_rng(seed)
    low, high = METRICS[name].bounds
    value = _figure(name, rng.standard_cauchy(size=(n, d_human)), rng.standard_cauchy(size=(n, d_model)), seed)
    assert np.isfinite(value)
    assert isinstance(value, float)
    assert low <= value <= high


@pytest.mark.parametrize("name", COPIED)
def test_a_copy_scores_what_the_metric_says(name, spaces):
    human, _, _ = spaces
    assert _figure(name, human, human) == pytest.approx(METRICS[name].perfect, abs=1e-9)
    padded = np.hstack([human, np.zeros((40, 5))])
    assert _figure(name, padded, human) == pytest.approx(METRICS[name].perfect, abs=1e-9)


@pytest.mark.parametrize("name", WITH_MODEL)
def test_zero_padding_changes_nothing(name, spaces):
    human, model, _ = spaces
    expected = _figure(name, human, model)
    assert _figure(name, np.hstack([human, np.zeros((40, 5))]), model) == pytest.approx(expected, abs=1e-9)
    assert _figure(name, human, np.hstack([model, np.zeros((40, 5))])) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", WITH_MODEL)
def test_the_order_of_concepts_does_not_matter_when_both_follow_it(name, spaces):
    if name in ("procrustes_r2_cv", "triplet_agreement", "category_silhouette"):
        pytest.skip("depends on folds, questions or labels that are tied to positions")
    human, model, rng = spaces
    order = rng.permutation(40)
    assert _figure(name, human[order], model[order]) == pytest.approx(_figure(name, human, model), abs=1e-9)


@pytest.mark.parametrize("name", COPIED)
def test_falls_as_noise_is_added_to_a_copy_of_the_human_space(name, people):
    human, _, _ = people
    rng = np.random.default_rng(3)
    triplets = np.array([rng.choice(128, 3, replace=False) for _ in range(4000)])
    noise = rng.normal(size=(6, *human.shape)) * human.std()
    means = [
        np.mean([metric(name)(human, human + level * e, triplets=triplets) for e in noise])
        for level in (0, 0.25, 0.5, 1, 2, 4)
    ]
    assert means[0] == pytest.approx(METRICS[name].perfect)
    assert (np.diff(means) < 0).all(), means


def test_categories_of_the_human_space_blur_as_noise_is_added(people):
    human, labels, _ = people
    rng = np.random.default_rng(3)
    silhouette = metric("category_silhouette")
    means = [
        np.mean(
            [
                silhouette(model=human + level * rng.normal(size=human.shape) * human.std(), labels=labels)
                for _ in range(4)
            ]
        )
        for level in (0, 0.5, 1, 2)
    ]
    assert (np.diff(means) < 0).all(), means


@pytest.mark.parametrize("name", WITH_MODEL)
@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda m: np.where(np.arange(m.size).reshape(m.shape) == 5, np.nan, m), "1 non-finite"),
        (lambda m: m * np.inf, "non-finite"),
        (lambda m: m[:, 0], "shape"),
        (lambda m: m[:, :0], "shape"),
        (lambda m: m[:2], "concepts"),
        (lambda m: np.ones_like(m), "same position"),
        (lambda m: m.astype(object) * "x", "numbers"),
    ],
)
def test_bad_spaces_are_refused_in_one_line(name, spoil, word, spaces):
    human, model, _ = spaces
    spoiled = np.full(model.shape, "x") if word == "numbers" else spoil(model)
    with pytest.raises(BadInput, match=word) as caught:
        _figure(name, human, spoiled)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [n for n in SPACES])
def test_spaces_of_different_concepts_are_refused(name, spaces):
    human, model, _ = spaces
    with pytest.raises(BadInput, match="40 concepts and the model's 39"):
        metric(name)(human, model[:-1])


def test_what_a_metric_needs_is_asked_for(spaces):
    human, model, _ = spaces
    with pytest.raises(BadInput, match="triplet_agreement needs triplets"):
        metric("triplet_agreement")(human, model)
    with pytest.raises(NotFound, match="cka_debiased"):
        metric("cka")
