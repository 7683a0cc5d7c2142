"""How alike two spaces of the same concepts are: pure functions `(human, model) -> float`, the variant in the name."""

from triadic.compute.metrics.agreement import answer_agreement, triplet_agreement
from triadic.compute.metrics.category import category_silhouette
from triadic.compute.metrics.cka import cka_biased, cka_debiased
from triadic.compute.metrics.neighbours import knn_overlap
from triadic.compute.metrics.procrustes import procrustes_r2, procrustes_r2_cv
from triadic.compute.metrics.registry import METRICS, Metric, applicable, metric
from triadic.compute.metrics.rsa import (
    rsa_pearson_cosine,
    rsa_pearson_euclidean,
    rsa_spearman,
    rsa_spearman_cosine,
    rsa_spearman_euclidean,
)

__all__ = [
    "METRICS",
    "Metric",
    "answer_agreement",
    "applicable",
    "category_silhouette",
    "cka_biased",
    "cka_debiased",
    "knn_overlap",
    "metric",
    "procrustes_r2",
    "procrustes_r2_cv",
    "rsa_pearson_cosine",
    "rsa_pearson_euclidean",
    "rsa_spearman",
    "rsa_spearman_cosine",
    "rsa_spearman_euclidean",
    "triplet_agreement",
]
