"""Where the lab stands: raters × stages, runs with what they cost, triplet sets."""

from __future__ import annotations

import pandas as pd

from triadic.reports.report import Row, explained
from triadic.reports.sql import exact
from triadic.schema.lab import Lab
from triadic.schema.store import query
from triadic.schema.tables import Response
from triadic.schema.vocabulary import Stage, Status

STOPPED = "stopped"  # said of a run that was started and never ended, and that no process is at work on
TIMES = ("seconds", "answers_per_second")
COUNTS = ("n_answers", "n_asked", "prompt_tokens", "answer_tokens")
RUN_COLUMNS = [
    "rater_name", "stage", "status", "n_answers", "n_asked", "seconds", "answers_per_second", "started_at", "prompt_tokens",
    "answer_tokens", "note", "run_id",
]  # fmt: skip


def status(lab: Lab, everyone: bool = False) -> pd.DataFrame:
    """Raters × stages. Raters with no run yet are left out unless `everyone`."""
    where = "" if everyone else "WHERE judge_runs + embed_runs + align_runs + failed_runs + open_runs > 0"
    frame = exact(lab.store.arrow(f"SELECT * FROM rater_status {where} ORDER BY kind, rater_name"))
    if waiting := lab.spool.n_waiting(Response):
        owners = dict(lab.store.read("SELECT run_id, rater_id FROM run WHERE stage = 'judge'").to_numpy())
        for run_id, n in waiting.items():
            frame.loc[frame.rater_id == owners.get(run_id), "n_answers"] += n
        frame["n_answers"] = frame[["n_answers", "n_asked"]].min(axis=1)  # a batch may be loaded and not removed yet
    return explained(
        frame,
        "no raters in this lab yet: `triadic model add` adds one"
        if everyone
        else "no runs in this lab yet: `triadic run MODEL` makes them; `triadic status --all` lists raters without any",
    )


def runs(lab: Lab) -> pd.DataFrame:
    """One row per run, oldest first: status, time (seconds), answers, answers per second, tokens, and what stopped it.

    A judge run that was started and that no process is at work on is `stopped`.
    """
    waiting = lab.spool.n_waiting(Response)
    found = lab.store.arrow(query("triadic.reports", "run_list")).to_pylist()
    rows = [_told(row, waiting[row["run_id"]], lab.spool.is_held(row["run_id"])) for row in found]
    kinds = dict.fromkeys(COUNTS, "Int64") | dict.fromkeys(TIMES, "float64")
    frame = pd.DataFrame(rows, columns=RUN_COLUMNS).astype(kinds)
    halted = frame[frame.status.isin([STOPPED, Status.interrupted, Status.failed]) & frame.rater_name.notna()]
    return explained(frame, "no runs in this lab yet: `triadic run MODEL` makes them", _next(halted.rater_name))


def _next(names: pd.Series) -> str | None:
    """What goes on with the runs of these raters."""
    again = " ".join(dict.fromkeys(names))
    return f"not finished: `triadic run {again}`, with the same options, goes on" if again else None


def _told(row: Row, n_waiting: int, held: bool) -> Row:
    """A run as it stands this moment: `n_waiting` of its answers lie in the spool, and a process is at work on it or not."""
    row["note"] = row["error"]
    if row["stage"] != Stage.judge or row["status"] == Status.finished:
        return row
    row["n_answers"] = min(row["n_answers"] + n_waiting, row["n_asked"])
    if held:
        row |= {"note": None} | (_so_far(row) if row["status"] == Status.started else {"status": Status.started.value})
    elif row["status"] == Status.started:
        row |= {"status": STOPPED, "note": "no process is at work on it"}
    return row


def _so_far(row: Row) -> Row:
    """Time and rate of a run that is being asked."""
    asked, seconds = row["n_answers"] - row["answers_before"], row["seconds_since"]
    return {"seconds": (row["seconds"] or 0) + seconds, "answers_per_second": asked / seconds if asked else None}


def triplet_sets(lab: Lab) -> pd.DataFrame:
    """One row per triplet set, in the order in which they came into the lab."""
    return explained(
        exact(
            lab.store.arrow(
                "SELECT name, is_main, concept_set_id, n_triplets, scheme, seed, is_main_of_concepts, created_at, "
                "triplet_set_id FROM question_set ORDER BY created_at, triplet_set_id"
            )
        ),
        "no triplet set in this lab yet: `triadic run MODEL` draws one, `triadic plan` another",
    )
