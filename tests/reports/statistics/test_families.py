"""Tests that allow for families: against loops over every pattern of signs, and in what they must not do."""

import itertools

import numpy as np
import pytest

from triadic.reports.statistics.families import groups_by_family, mean_by_family
from triadic.schema.errors import BadInput


def alike(seed=0, sizes=(3, 5, 2, 6, 4, 1, 3), family_sd=1.0):
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    y = family_sd * rng.normal(size=len(sizes))[codes] + rng.normal(size=codes.size)
    return y, [f"family{code}" for code in codes], rng


def by_hand(y, labels, families):
    """Cameron, Gelbach & Miller's recipe with whole responses: fit, cluster-robust F, every pattern of signs."""
    families = np.asarray(families)
    levels = sorted(set(labels))
    design = np.column_stack([np.ones(y.size), *(np.asarray(labels) == level for level in levels[1:])]).astype(float)
    bread, names = np.linalg.inv(design.T @ design), sorted(set(families))

    def wald(response):
        beta = bread @ design.T @ response
        left = response - design @ beta
        meat = sum(np.outer(s, s) for s in (design[families == f].T @ left[families == f] for f in names))
        spread = (bread @ meat @ bread)[1:, 1:] * len(names) / (len(names) - 1)
        return beta[1:] @ np.linalg.solve(spread, beta[1:])

    null = y - y.mean()
    observed, turned = wald(y), []
    for signs in itertools.product((-1.0, 1.0), repeat=len(names)):
        sign = np.array([signs[names.index(family)] for family in families])
        turned.append(wald(y.mean() + sign * null))
    return observed / (len(levels) - 1), np.mean(np.array(turned) >= observed * (1 - 1e-9))


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_recipe_written_out(seed):
    y, families, rng = alike(seed)
    labels = rng.choice(["a", "b"], y.size).tolist()
    found = groups_by_family(y, labels, families, rng)
    assert (found.f, found.p) == pytest.approx(by_hand(y, labels, families))
    assert (found.n, found.n_families, found.df1, found.left_out) == (24, 7, 1, ())


def test_it_is_the_recipe_for_several_groups_too():
    y, families, rng = alike(3)
    labels = [("a", "b", "c")[i % 3] for i in range(y.size)]
    found = groups_by_family(y, labels, families, rng)
    assert found.df1 == 2
    assert (found.f, found.p) == pytest.approx(by_hand(y, labels, families))


def test_a_mean_change_of_one_value_a_family_is_turned_sign_by_sign():
    change = np.array([1.0, 2.0, -0.5, 3.0, 1.5, 0.4])
    found = mean_by_family(change, list("abcdef"), np.random.default_rng(0))
    t = [abs(x.mean()) / x.std() for x in (np.array(s) * change for s in itertools.product((-1, 1), repeat=6))]
    assert found.p == pytest.approx(np.mean(np.array(t) >= abs(change.mean()) / change.std() - 1e-12))
    assert found.least_p == 1 / 32


def test_neither_scale_nor_order_nor_names_matter():
    y, families, rng = alike(4)
    labels = np.where(rng.random(y.size) < 0.4, "yes", "no")
    one = groups_by_family(y, labels.tolist(), families, rng)
    order = rng.permutation(y.size)
    other = groups_by_family(
        10 - 3 * y[order], np.where(labels == "yes", "a", "z")[order].tolist(), [families[i][::-1] for i in order], rng
    )
    assert (one.f, one.p) == pytest.approx((other.f, other.p))


def test_what_one_family_alone_holds_is_left_out():
    y, families, rng = alike(5)
    labels = ["own" if family == "family3" else ("a", "b")[i % 2] for i, family in enumerate(families)]
    found = groups_by_family(y, labels, families, rng)
    assert found.left_out == ("own",)
    assert (found.n, found.n_families) == (18, 6)
    assert groups_by_family(y, families, families, rng) is None


def test_models_of_one_family_are_not_independent_evidence():
    """Ten copies of each family's one value: the classical test takes them for ten times the evidence, this does not."""
    values, label = np.array([1.0, 1.2, 0.7, 2.0, 2.4, 1.6, 2.2]), ["a", "a", "a", "b", "b", "b", "b"]
    names, rng = [f"f{i}" for i in range(7)], np.random.default_rng(0)
    once = groups_by_family(values, label, names, rng)
    often = groups_by_family(values.repeat(10), np.repeat(label, 10).tolist(), np.repeat(names, 10).tolist(), rng)
    assert often.p == pytest.approx(once.p)


def test_more_families_than_patterns_can_be_listed_are_drawn_with_the_seed():
    y, families, _ = alike(6, sizes=(2,) * 20)
    labels = [("a", "b")[i % 2] for i in range(40)]
    one, again, other = (groups_by_family(y, labels, families, np.random.default_rng(s)) for s in (0, 0, 1))
    assert one.p == again.p
    assert one.p == pytest.approx(other.p, abs=0.03)


def test_too_few_is_one_line():
    with pytest.raises(BadInput, match="too few"):
        mean_by_family([1.0, 2.0], ["a", "a"], np.random.default_rng(0))


def test_as_many_groups_as_families_cannot_be_judged():
    y, rng = np.arange(8.0), np.random.default_rng(0)
    found = groups_by_family(y, list("abcdabcd"), list("xxxxyyyy"), rng)
    assert np.isnan(found.p)
