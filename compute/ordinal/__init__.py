"""Ordinal embeddings: one solver, many losses. Estimators in scikit-learn's manner, one file each."""

from __future__ import annotations

from collections.abc import Mapping

from triadic.compute.ordinal.crowd_kernel import CKL
from triadic.compute.ordinal.estimator import NotConverged, OrdinalEmbedding, Parameter
from triadic.compute.ordinal.hinge import GNMDS
from triadic.compute.ordinal.soft_ordinal import SOE
from triadic.compute.ordinal.spose import SPoSE
from triadic.compute.ordinal.stochastic_triplet import STE
from triadic.compute.ordinal.student_triplet import TSTE
from triadic.schema.errors import BadInput

LOSSES: dict[str, type[OrdinalEmbedding]] = {
    "ckl": CKL,
    "ste": STE,
    "tste": TSTE,
    "soe": SOE,
    "gnmds": GNMDS,
    "spose": SPoSE,
}

__all__ = [
    "CKL",
    "GNMDS",
    "LOSSES",
    "SOE",
    "STE",
    "TSTE",
    "NotConverged",
    "OrdinalEmbedding",
    "SPoSE",
    "make_estimator",
]


def make_estimator(
    algorithm: str,
    n_dims: int = 30,
    *,
    seed: int = 0,
    n_restarts: int = 1,
    patience: int | None = None,
    parameters: Mapping[str, Parameter] | None = None,
) -> OrdinalEmbedding:
    """The estimator of that name, with `parameters` of its loss and solver (`own_parameters`) in place of the defaults.

    Raises BadInput for an algorithm or a parameter that is not there, and for a value that is impossible.
    """
    if algorithm not in LOSSES:
        raise BadInput(f"no algorithm {algorithm!r}: use one of {', '.join(LOSSES)}")
    loss, given = LOSSES[algorithm], parameters or {}
    known, kinds = loss.own_parameters(), loss.parameter_kinds()
    for name in given:
        if name not in known:
            raise BadInput(f"no parameter {name!r} of {algorithm}: its parameters are {', '.join(known)}")
    estimator = loss(n_dims, seed=seed, n_restarts=n_restarts, patience=patience)
    for name, value in given.items():
        # 1 and 1.0 are one value, and must make one run.
        setattr(estimator, name, float(value) if type(value) is int and float in kinds[name] else value)
    estimator.check_parameters()
    return estimator
