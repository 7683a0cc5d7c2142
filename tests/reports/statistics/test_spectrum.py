"""Counting principal components."""

import numpy as np
import pytest

from triadic.reports.statistics.spectrum import components
from triadic.schema.errors import BadInput


def test_by_hand():
    # Orthogonal columns with variances 8, 1 and 1: the first holds 0.8, the first two 0.9.
    rows = np.array([[2, 0, 0], [-2, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]) * np.array(
        [np.sqrt(2), 1, 1]
    )
    assert [components(rows, share) for share in (0.5, 0.8, 0.85, 0.9, 0.95, 1.0)] == [1, 1, 2, 2, 3, 3]


def test_position_and_rotation_do_not_matter():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, 8)) * np.geomspace(1, 0.05, 8)
    turn = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    assert components(rows @ turn + 5) == components(rows)


def test_refusals():
    with pytest.raises(BadInput, match="between 0 and 1"):
        components(np.eye(3), 1.2)
    with pytest.raises(BadInput, match="no variance"):
        components(np.ones((4, 2)))
