"""The lab's experiment in MLflow: what is in it, and how an entry is written. Loads MLflow, so is itself loaded late."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Collection, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run

from triadic.reports.tracking.database import EXPERIMENT, check
from triadic.reports.tracking.entries import HISTORY, Entry, Fit
from triadic.schema.lab import Lab
from triadic.schema.vocabulary import Stage

RATER, RUN, FIT = "triadic.rater", "triadic.run_id", "triadic.fit"  # tags that say what an MLflow run mirrors
PARENT = "mlflow.parentRunId"
LONGEST_PARAM, LONGEST_TAG, LONGEST_NAME = 6000, 8000, 250  # MLflow's limits
MOST_PARAMS, MOST_METRICS = 100, 800  # of one batch
MOST_STEPS = 100  # of a fit, evenly spread: MLflow takes a quarter of a millisecond for each, the lab has them all
ABOUT = """One run per rater, with its ingredients as params and the figures of its newest fit; under it a run per stage.

* Raters only: `tags.kind != ''`. One stage: `tags.stage = 'align'`. Language models: `tags.kind = 'llm'`.
* `procrustes_r2/NAME` is measured against reference NAME; `…/chance NAME` beside it is what random answers score.
* The table shows no figures at first: choose them, and ingredients, under `Columns`, or look at the chart view.

Triadic's lab (DuckDB) holds the truth: a run changed or deleted here is written again by `triadic status --mirror`.
"""


class Experiment:
    """A lab's experiment in MLflow: `raters` and `runs` are the MLflow runs it holds, by rater and by our run id.

    Of these `of` only, where None stands for runs that are no rater's; by default everything there is.
    """

    def __init__(self, lab: Lab, of: Collection[str | None] | None = None) -> None:
        self.client, self.experiment_id = _connect(lab)
        self.home = lab.mlflow_artifacts
        self.raters: dict[str, Run] = {}
        self.runs: dict[str, Run] = {}
        self._spare: list[str] = []
        found = {run.info.run_id: run for which in _filters(of) for run in self._search(which)}
        for run in found.values():
            tag = RUN if RUN in run.data.tags else RATER
            known = self.runs if tag == RUN else self.raters
            key = run.data.tags.get(tag)
            if key is None:
                continue  # not of this lab's making
            if run.info.status != "FINISHED" or key in known:  # left half-written by a kill, or there twice
                self._spare.append(run.info.run_id)
            else:
                known[key] = run

    def _search(self, which: str) -> Iterator[Run]:
        token = None
        while True:
            page = self.client.search_runs(
                [self.experiment_id], which, max_results=1000, order_by=["start_time"], page_token=token
            )
            yield from page
            token = page.token
            if not token:
                return

    def tidy(self) -> None:
        """Remove half-written runs and doubles."""
        while self._spare:
            self.client.delete_run(self._spare.pop())

    def write(self, entry: Entry, tag: str, parent: str | None, files: Path | None, fit: Fit | None) -> Run:
        """A new MLflow run that shows this entry. It counts only from its last step, the status, on."""
        tags = entry.tags | {tag: entry.key, FIT: entry.fit or ""} | ({PARENT: parent} if parent else {})
        tags = {clean(name): value[:LONGEST_TAG] for name, value in tags.items()}
        run = self.client.create_run(
            self.experiment_id, start_time=entry.started, tags=tags, run_name=as_name(entry.name)
        )
        params = [Param(name, value) for name, value in as_params(entry.params).items()]
        self._log(run.info.run_id, [*_metrics(entry.metrics), *_history(fit)], params)
        if files is not None and self.home.is_dir():  # which MLflow would make in a lab that is gone
            self.client.log_artifacts(run.info.run_id, str(files))
        self.client.set_terminated(run.info.run_id, end_time=entry.ended)
        known = self.runs if tag == RUN else self.raters
        known[entry.key] = run
        return run

    def finish_again(self, rater: str, entry: Entry) -> str:
        """Bring a rater's run up to date with figures that have been added."""
        old = self.raters[rater]
        self._log(old.info.run_id, [m for m in _metrics(entry.metrics) if old.data.metrics.get(m.key) != m.value])
        if old.info.end_time != entry.ended:
            self.client.set_terminated(old.info.run_id, end_time=entry.ended)
        return str(old.info.run_id)

    def adopt(self, parent: str, run: Run) -> None:
        """Make a stage's run a child of this parent."""
        if run.data.tags.get(PARENT) != parent:
            self.client.set_tag(run.info.run_id, PARENT, parent)

    def _log(self, run_id: str, metrics: list[Metric], params: Sequence[Param] = ()) -> None:
        """In as few batches as MLflow takes: each is a transaction."""
        while metrics or params:
            self.client.log_batch(run_id, metrics=metrics[:MOST_METRICS], params=params[:MOST_PARAMS])
            metrics, params = metrics[MOST_METRICS:], params[MOST_PARAMS:]


def _metrics(values: dict[str, float]) -> list[Metric]:
    """Metrics as they stand now: of those with one name MLflow shows the latest."""
    now = int(time.time() * 1000)
    return [Metric(clean(name), value, now, 0) for name, value in values.items()]


def _history(fit: Fit | None) -> list[Metric]:
    """How the fit went, in steps evenly spread from the first to the last."""
    if fit is None:
        return []
    n = len(fit.history)
    kept = fit.history.iloc[sorted({round(i * (n - 1) / (MOST_STEPS - 1)) for i in range(MOST_STEPS)} if n else [])]
    return [
        Metric(f"history/{name}", float(value), fit.at, int(step))
        for name in HISTORY
        for step, value in zip(kept.step, kept[name], strict=True)
        if value == value and value is not None
    ]


def _filters(of: Collection[str | None] | None) -> list[str]:
    """What to ask MLflow for: a list of filters, whose results may overlap. Its filters take quotes in no name."""
    if of is None or any(re.search(r"[^\w.\-:/ +@,()=]", rater) for rater in of if rater):
        return [""]
    asked = ["attributes.status != 'FINISHED'"]
    for rater in of:
        asked += (
            [f"tags.rater = '{rater}'", f"tags.`{RATER}` = '{rater}'"] if rater else [f"tags.stage = '{Stage.report}'"]
        )
    return asked


def as_name(name: str) -> str:
    """A run's name as MLflow can hold it."""
    return name[:LONGEST_NAME]


def as_params(params: dict[str, str]) -> dict[str, str]:
    """Params as MLflow can hold them: names it accepts, values cut to its limit."""
    return {clean(name): value[:LONGEST_PARAM] for name, value in params.items()}


def clean(name: str) -> str:
    """The name as MLflow accepts it. Different names stay different: one that had to change ends in a digest."""
    head, slash, tail = name.partition("/")
    fit = f"{_plain(head)}{slash}{_plain(tail)}"
    if fit == name and len(name) <= LONGEST_NAME:
        return name
    return f"{fit[: LONGEST_NAME - 7]} {blake2b(name.encode(), digest_size=3).hexdigest()}"


def _plain(part: str) -> str:
    plain = re.sub(r"[^\w.\- :]", "_", part)
    return re.sub(r"^\.+$", "_", plain)  # MLflow reads names as paths


def _connect(lab: Lab) -> tuple[MlflowClient, str]:
    """A client on the lab's own SQLite backend and the id of its experiment, both made on first use."""
    check(lab)
    for name in ("alembic", "mlflow"):  # which loading MLflow has set
        logging.getLogger(name).setLevel(logging.WARNING)
    client = MlflowClient(tracking_uri=lab.mlflow_uri)
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is None:
        lab.mlflow_artifacts.mkdir(exist_ok=True)
        tags = {"mlflow.note.content": ABOUT, "mlflow.experimentKind": "custom_model_development"}
        return client, client.create_experiment(EXPERIMENT, lab.mlflow_artifacts.as_uri(), tags)
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return client, found.experiment_id
