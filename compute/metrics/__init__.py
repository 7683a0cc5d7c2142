"""How alike two spaces of the same concepts are: metrics, called like functions `(human, model)`, the variant in the name.

A metric is one object in one file and one line here. The order of the lines is the order of `METRICS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from triadic.compute.metrics.metric import Metric as Metric
from triadic.schema.errors import BadInput, NotFound

# isort: off
from triadic.compute.metrics.procrustes import procrustes_r2 as procrustes_r2
from triadic.compute.metrics.procrustes import procrustes_r2_cv as procrustes_r2_cv
from triadic.compute.metrics.cka import cka_biased as cka_biased
from triadic.compute.metrics.cka import cka_debiased as cka_debiased
from triadic.compute.metrics.cka_corrected import cka_corrected as cka_corrected
from triadic.compute.metrics.rsa import rsa_spearman_euclidean as rsa_spearman_euclidean
from triadic.compute.metrics.rsa import rsa_spearman as rsa_spearman
from triadic.compute.metrics.rsa import rsa_spearman_cosine as rsa_spearman_cosine
from triadic.compute.metrics.rsa import rsa_pearson_euclidean as rsa_pearson_euclidean
from triadic.compute.metrics.rsa import rsa_pearson_cosine as rsa_pearson_cosine
from triadic.compute.metrics.agreement import triplet_agreement as triplet_agreement
from triadic.compute.metrics.agreement import answer_agreement as answer_agreement
from triadic.compute.metrics.neighbours import knn_overlap as knn_overlap
from triadic.compute.metrics.category import category_silhouette as category_silhouette
# isort: on

_IMPORTED = {name: found for name, found in globals().items() if isinstance(found, Metric)}  # with second names

#: Every metric by name: what it needs, how far it can go, and where chance lies. Stages, reports and docs read this.
METRICS: dict[str, Metric] = {found.name: found for found in _IMPORTED.values()}


def metric(name: str | Metric) -> Metric:
    """The metric of that name (`rsa_spearman` means `rsa_spearman_euclidean`); NotFound lists the names."""
    found = name if isinstance(name, Metric) else _IMPORTED.get(name)
    if found is None:
        raise NotFound(f"no metric {name!r}: use one of {', '.join(METRICS)}")
    return found


def applicable(metrics: Iterable[str | Metric] | None = None, **given: Any) -> list[Metric]:
    """Of `metrics`, or of all by default, those whose needs are among the given arguments that are not None.

    By default, those that need more concepts than there are are left out too; one that was asked for is BadInput then.
    """
    have = {name for name, part in given.items() if part is not None}
    n = min((len(given[name]) for name in ("human", "model") if name in have), default=0)
    wanted = [metric(each) for each in metrics] if metrics else [m for m in METRICS.values() if m.by_default]
    chosen = [found for found in wanted if have.issuperset(found.needs)]
    short = [found for found in chosen if n < found.least]
    if metrics and short:
        raise BadInput(f"{short[0].name} needs {short[0].least} concepts, and there are {n}: leave it out")
    return [found for found in chosen if found not in short]
