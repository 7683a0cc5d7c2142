"""The MLflow mirror: every finished run of the lab, as MLflow shows runs. DuckDB holds the truth.

One MLflow run per rater, with its ingredients as params and the figures of its newest fit as metrics, so that raters
compare side by side; under it one nested run per stage. What to write is what the lab has and MLflow has not: MLflow is
asked each time, so a mirror that was down, killed half way or deleted catches up by itself.
"""

from __future__ import annotations

import logging

from triadic.reports.tracking.database import guarded
from triadic.reports.tracking.entries import finished
from triadic.schema.errors import Unavailable
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Progress, silent


def mirror(lab: Lab) -> int:
    """`catch_up` for commands that have done their own work already: a mirror that fails is one line of warning.

    Returns how many runs are new in MLflow; what could not be written is written next time.
    """
    try:
        return catch_up(lab)
    except Unavailable as error:
        logging.getLogger(__name__).warning("Warning: %s", error)
        return 0


def catch_up(lab: Lab, thorough: bool = False, progress: Progress = silent) -> int:
    """Bring MLflow up to date with the lab; returns how many of the lab's runs are new there.

    MLflow is only opened when a finished run was never mirrored, or its database is gone; `thorough` compares the two in
    any case, so that runs deleted in MLflow, and ingredients given since, are written too. Raises Unavailable, in one
    line, when MLflow's database cannot be used; nothing of the lab's is lost by that.
    """
    done = finished(lab)
    if done.empty or not (thorough or done.mlflow_run_id.isna().any() or not (lab.path / "mlflow.db").exists()):
        return 0
    with guarded(lab):
        from triadic.reports.tracking import sync  # MLflow takes seconds to load

        return sync.update(lab, progress)
