"""What was done: runs, what happened to them, and the answers they brought."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from triadic.schema.tables.base import BIG, DOCUMENT, DOUBLE, SMALL, Table, column, key, link, now


class Run(Table, table=True):
    """One stage for one rater under one configuration."""

    __tablename__ = "run"
    run_id: str = key("content hash of stage, rater, inputs, config and seed")
    stage: str = column("judge, embed, align or report")
    rater_id: str | None = link("rater.rater_id", "whose answers these are (empty for a report)", default=None)
    concept_set_id: str | None = column("the concepts", default=None)
    triplet_set_id: str | None = column("the questions (judge runs and what follows from them)", default=None)
    parent_run_id: str | None = column("the run whose rows this one read: align → embed → judge", default=None)
    config: dict[str, Any] = column("everything that decides the result, canonical JSON", sa_type=DOCUMENT)
    config_hash: str = column("content hash of config: equal for equal settings across raters")
    seed: int | None = column("seed of the run's one generator", default=None)
    versions: dict[str, Any] = column("library versions when it was first started", sa_type=DOCUMENT)
    git_commit: str | None = column("commit of the working copy it was started from, where there is one", default=None)
    mlflow_run_id: str | None = column("its mirror in MLflow: the one cell that is filled in later", default=None)
    created_at: datetime = column("when it was first started", default_factory=now)


class RunEvent(Table, table=True):
    """What happened to a run, insert-only. The newest event is its status."""

    __tablename__ = "run_event"
    run_id: str = key("the run", foreign_key="run.run_id")
    happened_at: datetime = key("when", default_factory=now)
    status: str = key("started, finished, failed, or interrupted (Ctrl-C)")
    detail: dict[str, Any] = column(
        "seconds, rows, device, or the error's line", default_factory=dict, sa_type=DOCUMENT
    )


class Response(Table, table=True):
    """One answer. Bulk: 35,000 per model and run, inserted as Parquet from the spool."""

    __tablename__ = "response"
    run_id: str = key("the judge run")
    triplet_no: int = key("number of the triplet in the run's triplet set")
    flipped: bool = key("the options were shown as right, left")
    repeat: int = key("0 for the first asking, 1 for the second …", sa_type=SMALL)
    choice: str | None = column(
        "left: anchor and left belong together; right: anchor and right; "
        "apart: left and right do and the anchor is the odd one (odd-one-out only); NULL: no valid answer",
        default=None,
    )
    invalid_reason: str | None = column(
        "why there is no choice: empty, truncated, restated (the question again), refusal, both, neither or tie",
        default=None,
    )
    raw_text: str | None = column("the text the rater gave, where it gave text", default=None)
    logprob_anchor: float | None = column("ln P(naming the anchor), odd-one-out only", default=None, sa_type=DOUBLE)
    logprob_left: float | None = column("ln P(naming the left option)", default=None, sa_type=DOUBLE)
    logprob_right: float | None = column("ln P(naming the right option)", default=None, sa_type=DOUBLE)
    prompt_hash: int | None = column("64-bit BLAKE2b of the prompt as sent", default=None, sa_type=BIG)
    prompt_tokens: int | None = column("tokens of the prompt", default=None, sa_type=SMALL)
    answer_tokens: int | None = column("tokens generated, or scored over all options", default=None, sa_type=SMALL)
