"""Do the known categories of the concepts stand apart in a space?"""

import numpy as np

from triadic.compute.metrics.gate import groups, space
from triadic.compute.metrics.rsa import euclidean


def category_silhouette(embedding, labels, ignore=("other",)) -> float:
    """Mean silhouette of the concepts over their categories (Rousseeuw 1987, Euclidean), between −1 and 1.

    embedding: (n, d); labels: n category names. Concepts with no label, or one in `ignore`, are left out: "other" is
    what remains, not a kind. A concept alone in its category scores 0. A figure of one space: the human reference's
    own is the yardstick. Meaningless categories score a little below 0.
    """
    embedding = space(embedding)
    code = groups(labels, len(embedding), ignore)
    kept = code >= 0
    return float(silhouettes(euclidean(embedding)[np.ix_(kept, kept)], code[kept][None])[0])


def silhouettes(distances, codes, weights=None):
    """Mean silhouette for each row of codes (b, n), concepts weighted by weights (b, n); distances (n, n)."""
    n_codes = codes.max() + 1
    weights = np.ones(codes.shape) if weights is None else weights
    own = codes[:, :, None] == np.arange(n_codes)  # (b, n, m)
    member = own * weights[:, :, None]
    total = distances @ member  # summed distance of each concept to each category
    size = member.sum(1, keepdims=True)  # (b, 1, m)
    # A concept is no neighbour of itself, nor is a second draw of it: its distance is zero, its weight comes off.
    inside_weight = (size * own).sum(2) - weights
    inside = (total * own).sum(2) / np.where(inside_weight > 0, inside_weight, 1)
    mean = np.where(own | (size == 0), np.inf, total / np.where(size > 0, size, 1))
    outside = mean.min(2)
    outside = np.where(np.isfinite(outside), outside, 0)
    larger = np.maximum(inside, outside)
    score = np.where((inside_weight > 0) & (larger > 0), (outside - inside) / np.where(larger > 0, larger, 1), 0.0)
    # A resample that drew one category only, or none, separates nothing.
    some = ((size > 0).sum(2) > 1).all(1)
    return np.where(some, (score * weights).sum(1) / np.maximum(weights.sum(1), np.finfo(float).tiny), 0.0)
