"""Do groups differ where models come in families that are alike? The restricted wild cluster bootstrap.

Least squares gives the means, whole families the variance of what is tested (CR1), and the distribution of F under the
null comes from turning the sign of whole families' residuals from the fit without the groups (Cameron, Gelbach & Miller
2008, Rev. Economics and Statistics 90; Djogbenou, MacKinnon & Nielsen 2019, J. Econometrics 212). It takes groups that
are constant within families and groups that vary within them, and needs neither equal variances, nor normality, nor an
effect that is the same in every family. Up to 13 families every pattern of signs is taken, so p has no Monte-Carlo error.
What it costs is power where few families hold a group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from triadic.reports.statistics.sample import values
from triadic.schema.arrays import Floats, Ints
from triadic.schema.errors import BadInput

EXACT_UP_TO = 13  # families: 2^13 patterns of signs; beyond that they are drawn
N_DRAWS = 10_000  # the first is the data's
SINGULAR = 1e-9  # of the largest eigenvalue; a covariance of families below it cannot judge every contrast


@dataclass(frozen=True)
class FamilyTest:
    """F = Wald / df1 over `n_families`, and its p. NaN where families are too few for as many groups.

    `least_p` is the smallest p that so many families can give. `left_out`: groups that one family alone holds, which
    cannot be told from that family.
    """

    n: int
    n_families: int
    f: float
    df1: int
    p: float
    least_p: float
    left_out: tuple[str, ...] = ()


def mean_by_family(x: Sequence[float] | Floats, families: Sequence[str], rng: np.random.Generator) -> FamilyTest:
    """Is the mean of x (n,) zero, values of one family being alike? For changes within pairs."""
    y = values(x, "change", at_least=2)
    return wild_bootstrap(y, np.ones((y.size, 1)), 1, _codes(families), rng)


def groups_by_family(
    x: Sequence[float] | Floats, groups: Sequence[str], families: Sequence[str], rng: np.random.Generator
) -> FamilyTest | None:
    """Have all groups one mean? x (n,) with the group and the family of each.

    Groups of one family are left out; None where fewer than two groups are left.
    """
    y, labels, clusters = values(x, "sample"), np.asarray(groups, dtype=str), np.asarray(families, dtype=str)
    known = [str(label) for label in np.unique(labels)]
    alone = tuple(label for label in known if np.unique(clusters[labels == label]).size < 2)
    kept = ~np.isin(labels, alone)
    known = [label for label in known if label not in alone]
    if len(known) < 2:
        return None
    design = np.column_stack([np.ones(int(kept.sum())), *(labels[kept] == label for label in known[1:])])
    found = wild_bootstrap(y[kept], design, len(known) - 1, _codes(clusters[kept]), rng)
    return FamilyTest(**{**vars(found), "left_out": alone})


def wild_bootstrap(y: Floats, design: Floats, q: int, clusters: Ints, rng: np.random.Generator) -> FamilyTest:
    """Are the coefficients of the last q columns of the design (n, p) zero? Clusters (n,) take each value of 0…G−1."""
    n, p = design.shape
    n_clusters = int(clusters.max()) + 1
    if n <= p or n_clusters < 2:
        raise BadInput(f"{n} values in {n_clusters} families are too few for {p} means")
    null = design[:, : p - q]
    left = y - null @ np.linalg.lstsq(null, y, rcond=None)[0] if p > q else y
    scores = np.stack([design[clusters == g].T @ left[clusters == g] for g in range(n_clusters)])  # (G, p)
    crossed = np.stack([design[clusters == g].T @ design[clusters == g] for g in range(n_clusters)])  # (G, p, p)
    signs = _signs(n_clusters, rng)
    wald = np.concatenate([_wald(part, scores, crossed, q) for part in np.array_split(signs, len(signs) // 2048 + 1)])
    least = max(2.0 ** (1 - n_clusters), 1 / len(signs))
    if not np.isfinite(wald[0]):
        return FamilyTest(n, n_clusters, float("nan"), q, float("nan"), least)
    # A tie in exact arithmetic (every sign turned) counts in floating point too.
    return FamilyTest(n, n_clusters, float(wald[0]) / q, q, float(np.mean(wald >= wald[0] * (1 - 1e-9))), least)


def _wald(signs: Floats, scores: Floats, crossed: Floats, q: int) -> Floats:
    """The Wald statistic (B,) under each pattern of signs (B, G); infinite where families cannot judge every contrast.

    Everything is linear in a family's score X'u: turning its sign turns that. So no response is ever made.
    """
    bread = np.linalg.inv(crossed.sum(axis=0))
    moved = (signs @ scores) @ bread  # (B, p): coefficients less those of the null fit
    turned = signs[:, :, None] * scores - np.einsum("gij,bj->bgi", crossed, moved)
    turned = turned @ bread[:, -q:]  # (B, G, q): what each family adds to the tested coefficients
    spread = np.einsum("bgi,bgj->bij", turned, turned) * (len(scores) / (len(scores) - 1))
    roots = np.linalg.eigvalsh(spread)
    sound = roots[:, 0] > SINGULAR * np.maximum(roots[:, -1], np.finfo(float).tiny)
    spread[~sound] = np.eye(q)
    tested = moved[:, -q:]
    wald = np.einsum("bi,bi->b", tested, np.linalg.solve(spread, tested[..., None])[..., 0])
    found: Floats = np.where(sound, wald, np.inf)
    return found


def _signs(n_clusters: int, rng: np.random.Generator) -> Floats:
    """Patterns of signs (B, G), the first of them all plus: every one of few clusters, else `N_DRAWS`."""
    if n_clusters <= EXACT_UP_TO:
        bits = (np.arange(2**n_clusters)[:, None] >> np.arange(n_clusters)) & 1
        return np.where(bits == 1, -1.0, 1.0)
    drawn = rng.random((N_DRAWS, n_clusters)) < 0.5
    drawn[0] = False
    return np.where(drawn, -1.0, 1.0)


def _codes(families: Sequence[str] | np.ndarray) -> Ints:
    found: Ints = np.unique(np.asarray(families, dtype=str), return_inverse=True)[1]
    return found
