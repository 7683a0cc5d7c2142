"""The MLflow mirror: every finished run of the lab, as MLflow shows runs. DuckDB holds the truth.

One MLflow run per rater, with its ingredients as params and its newest figures as metrics, so that raters compare side
by side; under it one nested run per stage, tagged with our run id. A mirror that was down, or deleted, catches up on the
next call: what to write is whatever finished run has no MLflow id yet, and MLflow is asked before anything is made twice.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triadic.schema.errors import Unavailable
from triadic.schema.lab import Lab
from triadic.schema.lookup import read_embedding

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "triadic"
PARENT, RUN = "triadic.rater", "triadic.run_id"
MOST_PARAMS, MOST_METRICS = 100, 1000  # limits of one MLflow batch


def mirror(lab: Lab) -> int:
    """Bring MLflow up to date with the lab; returns how many runs are new there.

    Raises Unavailable, in one line, when MLflow's database cannot be used; nothing of the lab's is lost by that.
    """
    pending = lab.store.read(
        "SELECT run_id, stage, rater_id, config, status_detail FROM run_status "
        "WHERE status = 'finished' AND mlflow_run_id IS NULL ORDER BY status_at"
    )
    if pending.empty:
        return 0
    try:
        client, experiment_id = connect(lab)
        raters = pending.rater_id.dropna().unique()
        parents = {rater: _parent(lab, client, experiment_id, rater) for rater in raters}
        for row in pending.itertuples(index=False):
            mlflow_id = _stage_run(lab, client, experiment_id, parents.get(row.rater_id), row)
            with lab.store.transaction() as con:
                con.execute("UPDATE run SET mlflow_run_id = ? WHERE run_id = ?", [mlflow_id, row.run_id])
        for rater, parent in parents.items():
            _figures(lab, client, parent, rater)
    except Exception as error:
        if isinstance(error, Unavailable):
            raise
        line = " ".join(str(error).split())[:200]
        raise Unavailable(
            f"MLflow mirror at {lab.path / 'mlflow.db'}: {line}. The lab is complete; `triadic status --mirror` tries again"
        ) from error
    return len(pending)


def connect(lab: Lab) -> tuple[MlflowClient, str]:
    """A client on the lab's own SQLite backend and the id of its experiment, both made on first use."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    for name in ("alembic", "mlflow"):  # after the import, which sets them
        logging.getLogger(name).setLevel(logging.WARNING)
    client = MlflowClient(tracking_uri=lab.mlflow_uri)
    found = client.get_experiment_by_name(EXPERIMENT)
    if found:
        return client, found.experiment_id
    lab.mlflow_artifacts.mkdir(exist_ok=True)
    return client, client.create_experiment(EXPERIMENT, artifact_location=lab.mlflow_artifacts.as_uri())


def _parent(lab: Lab, client: MlflowClient, experiment_id: str, rater: str) -> str:
    """The rater's own run, with its ingredients. Params of MLflow cannot change: later evidence goes into tags."""
    found = _find(client, experiment_id, PARENT, rater)
    row = lab.store.read(
        "SELECT rater.kind, model_current.* EXCLUDE (rater_id) FROM rater LEFT JOIN model_current USING (rater_id) "
        "WHERE rater_id = ?",
        [rater],
    ).iloc[0]
    params = {k: str(v) for k, v in row.items() if v is not None and v == v}
    if found is None:
        tags = {PARENT: rater, "kind": row.kind, "mlflow.runName": rater}
        found = client.create_run(experiment_id, tags=tags, run_name=rater)
        _log(client, found.info.run_id, params, {})
        client.set_terminated(found.info.run_id)
        return found.info.run_id
    logged = found.data.params
    _log(client, found.info.run_id, {k: v for k, v in params.items() if k not in logged}, {})
    for name, value in params.items():
        if logged.get(name, value) != value:
            client.set_tag(found.info.run_id, name, value)
    return found.info.run_id


def _stage_run(lab: Lab, client: MlflowClient, experiment_id: str, parent: str | None, row: Any) -> str:
    found = _find(client, experiment_id, RUN, row.run_id)
    if found is not None and found.info.status == "FINISHED":
        return found.info.run_id
    if found is not None:  # left half-written by a kill: make it anew
        client.delete_run(found.info.run_id)
    config, detail = json.loads(row.config), json.loads(row.status_detail)
    name = f"{row.stage} {row.rater_id if parent else config['report']}"
    tags = {RUN: row.run_id, "stage": row.stage}
    if parent:
        tags |= {"rater": row.rater_id, "mlflow.parentRunId": parent}
    mlflow_id = client.create_run(experiment_id, tags=tags, run_name=name).info.run_id
    _log(client, mlflow_id, _flat(config), {k: v for k, v in detail.items() if isinstance(v, int | float)})
    if row.stage == "judge":
        _log(client, mlflow_id, {}, _numbers(lab, "SELECT * FROM answer_quality WHERE run_id = ?", row.run_id))
    elif row.stage == "embed":
        _embedding(lab, client, mlflow_id, row.run_id)
    elif row.stage == "report":
        client.log_artifacts(mlflow_id, str(lab.reports / detail["folder"]))
    elif row.stage == "align":
        _log(client, mlflow_id, {}, _alignment(lab, "run_id = ?", row.run_id))
    client.set_terminated(mlflow_id)
    return mlflow_id


def _embedding(lab: Lab, client: MlflowClient, mlflow_id: str, run_id: str) -> None:
    """Fit figures, the loss history by step, the embedding as CSV and a t-SNE picture of it."""
    from mlflow.entities import Metric

    _log(
        client, mlflow_id, {}, _numbers(lab, "SELECT * EXCLUDE (source_bytes) FROM embedding WHERE run_id = ?", run_id)
    )
    best = lab.store.read("SELECT * FROM fit_history WHERE run_id = ? ORDER BY restart, step", [run_id])
    history = [
        Metric(f"history/{name}", float(value), 0, int(step))
        for name in ("train_loss", "heldout_loss", "heldout_accuracy")
        for step, restart, value in zip(best.step, best.restart, best[name], strict=True)
        if restart == 0 and value == value
    ]
    for start in range(0, len(history), MOST_METRICS):
        client.log_batch(mlflow_id, metrics=history[start : start + MOST_METRICS])
    row = lab.store.one("SELECT embedding_id, concept_set_id FROM embedding WHERE run_id = ?", [run_id])
    if row is None:
        return
    vectors = read_embedding(lab, row[0])
    concepts = lab.store.read("SELECT word, category FROM concept WHERE concept_set_id = ? ORDER BY position", [row[1]])
    with tempfile.TemporaryDirectory() as folder:
        import pandas as pd

        path = Path(folder) / "embedding.csv"
        pd.DataFrame(vectors, index=concepts.word).rename(columns=lambda i: f"d{i}").to_csv(path)
        client.log_artifact(mlflow_id, str(path))
    client.log_figure(mlflow_id, tsne_figure(vectors, concepts), "tsne.png")


def tsne_figure(vectors, concepts):
    """A matplotlib figure: t-SNE of an embedding (n, d), one labelled point per concept, coloured by category."""
    from matplotlib.figure import Figure
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(vectors) - 1) / 3)
    points = TSNE(
        perplexity=perplexity, random_state=0, init="pca" if vectors.shape[1] > 1 else "random"
    ).fit_transform(vectors)
    figure = Figure(figsize=(10, 8), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    categories = concepts.category.fillna("uncategorised")
    for category in sorted(categories.unique()):
        chosen = (categories == category).to_numpy()
        axes.scatter(*points[chosen].T, s=18, label=category)
    for (x, y), word in zip(points, concepts.word, strict=True):
        axes.annotate(word, (x, y), fontsize=6, xytext=(2, 2), textcoords="offset points")
    axes.set(xticks=[], yticks=[], title="t-SNE of the fitted embedding (distances are not to scale)")
    axes.legend(fontsize=7)
    return figure


def _figures(lab: Lab, client: MlflowClient, parent: str, rater: str) -> None:
    """The newest figures of a rater on its own run: what people compare."""
    quality = _numbers(
        lab,
        "SELECT invalid_rate, first_option_rate, heldout_accuracy, heldout_loss FROM answer_quality "
        "JOIN run_status USING (run_id) WHERE rater = ? ORDER BY status_at DESC LIMIT 1",
        rater,
    )
    _log(client, parent, {}, quality | _alignment(lab, "run.rater_id = ?", rater))


def _alignment(lab: Lab, where: str, value: str) -> dict[str, float]:
    frame = lab.store.read(
        "SELECT metric.name || '/' || embedding.name AS name, arg_max(metric.value, run.created_at) AS value "
        "FROM metric JOIN embedding ON embedding.embedding_id = metric.reference_id JOIN run ON run.run_id = metric.run_id "
        f"WHERE {where.replace('run_id = ?', 'metric.run_id = ?') if where.startswith('run_id') else where} GROUP BY 1",
        [value],
    )
    return dict(zip(frame.name, frame.value, strict=True))


def _find(client: MlflowClient, experiment_id: str, tag: str, value: str):
    quoted = value.replace("'", "\\'")
    found = client.search_runs([experiment_id], f"tags.`{tag}` = '{quoted}'", max_results=1)
    return found[0] if found else None


def _numbers(lab: Lab, sql: str, value: str) -> dict[str, float]:
    frame = lab.store.read(sql, [value])
    if frame.empty:
        return {}
    row = frame.iloc[0]
    return {k: float(v) for k, v in row.items() if isinstance(v, int | float) or (hasattr(v, "dtype") and v == v)}


def _flat(config: dict, prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        flat |= _flat(value, f"{name}.") if isinstance(value, dict) else {name: str(value)}
    return flat


def _log(client: MlflowClient, mlflow_id: str, params: dict[str, str], metrics: dict[str, float]) -> None:
    from mlflow.entities import Metric, Param

    as_params = [Param(k, v[:6000]) for k, v in params.items()]
    as_metrics = [Metric(k, float(v), 0, 0) for k, v in metrics.items() if v is not None and v == v]
    for start in range(0, max(len(as_params), len(as_metrics)), MOST_PARAMS):
        stop = start + MOST_PARAMS
        client.log_batch(mlflow_id, metrics=as_metrics[start:stop], params=as_params[start:stop])


def serve(lab: Lab, host: str, port: int) -> int:
    """Run the MLflow server on this lab until it is stopped; returns its exit code."""
    import subprocess
    import sys

    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", lab.mlflow_uri, "--workers", "1"]
    command += ["--default-artifact-root", lab.mlflow_artifacts.as_uri(), "--host", host, "--port", str(port)]
    settings = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    server = subprocess.Popen(command, env=settings)
    try:
        return server.wait()
    except KeyboardInterrupt:
        server.terminate()
        return 0 if server.wait() in (0, -15) else 1
