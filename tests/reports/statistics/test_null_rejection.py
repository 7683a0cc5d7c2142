"""How often each p is below 0.05 where nothing is there, in the published suite's own design of families.

Predicted before the first run: bootstrap and Kenward–Roger 4 to 6%, Wald's z 5 to 10%, likelihood ratios 7 to 15%; tests
of groups as if models were independent far above 5% where families are alike, the wild bootstrap at most 6%.
What was seen is in docs/regression.md. Here the rates are held within what so many draws allow.
"""

import numpy as np
import pytest

from triadic.reports.frames import scoped
from triadic.reports.regression import FORMULAS, without_constant
from triadic.reports.statistics.distributions import two_sided_z
from triadic.reports.statistics.families import groups_by_family
from triadic.reports.statistics.groups import many_groups
from triadic.reports.statistics.mixed import read_design
from triadic.reports.statistics.terms import TermTests

ALPHA = 0.05


@pytest.fixture(scope="module")
def frame(suite):
    return scoped(suite, "ingredient_frame")[0][1]


def p_values(design, family_sd, n_responses, rng):
    """Wald's, likelihood-ratio, Kenward–Roger's and bootstrap p of every ingredient, for responses of no effect."""
    found = []
    for _ in range(n_responses):
        y = family_sd * rng.normal(size=len(design.groups))[design.codes] + rng.normal(size=design.y.size)
        tests = TermTests(y, design.x, design.codes, rng, 199)
        z = tests.kenward_roger.beta / np.sqrt(np.diag(tests.kenward_roger.unadjusted))
        for j in range(1, design.x.shape[1]):
            term = tests.without("", [j])
            found.append((two_sided_z(z[j]), term.lr_p, term.kr_p, term.bootstrap_p))
    return np.array(found)


@pytest.mark.slow
@pytest.mark.parametrize("family_sd", [0.0, 0.5, 1.4, 3.0])
def test_bootstrap_and_kenward_roger_keep_their_level_over_eleven_families(frame, family_sd):
    design = read_design(FORMULAS["per head"], without_constant(frame), "family")
    assert len(design.groups) == 11
    rates = (p_values(design, family_sd, 300, np.random.default_rng(7)) <= ALPHA).mean(axis=0)
    wald, ratio, kenward_roger, bootstrap = rates
    print(f"family SD {family_sd}: Wald {wald:.4f}, LR {ratio:.4f}, KR {kenward_roger:.4f}, bootstrap {bootstrap:.4f}")
    # 3,300 tests of 300 responses: a standard error of .004 if they were independent, somewhat more as they are not.
    assert 0.035 < bootstrap < 0.065
    assert 0.03 < kenward_roger < 0.065
    assert ratio > bootstrap
    assert ratio > 0.06


@pytest.mark.slow
@pytest.mark.parametrize("ingredient", ["instruction_tuned", "multimodal", "activation_family", "attention"])
@pytest.mark.parametrize(("family_sd", "effect_sd"), [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)])
def test_groups_by_family_keep_their_level(frame, ingredient, family_sd, effect_sd):
    """`effect_sd`: the group's effect differs from family to family, around nothing."""
    known = frame[frame[ingredient].notna()]
    labels, families = known[ingredient].astype(str).to_numpy(), known.family.astype(str).to_numpy()
    group, family = (np.unique(each, return_inverse=True)[1] for each in (labels, families))
    rng, ours, classical = np.random.default_rng(3), [], []
    for _ in range(500):
        y = family_sd * rng.normal(size=family.max() + 1)[family] + rng.normal(size=group.size)
        y = y + effect_sd * rng.normal(size=(family.max() + 1, group.max() + 1))[family, group]
        ours.append(groups_by_family(y, labels.tolist(), families.tolist(), rng).p)
        classical.append(many_groups([y[group == g] for g in range(group.max() + 1)]).p)
    rates = np.mean(np.array([ours, classical]) <= ALPHA, axis=1)
    print(f"{ingredient}, family SD {family_sd}, effect SD {effect_sd}: wild {rates[0]:.3f}, classical {rates[1]:.3f}")
    assert rates[0] < 0.08  # a standard error of .01
    if family_sd and ingredient != "instruction_tuned":
        assert rates[1] > 0.15
