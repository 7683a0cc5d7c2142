"""Where the lab stands: raters × stages, runs, and anything else one asks in SQL."""

from __future__ import annotations

import duckdb
import pandas as pd

from triadic.schema.errors import BadInput
from triadic.schema.lab import Lab


def status(lab: Lab, runs: bool = False, everyone: bool = False) -> pd.DataFrame:
    """Raters × stages; with `runs` one row per run instead. Raters with no run yet are left out unless `everyone`."""
    if runs:
        return lab.store.read(
            "SELECT run_id, stage, rater_name, status, status_at, status_detail AS detail "
            "FROM run_status JOIN rater_current USING (rater_id) ORDER BY created_at"
        )
    where = "" if everyone else "WHERE judge_runs + embed_runs + align_runs + failed_runs + open_runs > 0"
    return lab.store.read(f"SELECT * FROM rater_status {where} ORDER BY kind, rater_name")


def query(lab: Lab, sql: str) -> pd.DataFrame:
    """The result of one statement on a read-only connection. Raises BadInput with DuckDB's reason in one line."""
    try:
        return lab.store.read(sql)
    except duckdb.Error as error:
        reason = str(error).split("\n\n")[0]
        raise BadInput(f"SQL: {' '.join(reason.split())}") from error
