"""Ordinal embeddings: one solver, many losses. Estimators in scikit-learn's manner.

A loss is one class in one file and one line here; its name is the class's, in lower case. The order of the lines is that
of `LOSSES`.
"""

from __future__ import annotations

from collections.abc import Mapping

from triadic.compute.ordinal.estimator import NotConverged as NotConverged
from triadic.compute.ordinal.estimator import OrdinalEmbedding as OrdinalEmbedding
from triadic.compute.ordinal.estimator import Parameter
from triadic.schema.errors import BadInput

# isort: off
from triadic.compute.ordinal.crowd_kernel import CKL as CKL
from triadic.compute.ordinal.stochastic_triplet import STE as STE
from triadic.compute.ordinal.student_triplet import TSTE as TSTE
from triadic.compute.ordinal.soft_ordinal import SOE as SOE
from triadic.compute.ordinal.hinge import GNMDS as GNMDS
from triadic.compute.ordinal.spose import SPoSE as SPoSE
# isort: on

#: Every loss by name.
LOSSES: dict[str, type[OrdinalEmbedding]] = {
    name.lower(): found
    for name, found in globals().items()
    if isinstance(found, type) and issubclass(found, OrdinalEmbedding) and found is not OrdinalEmbedding
}


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
