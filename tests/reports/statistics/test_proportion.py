"""Wilson's interval against a library, and where others fail."""

import pytest
from statsmodels.stats.proportion import proportion_confint

from triadic.reports.statistics.proportion import wilson


def test_it_is_the_librarys():
    for right, n in [(0, 5), (5, 5), (3, 7), (400, 1000)]:
        low, high = wilson(right / n, n)
        assert (low, high) == pytest.approx(proportion_confint(right, n, method="wilson"), abs=1e-12)
