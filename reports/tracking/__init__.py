"""The MLflow mirror: every finished run of the lab, as MLflow shows runs. DuckDB holds the truth.

One MLflow run per rater, with its ingredients as params and the figures of its newest fit as metrics, so that raters
compare side by side; under it one nested run per stage. What to write is what the lab has and MLflow has not: MLflow is
asked each time, so a mirror that was down, killed half way or deleted catches up by itself.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from triadic.reports.tracking.entries import Entry, Fit, finished, rater_entries, rater_figures, read_fit, stage_entries
from triadic.reports.tracking.mlflow_store import FIT, RATER, RUN, Mirror, guarded, shown
from triadic.reports.tracking.tsne import save_tsne
from triadic.schema.errors import Unavailable
from triadic.schema.lab import Lab

Progress = Callable[[int, int], None]  # called with (runs there, runs in all)


def mirror(lab: Lab) -> int:
    """`catch_up` for commands that have done their own work already: a mirror that fails is one line of warning.

    Returns how many runs are new in MLflow; what could not be written is written next time.
    """
    try:
        return catch_up(lab)
    except Unavailable as error:
        logging.getLogger(__name__).warning("Warning: %s", error)
        return 0


def catch_up(lab: Lab, thorough: bool = False, progress: Progress = lambda done, total: None) -> int:
    """Bring MLflow up to date with the lab; returns how many of the lab's runs are new there.

    MLflow is only opened when a finished run was never mirrored, or its database is gone; `thorough` compares the two in
    any case, so that runs deleted in MLflow, and ingredients told since, are written too. Raises Unavailable, in one
    line, when MLflow's database cannot be used; nothing of the lab's is lost by that.
    """
    done = finished(lab)
    if done.empty or not (thorough or done.mlflow_run_id.isna().any() or not (lab.path / "mlflow.db").exists()):
        return 0
    with guarded(lab):
        done = finished(lab)  # another process may have been here while we waited
        there = Mirror(lab)
        there.tidy()
        missing = done[~done.run_id.isin(list(there.runs))]
        with tempfile.TemporaryDirectory() as scratch:
            _write(lab, there, missing, Path(scratch), progress)
        _link(lab, done, there)
    return len(missing)


def _write(lab: Lab, there: Mirror, missing, scratch: Path, progress: Progress) -> None:
    @lru_cache(maxsize=4)
    def shown_fit(run_id: str) -> tuple[Fit | None, Path | None]:
        return _files(lab, run_id, scratch / run_id)

    entries = stage_entries(lab, missing.run_id)
    raters = rater_entries(lab)
    changed = {entry.tags.get("rater") for entry in entries}
    stale = {rater: entry for rater, entry in raters.items() if rater in changed or not _same(there, entry)}
    rater_figures(lab, stale.values())
    total, done = len(entries) + len(stale), 0
    for entry in entries:
        if "rater" not in entry.tags:
            folder = lab.reports / entry.folder if entry.folder else None
            there.write(entry, RUN, None, folder if folder and folder.is_dir() else None, None)
            done += 1
            progress(done, total)
    for rater, entry in stale.items():
        fit, files = shown_fit(entry.fit) if entry.fit else (None, None)
        parent = _rater(there, entry, fit, files)
        done += 1
        progress(done, total)
        for stage in (each for each in entries if each.tags.get("rater") == rater):
            fit, files = shown_fit(stage.fit) if stage.fit else (None, None)
            there.write(stage, RUN, parent, files, fit)
            done += 1
            progress(done, total)
    for run in there.runs.values():
        if run.data.tags.get("rater") in there.raters:
            there.adopt(there.raters[run.data.tags["rater"]].info.run_id, run)


def _rater(there: Mirror, entry: Entry, fit: Fit | None, files: Path | None) -> str:
    """The MLflow run id of a rater's own run, which says what the entry says.

    MLflow's params cannot change, and its histories only grow: when an ingredient or the fit is another one, a new run
    takes the old one's place. It has nothing that is not in the lab.
    """
    old = there.raters.get(entry.key)
    if old is not None and _same(there, entry):
        return there.finish_again(entry.key, entry)
    new = there.write(entry, RATER, None, files, fit)
    if old is not None:
        there.drop(old)
    return new.info.run_id


def _same(there: Mirror, entry: Entry) -> bool:
    old = there.raters.get(entry.key)
    return (
        old is not None and old.data.params == shown(entry.params) and old.data.tags.get(FIT, "") == (entry.fit or "")
    )


def _files(lab: Lab, run_id: str, folder: Path) -> tuple[Fit | None, Path | None]:
    """A fit and a folder with its vectors as CSV and a picture of them."""
    import pandas as pd

    fit = read_fit(lab, run_id)
    if fit is None:
        return None, None
    folder.mkdir()
    frame = pd.DataFrame(fit.vectors, index=fit.concepts.word).rename(columns=lambda i: f"d{i}")
    frame.to_csv(folder / "embedding.csv")
    save_tsne(fit.vectors, fit.concepts, folder / "tsne.png")
    return fit, folder


def _link(lab: Lab, done, there: Mirror) -> None:
    """Keep each MLflow run id in the lab's own row, where it is new or another one."""
    ids = {run_id: run.info.run_id for run_id, run in there.runs.items()}
    rows = [
        (ids[row.run_id], row.run_id)
        for row in done.itertuples()
        if row.run_id in ids and ids[row.run_id] != row.mlflow_run_id
    ]
    if rows:
        with lab.store.transaction() as con:
            for row in rows:
                con.execute("UPDATE run SET mlflow_run_id = ? WHERE run_id = ?", row)
