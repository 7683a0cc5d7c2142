"""Ordinal embeddings: one solver, many losses. Estimators in scikit-learn's manner, one file each."""

from triadic.compute.ordinal.crowd_kernel import CKL
from triadic.compute.ordinal.estimator import NotConverged, OrdinalEmbedding, Restart
from triadic.compute.ordinal.hinge import GNMDS
from triadic.compute.ordinal.soft_ordinal import SOE
from triadic.compute.ordinal.spose import SPoSE
from triadic.compute.ordinal.stochastic_triplet import STE
from triadic.compute.ordinal.student_triplet import TSTE

LOSSES = {"ckl": CKL, "ste": STE, "tste": TSTE, "soe": SOE, "gnmds": GNMDS, "spose": SPoSE}

__all__ = ["CKL", "GNMDS", "LOSSES", "SOE", "STE", "TSTE", "NotConverged", "OrdinalEmbedding", "Restart", "SPoSE"]
