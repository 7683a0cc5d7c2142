"""Bringing MLflow up to date: what the lab has and MLflow has not."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection
from functools import lru_cache, partial
from pathlib import Path

import pandas as pd

from triadic.reports.tracking.entries import Entry, Fit, finished, read_entries, read_fit
from triadic.reports.tracking.mlflow_store import FIT, RATER, RUN, Experiment, as_name, as_params
from triadic.schema.lab import Lab

MANY = 8  # raters, above which MLflow is asked for everything at once


def update(lab: Lab, progress: Callable[[int, int], None], thorough: bool) -> int:
    """Write what is missing in MLflow, and its ids into the lab's rows; returns how many runs were missing.

    Looks at the raters who have runs that were never mirrored; at all of them, and what MLflow has of them, if
    `thorough`.
    """
    if not (lab.path / "mlflow.db").exists():
        _forget(lab)
    done = finished(lab)  # another process may have been here while this one waited
    new = done[done.mlflow_run_id.isna()]
    raters = (
        None if thorough or new.rater_id.nunique() > MANY else {None if pd.isna(i) else str(i) for i in new.rater_id}
    )
    experiment = Experiment(lab, raters)
    experiment.tidy()
    missing = (done if raters is None else new)[lambda rows: ~rows.run_id.isin(list(experiment.runs))]
    with tempfile.TemporaryDirectory() as scratch:
        _write(lab, experiment, missing, raters, Path(scratch), progress)
    _link(lab, done, experiment)
    return len(missing)


def _write(
    lab: Lab,
    experiment: Experiment,
    missing: pd.DataFrame,
    raters: Collection[str | None] | None,
    scratch: Path,
    progress: Callable[[int, int], None],
) -> None:
    @lru_cache(maxsize=4)
    def files_of(run_id: str | None) -> tuple[Fit | None, Path | None]:
        return _files(lab, run_id, scratch / run_id) if run_id else (None, None)

    known = None if raters is None else [rater for rater in raters if rater]
    entries, stale = read_entries(lab, missing.run_id, known, partial(_same, experiment))
    total, done = len(entries) + len(stale), 0
    for entry in entries:
        if "rater" not in entry.tags:
            folder = lab.reports / entry.folder if entry.folder else None
            experiment.write(entry, RUN, None, folder if folder and folder.is_dir() else None, None)
            progress(done := done + 1, total)
    for rater, entry in stale.items():
        parent = _rater(experiment, entry, files_of)
        progress(done := done + 1, total)
        for stage in entries:
            if stage.tags.get("rater") == rater:
                fit, files = files_of(stage.fit)
                experiment.write(stage, RUN, parent, files, fit)
                progress(done := done + 1, total)
    for run in experiment.runs.values():
        if run.data.tags.get("rater") in experiment.raters:
            experiment.adopt(experiment.raters[run.data.tags["rater"]].info.run_id, run)


def _rater(
    experiment: Experiment, entry: Entry, files_of: Callable[[str | None], tuple[Fit | None, Path | None]]
) -> str:
    """The MLflow run id of a rater's own run, which says what the entry says.

    MLflow's params cannot change, and its histories only grow: when the name, an ingredient or the fit is another one, a
    new run takes the old one's place. It has nothing that is not in the lab.
    """
    old = experiment.raters.get(entry.key)
    if old is not None and _same(experiment, entry):
        return experiment.finish_again(entry.key, entry)
    fit, files = files_of(entry.fit)
    new = experiment.write(entry, RATER, None, files, fit)
    if old is not None:
        experiment.client.delete_run(old.info.run_id)
    return str(new.info.run_id)


def _same(experiment: Experiment, entry: Entry) -> bool:
    old = experiment.raters.get(entry.key)
    if old is None or old.info.run_name != as_name(entry.name):
        return False
    return bool(old.data.params == as_params(entry.params) and old.data.tags.get(FIT, "") == (entry.fit or ""))


def _files(lab: Lab, run_id: str, folder: Path) -> tuple[Fit | None, Path | None]:
    """A fit and a folder with its vectors as CSV and a picture of them."""
    from triadic.reports.tracking.tsne import save_tsne  # most updates need no picture, and scikit-learn for none

    fit = read_fit(lab, run_id)
    if fit is None:
        return None, None
    folder.mkdir()
    frame = pd.DataFrame(fit.vectors, index=fit.concepts.word).rename(columns=lambda i: f"d{i}")
    frame.to_csv(folder / "embedding.csv")
    save_tsne(fit.vectors, fit.concepts, folder / "tsne.png")
    return fit, folder


def _forget(lab: Lab) -> None:
    """MLflow's database is not there: the ids that the lab has from it are nobody's."""
    if lab.store.row("SELECT 1 FROM run WHERE mlflow_run_id IS NOT NULL"):
        with lab.store.transaction() as con:
            con.execute("UPDATE run SET mlflow_run_id = NULL")


def _link(lab: Lab, done: pd.DataFrame, experiment: Experiment) -> None:
    """Keep each MLflow run id in the lab's own row, where it is new or another one."""
    ids = {run_id: run.info.run_id for run_id, run in experiment.runs.items()}
    known = zip(done.run_id, done.mlflow_run_id, strict=True)
    rows = [(ids[run_id], run_id) for run_id, mlflow_id in known if run_id in ids and ids[run_id] != mlflow_id]
    if rows:
        with lab.store.transaction() as con:
            for row in rows:
                con.execute("UPDATE run SET mlflow_run_id = ? WHERE run_id = ?", row)
