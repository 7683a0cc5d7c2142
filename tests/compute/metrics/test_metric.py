"""What a metric is: its facts are stated, it is registered, and a form that it does not give is computed from its value."""

import importlib
import inspect
import pkgutil
from itertools import product

import numpy as np
import pytest

from triadic.compute import metrics as room
from triadic.compute.metrics import METRICS, applicable, metric, rsa_spearman, rsa_spearman_euclidean
from triadic.compute.metrics.inputs import Inputs, Space
from triadic.compute.metrics.metric import InnerProduct, Metric
from triadic.compute.metrics.scorer import ReferenceScorer
from triadic.compute.resampling.concepts import bootstrap_concepts, concept_weights
from triadic.compute.resampling.permutation import permutation_null
from triadic.compute.resampling.refits import split_halves
from triadic.schema.errors import BadInput

ORDER = [
    "procrustes_r2",
    "procrustes_r2_cv",
    "cka_biased",
    "cka_debiased",
    "rsa_spearman_euclidean",
    "rsa_spearman_cosine",
    "rsa_pearson_euclidean",
    "rsa_pearson_cosine",
    "triplet_agreement",
    "answer_agreement",
    "knn_overlap",
    "category_silhouette",
]


class Everything(Metric):
    """Gives no form but its value, and needs all that there is."""

    name = "everything"
    needs = ("human", "model", "triplets", "answers", "labels")
    bounds = (-float("inf"), float("inf"))
    description = chance = "of no interest"

    def value(self, inputs):
        human, model = inputs.human.rows[:, 0], inputs.model.rows[:, 0]
        asked, answered = (np.sin(7 * human[q.rows] + model[q.rows]) for q in (inputs.triplets, inputs.answers))
        weights = inputs.answer_weights
        by_category = [model[inputs.categories == code].mean() for code in range(inputs.categories.max() + 1)]
        return float(
            (human * model**2).mean() + asked.mean() + np.average(answered[:, 1], weights=weights) + np.max(by_category)
        )


class HumanOnly(Metric):
    """Needs no model's space."""

    name = "human_only"
    needs = ("human", "answers")
    bounds = (-float("inf"), float("inf"))
    description = chance = "of no interest"

    def value(self, inputs):
        return float(np.sin(inputs.human.rows[inputs.answers.rows, 0]).prod(1).sum())


class SameSign(InnerProduct):
    """An inner product that counts how often its table is made."""

    name = "same_sign"
    bounds = (-1.0, 1.0)
    description = chance = "of no interest"

    def __init__(self):
        self.made = []

    def entries(self, space):
        self.made.append(space.who)
        return np.sign(space.rows @ space.rows.T) / len(space)


@pytest.fixture
def given(spaces):
    rng = spaces[2]
    triplets = np.array([rng.choice(40, 3, replace=False) for _ in range(300)])
    answers = triplets[:, rng.permutation(3)][:200]
    return {"triplets": triplets, "answers": answers, "labels": ["a", "b", None, "c"] * 10}


def test_every_metric_of_every_module_is_registered_under_its_name():
    modules = [importlib.import_module(f"{room.__name__}.{m.name}") for m in pkgutil.iter_modules(room.__path__)]
    found = {m for module in modules for m in vars(module).values() if isinstance(m, Metric)}
    assert found == set(METRICS.values())
    classes = {c for module in modules for c in vars(module).values() if inspect.isclass(c) and issubclass(c, Metric)}
    concrete = {c for c in classes if not inspect.isabstract(c)}
    assert concrete == {type(m) for m in METRICS.values()}
    for name, m in METRICS.items():
        assert getattr(room, name) is m is metric(name) is metric(m)
    assert metric("rsa_spearman") is rsa_spearman is rsa_spearman_euclidean


def test_metrics_keep_their_order():
    assert [name for name in METRICS if name in ORDER] == ORDER


def test_every_metric_states_its_facts():
    for name, m in METRICS.items():
        assert m.name == name
        assert m.chance
        assert m.description
        assert m.__doc__
        assert m.bounds[0] < m.bounds[1]
        assert m.least >= 4
        assert set(m.needs) <= {"human", "model", "triplets", "answers", "labels"}


@pytest.mark.parametrize("toy", [Everything(), HumanOnly()])
def test_without_a_form_for_shuffled_concepts_the_value_is_taken_on_each_order(toy, spaces, given):
    human, model, _ = spaces
    drawn = permutation_null(human, model, 55, np.random.default_rng(3), [toy, "cka_debiased"], **given)
    assert list(drawn) == [toy.name, "cka_debiased"]
    again = np.random.default_rng(3)
    orders = [again.permutation(40) for _ in range(55)]
    moved = [(human, model[o]) if "model" in toy.needs else (human[o], model) for o in orders]
    assert list(drawn[toy.name]) == [toy(*pair, **given) for pair in moved]
    assert len(set(drawn[toy.name])) == 55


def test_without_a_form_for_weighted_concepts_the_value_is_taken_on_repeated_rows(spaces, given):
    human, model, rng = spaces
    toy, drawn = Everything(), bootstrap_concepts(human, model, 3, np.random.default_rng(4), [Everything()], **given)
    for value, times in zip(drawn["everything"], concept_weights(40, 3, np.random.default_rng(4)), strict=True):
        rows = np.repeat(np.arange(40), times.astype(int))
        again = {"labels": [given["labels"][row] for row in rows]}
        for name in ("triplets", "answers"):  # every question of every copy, the slow way
            copies = [np.flatnonzero(rows == concept) for concept in range(40)]
            again[name] = np.array([each for row in given[name] for each in product(*(copies[x] for x in row))])
        assert value == pytest.approx(toy(human[rows], model[rows], **again), abs=1e-12)
    weights = rng.random(200)
    inputs = Inputs(human, model, weights=weights, **given)
    assert toy.weighted(inputs, np.ones((1, 40)))[0] == pytest.approx(toy.value(inputs), abs=1e-12)
    for bad in (np.full((1, 40), 0.5), np.full((1, 40), -1.0)):
        with pytest.raises(BadInput, match="counts"):
            toy.weighted(inputs, bad)


def test_a_metric_can_be_given_in_place_of_a_name(spaces, given):
    human, model, _ = spaces
    toy, asked = Everything(), given["triplets"]
    scored = ReferenceScorer(human, [toy, "procrustes_r2"], triplets=asked, labels=given["labels"])
    assert scored.score(model, given["answers"])["everything"] == toy(human, model, **given)
    rng, parts = np.random.default_rng(0), {"triplets": asked, "labels": given["labels"]}
    halves = split_halves(given["answers"], lambda _, weights: np.stack([human] * len(weights)), 2, rng, [toy], **parts)
    assert halves["everything"].shape == (2,)


def test_what_is_derived_of_the_reference_is_derived_once(spaces):
    human, model, _ = spaces
    toy = SameSign()
    scorer = ReferenceScorer(human, [toy])
    first, again = scorer.score(model), scorer.score(model[::-1])
    assert toy.made == ["human embedding", "model embedding", "model embedding"]
    assert (first["same_sign"], again["same_sign"]) == (toy(human, model), toy(human, model[::-1]))


def test_an_inner_product_needs_nothing_but_its_table(spaces):
    human, model, _ = spaces
    toy = SameSign()
    drawn = permutation_null(human, model, 5, np.random.default_rng(3), [toy, "cka_biased", "knn_overlap"])
    inputs, again = Inputs(human, model), np.random.default_rng(3)
    orders = np.array([again.permutation(40) for _ in range(5)])
    assert drawn["same_sign"] == pytest.approx(Metric.shuffled(toy, inputs, orders), abs=1e-12)
    assert drawn["same_sign"] == pytest.approx(toy.shuffled(inputs, orders), abs=1e-12)


def test_a_space_derives_once_for_each_argument():
    calls = []

    def power(space, exponent):
        calls.append(exponent)
        return space.rows**exponent

    space = Space(np.arange(6.0).reshape(3, 2))
    assert space.get(power, 2) is space.get(power, 2)
    assert space.get(power, 3)[2, 1] == 125
    assert calls == [2, 3]


def test_metrics_that_need_more_concepts_are_left_out_unless_asked_for(spaces):
    human, model, _ = spaces
    names = [m.name for m in applicable(human=human[:11], model=model[:11])]
    assert "cka_debiased" in names
    assert "knn_overlap" not in names
    with pytest.raises(BadInput, match="knn_overlap needs 12 concepts, and there are 11"):
        permutation_null(human[:11], model[:11], 5, np.random.default_rng(0), ["knn_overlap"])
