"""Triadic: how human-like are a language model's concepts, and which of its ingredients made them so?

Estimators and metrics are importable on their own, and loaded when first used:

>>> from triadic import CKL, procrustes_r2
"""

from importlib import import_module

__version__ = "0.1.0"

_ESTIMATORS = ("CKL", "GNMDS", "SOE", "STE", "TSTE", "SPoSE")
_METRICS = (
    "answer_agreement",
    "category_silhouette",
    "cka_biased",
    "cka_debiased",
    "knn_overlap",
    "procrustes_r2",
    "procrustes_r2_cv",
    "rsa_pearson_cosine",
    "rsa_pearson_euclidean",
    "rsa_spearman",
    "rsa_spearman_cosine",
    "rsa_spearman_euclidean",
    "triplet_agreement",
)
_HOMES = dict.fromkeys(_ESTIMATORS, "triadic.compute.ordinal") | dict.fromkeys(_METRICS, "triadic.compute.metrics")
_HOMES["Lab"] = "triadic.schema.lab"

__all__ = ["Lab", "__version__", *_ESTIMATORS, *_METRICS]


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'triadic' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
