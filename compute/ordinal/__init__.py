"""Ordinal embeddings: one solver, many losses. Estimators in scikit-learn's manner, one file each."""

from triadic.compute.ordinal.base import NotConverged, OrdinalEmbedding, Restart
from triadic.compute.ordinal.ckl import CKL
from triadic.compute.ordinal.gnmds import GNMDS
from triadic.compute.ordinal.soe import SOE
from triadic.compute.ordinal.spose import SPoSE
from triadic.compute.ordinal.ste import STE
from triadic.compute.ordinal.tste import TSTE

LOSSES = {"ckl": CKL, "ste": STE, "tste": TSTE, "soe": SOE, "gnmds": GNMDS, "spose": SPoSE}

__all__ = ["CKL", "GNMDS", "LOSSES", "SOE", "STE", "TSTE", "NotConverged", "OrdinalEmbedding", "Restart", "SPoSE"]
