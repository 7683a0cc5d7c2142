"""The spectrum of an embedding: known answers, invariance, and what is refused."""

import numpy as np
import pytest

from triadic.schema.embeddings import components, participation_ratio, pca, principal_variances, read_embedding
from triadic.schema.errors import BadInput, NotFound


@pytest.fixture
def axes():
    """Four axes with variances 8 : 4 : 2 : 2, rotated at random."""
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    corners = np.vstack([sign * np.sqrt(v / 2) * np.eye(4)[i] for i, v in enumerate([8, 4, 2, 2]) for sign in (1, -1)])
    return corners @ rotation + 7


def test_known_spectrum(axes):
    assert principal_variances(axes) == pytest.approx([8, 4, 2, 2])
    assert participation_ratio(axes) == pytest.approx(16**2 / (64 + 16 + 4 + 4))


@pytest.mark.parametrize(("share", "count"), [(0.4, 1), (0.5, 1), (0.51, 2), (0.75, 2), (0.8, 3), (0.875, 3), (1.0, 4)])
def test_components_that_hold_a_share_also_where_it_is_just_reached(axes, share, count):
    assert components(axes, share) == count


def test_pca_keeps_distances_and_says_how_much(axes):
    scores, kept = pca(axes, 4)
    assert kept == pytest.approx(1)
    assert np.linalg.norm(scores[0] - scores[3]) == pytest.approx(np.linalg.norm(axes[0] - axes[3]))
    scores, kept = pca(axes, 2)
    assert scores.shape == (8, 2)
    assert kept == pytest.approx(12 / 16)
    assert (scores**2).sum(axis=0) == pytest.approx([8, 4])


def test_participation_ratio_of_equal_axes_a_line_and_a_point():
    assert participation_ratio(np.vstack([np.eye(3), -np.eye(3)])) == pytest.approx(3)
    assert participation_ratio(np.outer(np.arange(5.0), [1, 2, 3])) == pytest.approx(1)
    assert participation_ratio(np.ones((4, 2))) == 0


def test_no_variance_no_share_and_no_matrix_are_refused(axes):
    with pytest.raises(BadInput, match="no variance to share"):
        components(np.ones((4, 2)))
    for share in (0, -0.1, 1.1):
        with pytest.raises(BadInput, match="no share of the variance"):
            components(axes, share)
    for rows in (np.ones(3), np.ones((0, 3)), np.array([[1.0, np.nan]])):
        with pytest.raises(BadInput, match="give a finite matrix"):
            principal_variances(rows)


def test_an_unknown_embedding_is_not_found(empty_lab):
    with pytest.raises(NotFound, match="no embedding none in this lab"):
        read_embedding(empty_lab, "none")
