"""Triadic: how human-like are a language model's concepts, and which of its ingredients made them so?

Estimators and metrics are importable on their own, and loaded when first used:

>>> from triadic import CKL, procrustes_r2
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what `__getattr__` finds, for type checkers and editors
    from triadic.compute.metrics import *  # noqa: F403
    from triadic.compute.ordinal import *  # noqa: F403
    from triadic.schema.lab import Lab as Lab

__version__ = "0.1.0"


def _library() -> dict[str, Any]:
    """What stands on its own, by name: the lab, and every estimator and metric that the rooms import."""
    from triadic.compute import metrics, ordinal
    from triadic.schema.lab import Lab

    estimators = {loss.__name__: loss for loss in ordinal.LOSSES.values()}
    return {"Lab": Lab, **estimators, **{k: v for k, v in vars(metrics).items() if isinstance(v, metrics.Metric)}}


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return ["__version__", *_library()]
    if name.startswith("_") or name not in (found := _library()):
        raise AttributeError(f"module 'triadic' has no attribute {name!r}")
    return found[name]


def __dir__() -> list[str]:
    return sorted([*globals(), *_library()])
