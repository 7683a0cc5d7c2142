"""The mirror against real MLflow databases: nothing twice, nothing lost, whatever happens to either side."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import closing

import click
import numpy as np
import pandas as pd
import pytest

from triadic.compute.settings import AlignSettings, FitSettings, RunSettings
from triadic.compute.stages.align import align
from triadic.compute.stages.embed import embed
from triadic.compute.stages.pipeline import judge_rater
from triadic.compute.stages.plan import draw_triplet_set
from triadic.ingest.models import add_model
from triadic.ingest.reference import wordnet_reference
from triadic.reports import console
from triadic.reports.report import Report, Table
from triadic.reports.saving import save
from triadic.reports.tracking import background, catch_up, database, mirror, mlflow_store, sync, tsne
from triadic.reports.tracking.database import EXPERIMENT
from triadic.reports.tracking.mlflow_store import PARENT, RATER, RUN, clean
from triadic.reports.tracking.tsne import save_tsne, tsne_figure
from triadic.reports.tracking.ui import serve
from triadic.schema import upkeep
from triadic.schema.errors import BadInput, NotFound, Unavailable
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import record_event
from triadic.schema.vocabulary import Status

QUICK = AlignSettings(
    n_permutations=9, n_coin_flips=0, n_bootstraps=0, n_concept_bootstraps=9, n_ceiling=0, n_split_halves=0
)
FIT = FitSettings(n_dims=2)
ODD = 'it\'s "odd"/.. % `x` \\ 中文 🙂 #1'


def run(lab, rater="rule", fit=FIT):
    judged = judge_rater(lab, rater, draw_triplet_set(lab, "things-128", 150, 0), RunSettings(), lambda *_: None)
    return judged, embed(lab, judged, fit), align(lab, embed(lab, judged, fit), settings=QUICK)[0]


@pytest.fixture(scope="module")
def _made(tmp_path_factory):
    """A lab with one rater's three stages, made once: mirrored, and with nothing in MLflow yet."""
    from triadic.ingest.concepts import ingest_concepts

    lab = Lab.create(tmp_path_factory.mktemp("made") / "lab")
    ingest_concepts(lab)
    wordnet_reference(lab, "things-128", 30)
    add_model(lab, "scripted:", "rule", given={"family": "scripted", "n_params": 1.5})
    run(lab)
    with database.guarded(lab):
        mlflow_store.Experiment(lab)  # makes the database, which takes MLflow seconds
    plain = lab.path.parent / "plain"
    shutil.copytree(lab.path, plain)
    assert catch_up(lab) == 3
    return lab.path, plain


@pytest.fixture
def mirrored(_made, tmp_path):
    """That lab, elsewhere: a moved one."""
    shutil.copytree(_made[0], tmp_path / "lab")
    return Lab(tmp_path / "lab", patience=5)


@pytest.fixture
def unmirrored(_made, tmp_path, monkeypatch):
    """That lab before it was mirrored. Its pictures are drawn in no time, being empty."""
    monkeypatch.setattr(tsne, "save_tsne", lambda vectors, concepts, path: path.touch())
    shutil.copytree(_made[1], tmp_path / "lab")
    return Lab(tmp_path / "lab", patience=5)


def elsewhere(lab):
    """The lab under another path: within one process MLflow goes on using a database that it has seen."""
    return Lab(shutil.move(lab.path, lab.path.parent / "moved"), patience=5)


def rows(lab, deleted=False):
    """Every MLflow run of a lab as (client, runs)."""
    from mlflow import MlflowClient
    from mlflow.entities import ViewType

    client = MlflowClient(tracking_uri=lab.mlflow_uri)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    view = ViewType.ALL if deleted else ViewType.ACTIVE_ONLY
    return client, list(client.search_runs([experiment.experiment_id], run_view_type=view))


def by_key(lab):
    return {run.data.tags.get(RUN, run.data.tags.get(RATER)): run for run in rows(lab)[1]}


def check(lab, n_stages=3):
    """One run per rater and per finished stage, all whole, nested, and known to the lab by id."""
    runs = rows(lab)[1]
    ids = dict(
        lab.store.read("SELECT run_id, mlflow_run_id FROM run WHERE mlflow_run_id IS NOT NULL").itertuples(
            index=False, name=None
        )
    )
    assert {run.data.tags[RUN]: run.info.run_id for run in runs if RUN in run.data.tags} == ids
    assert len(ids) == n_stages
    raters = {run.data.tags[RATER]: run.info.run_id for run in runs if RATER in run.data.tags}
    assert len(runs) == len(ids) + len(raters)
    assert {run.info.status for run in runs} == {"FINISHED"}
    for stage in runs:
        assert stage.data.tags.get(PARENT) == raters.get(stage.data.tags.get("rater"))
    return runs


def test_what_mlflow_shows_is_what_the_lab_holds(mirrored):
    check(mirrored)
    catch_up(mirrored, thorough=True)  # the fixture moved it
    client, runs = rows(mirrored)
    raters = client.search_runs([runs[0].info.experiment_id], "tags.kind != ''")  # as the experiment's note says
    assert [each.data.tags[RATER] for each in raters] == ["rule"]
    shown = by_key(mirrored)
    judged, fitted, aligned = (shown[i] for i in run(mirrored))
    assert [each.data.tags["stage"] for each in (judged, fitted, aligned)] == ["judge", "embed", "align"]
    assert shown["rule"].data.params["family"] == "scripted"
    assert shown["rule"].data.params["n_params"] == "1.5"
    history = client.get_metric_history(fitted.info.run_id, "history/heldout_loss")
    stored = mirrored.store.read(
        "SELECT step, heldout_loss FROM fit_history WHERE run_id = ? AND restart = 0 ORDER BY step",
        [fitted.data.tags[RUN]],
    )
    assert len(history) == min(100, len(stored)) > 10
    assert {(p.step, p.value) for p in history} <= set(stored.itertuples(index=False, name=None))
    assert {stored.step.min(), stored.step.max()} <= {point.step for point in history}
    r2 = mirrored.store.row("SELECT value, reference, chance FROM alignment WHERE metric_name = 'procrustes_r2'")
    for holder in (aligned, shown["rule"]):
        assert holder.data.metrics[f"procrustes_r2/{r2[1]}"] == r2[0]
        assert holder.data.metrics[f"procrustes_r2/chance {r2[1]}"] == r2[2]
    assert judged.data.metrics["answers"] == 150
    assert judged.data.params["judge.rule"] == "letters"
    assert 0 < fitted.info.end_time - fitted.info.start_time < 60_000
    for holder in (fitted, shown["rule"]):
        folder = client.download_artifacts(holder.info.run_id, "")
        table = pd.read_csv(os.path.join(folder, "embedding.csv"), index_col="word")
        vectors = mirrored.store.read(
            "SELECT vector FROM embedding_row WHERE embedding_id = ? ORDER BY position", [fitted.data.tags[RUN]]
        )
        assert np.allclose(table.to_numpy(), np.stack(vectors.vector))
        with open(os.path.join(folder, "tsne.png"), "rb") as file:
            assert file.read(8) == b"\x89PNG\r\n\x1a\n"


def test_twice_changes_nothing(mirrored, monkeypatch):
    before = {run.info.run_id: run.data.to_dictionary() for run in check(mirrored)}
    assert catch_up(mirrored, thorough=True) == 0
    assert {run.info.run_id: run.data.to_dictionary() for run in rows(mirrored, deleted=True)[1]} == before
    monkeypatch.setattr(sync, "Experiment", None)  # nothing new: MLflow is not even opened
    assert catch_up(mirrored) == 0


def test_what_a_judge_says_of_itself_becomes_params(unmirrored):
    judged = run(unmirrored)[0]
    record_event(
        unmirrored, judged, Status.started, judge={"dtype": "bfloat16", "torch": "2.13", "rule": "other", "a": None}
    )
    record_event(unmirrored, judged, Status.finished, answers=150)
    catch_up(unmirrored)
    params = by_key(unmirrored)[judged].data.params
    assert (params["judge.dtype"], params["judge.torch"], params["judge.rule"]) == ("bfloat16", "2.13", "letters")
    assert "judge.a" not in params


@pytest.mark.parametrize("step", [1, 2, 3, 4, 6, 8, 10, 12, 14, None])
def test_a_kill_at_any_step_leaves_no_doubles(unmirrored, monkeypatch, step):
    """Stop before the n-th call to MLflow, or before the ids are stored, then go on."""
    from mlflow import MlflowClient

    calls = []

    class Killed(BaseException):
        pass

    def counted(name):
        original = getattr(MlflowClient, name)

        def call(self, *args, **kwargs):
            calls.append(name)
            if len(calls) == step:
                raise Killed
            return original(self, *args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        for name in ("create_run", "log_batch", "log_artifacts", "set_terminated"):
            patch.setattr(MlflowClient, name, counted(name))
        if step is None:
            patch.setattr(sync, "_link", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            catch_up(unmirrored)
    catch_up(unmirrored)
    check(unmirrored)


def test_a_deleted_database_is_made_again(mirrored):
    before = set(by_key(mirrored))
    lab = elsewhere(mirrored)
    (lab.path / "mlflow.db").unlink()
    assert catch_up(lab) == 3
    check(lab)
    assert set(by_key(lab)) == before


def test_runs_deleted_in_mlflow_come_back_when_asked(mirrored):
    client, runs = rows(mirrored)
    for each in runs:
        if each.data.tags.get("stage") != "embed":
            client.delete_run(each.info.run_id)
    assert catch_up(mirrored, thorough=True) == 2
    check(mirrored)
    client.delete_experiment(runs[0].info.experiment_id)
    catch_up(mirrored, thorough=True)
    check(mirrored)


def test_doubles_are_removed(mirrored):
    client, runs = rows(mirrored)
    for each in runs:
        twin = client.create_run(
            each.info.experiment_id, tags={k: each.data.tags[k] for k in (RUN, RATER) if k in each.data.tags}
        )
        client.set_terminated(twin.info.run_id)
    catch_up(mirrored, thorough=True)
    check(mirrored)


def test_two_at_once(unmirrored, monkeypatch):
    code = "import sys; from triadic.schema.lab import Lab; from triadic.reports.tracking import catch_up; print(catch_up(Lab(sys.argv[1])))"
    other = subprocess.Popen([sys.executable, "-c", code, unmirrored.path], stdout=subprocess.PIPE, text=True)
    ours = catch_up(unmirrored)
    assert ours + int(other.communicate(timeout=60)[0]) == 3
    assert other.returncode == 0
    check(unmirrored)
    monkeypatch.setattr(database, "PATIENCE", 0.2)
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with database.guarded(unmirrored):
            entered.set()
            leave.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait(10)
    with pytest.raises(Unavailable, match="another process"):
        catch_up(unmirrored, thorough=True)
    leave.set()
    holder.join()


def test_a_moved_lab_keeps_its_artifacts_and_leaves_the_old_place_alone(mirrored, tmp_path):
    shutil.move(mirrored.path, tmp_path / "new place (2) 100% ü")
    lab = Lab(tmp_path / "new place (2) 100% ü")
    assert catch_up(lab, thorough=True) == 0
    client, runs = rows(lab)
    for each in runs:
        if each.data.tags.get("stage") == "embed":
            assert each.info.artifact_uri.startswith(lab.path.as_uri())
            assert os.path.getsize(client.download_artifacts(each.info.run_id, "tsne.png")) > 1000
    run(lab, fit=FitSettings(n_dims=3))
    assert catch_up(lab) == 2
    assert not mirrored.path.exists()


def test_odd_names_and_long_values(unmirrored):
    add_model(unmirrored, "scripted:", ODD, given={"family": "f" * 7000})
    with unmirrored.store.transaction() as con:
        con.execute("UPDATE embedding SET name = '../a//b? 中 ' || repeat('x', 300) WHERE role = 'reference'")
    judged, _, aligned = run(unmirrored, ODD)
    assert catch_up(unmirrored) == 6
    check(unmirrored, 6)
    assert catch_up(unmirrored, thorough=True) == 0
    shown = by_key(unmirrored)
    assert shown[ODD].info.run_name == ODD
    assert len(shown[ODD].data.params["family"]) == 6000
    assert shown[judged].data.tags["rater"] == ODD
    assert any(name.startswith("procrustes_r2/") for name in shown[aligned].data.metrics)
    run(unmirrored, ODD, FitSettings(n_dims=3))
    assert catch_up(unmirrored) == 2
    check(unmirrored, 8)


def test_names_stay_apart():
    names = ["a/b", "a/b?", "a/b!", "a//b", "a/..", "../b", "a/" + "x" * 300, "a/" + "x" * 301, "a b:c-d_e", "é/中"]
    made = [clean(name) for name in names]
    assert len(set(made)) == len(names)
    assert all(len(name) <= 250 for name in made)
    assert clean("procrustes_r2/vice chance") == "procrustes_r2/vice chance"


def test_ingredients_given_afterwards_replace_the_raters_run(mirrored):
    add_model(mirrored, "scripted:", "rule", given={"n_params": 7.0})
    assert catch_up(mirrored, thorough=True) == 0
    check(mirrored)
    shown = by_key(mirrored)["rule"]
    assert shown.data.params["n_params"] == "7.0"
    assert any(name.startswith("procrustes_r2/") for name in shown.data.metrics)


def test_a_new_name_is_shown(mirrored):
    with mirrored.store.transaction() as con:
        con.execute(
            "INSERT INTO rater_event (rater_id, happened_at, action, name) VALUES ('rule', now(), 'renamed', 'R')"
        )
    catch_up(mirrored, thorough=True)
    assert by_key(mirrored)["rule"].info.run_name == "R"
    _, fitted, _ = run(mirrored, fit=FitSettings(n_dims=3))
    catch_up(mirrored)
    assert by_key(mirrored)[fitted].info.run_name == "embed R ckl-3"


def test_the_newest_fit_is_the_one_shown(mirrored):
    run(mirrored, fit=FitSettings(n_dims=3))
    assert catch_up(mirrored) == 2
    check(mirrored, 5)
    value = mirrored.store.row("SELECT value FROM alignment WHERE metric_name = 'procrustes_r2' AND n_dims = 3")[0]
    metrics = by_key(mirrored)["rule"].data.metrics
    assert [v for k, v in metrics.items() if k.startswith("procrustes_r2/") and "chance" not in k] == [value]


def test_reports_with_and_without_their_folder(unmirrored):
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    folder = save(unmirrored, Report("ranking", "T", [Table("t", "c", frame)]), {"reference": None})
    gone = save(unmirrored, Report("ranking", "T", [Table("t", "c", frame * 2)]), {})
    shutil.rmtree(gone)
    assert catch_up(unmirrored) == 5
    client, _ = rows(unmirrored)
    names = [
        {file.path for file in client.list_artifacts(each.info.run_id)}
        for each in check(unmirrored, 5)
        if each.data.tags.get("stage") == "report"
    ]
    assert sorted(names, key=len) == [set(), {path.name for path in folder.iterdir()}]


def break_it(lab, how):
    path = lab.path / "mlflow.db"
    path.rename(lab.path / "kept.db")
    if how == "corrupt":
        path.write_bytes(b"this is no database" * 100)
    elif how == "folder":
        path.mkdir()
    elif how == "locked":
        shutil.copy(lab.path / "kept.db", path)
    elif how == "newer":
        with sqlite3.connect(path) as con:
            con.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
            con.execute("INSERT INTO alembic_version VALUES ('ffffffffffff')")
            con.execute("CREATE TABLE experiments (experiment_id, name, artifact_location)")
            con.execute("CREATE TABLE runs (experiment_id, artifact_uri)")


@pytest.mark.parametrize("how", ["corrupt", "folder", "newer", "locked"])
def test_an_unusable_database_is_one_line_and_costs_the_lab_nothing(unmirrored, how, monkeypatch):
    break_it(unmirrored, how)
    holder = sqlite3.connect(unmirrored.path / "mlflow.db" if how == "locked" else ":memory:")
    holder.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(database, "SQLITE_PATIENCE", 0.1)
    with pytest.raises(Unavailable, match="triadic status --mirror") as raised:
        catch_up(unmirrored)
    assert "\n" not in str(raised.value)
    monkeypatch.setenv("TRIADIC_MIRROR", "wait")
    mirror(unmirrored, pytest.fail)  # a command that has done its work only warns
    holder.close()
    assert unmirrored.store.row("SELECT count(*) FROM run_status WHERE status = 'finished'") == (3,)
    lab = elsewhere(unmirrored)
    shutil.rmtree(lab.path / "mlflow.db") if how == "folder" else (lab.path / "mlflow.db").unlink()
    (lab.path / "kept.db").rename(lab.path / "mlflow.db")
    assert catch_up(lab) == 3
    check(lab)


def test_a_command_whose_mirror_fails_succeeds_with_one_line_of_warning(unmirrored, monkeypatch):
    break_it(unmirrored, "corrupt")
    command = [sys.executable, "-m", "triadic", "--lab", unmirrored.path, "judge", "rule"]
    monkeypatch.setenv("TRIADIC_MIRROR", "wait")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    asked, warning = done.stderr.splitlines()
    assert warning.startswith("Warning: MLflow mirror at ")
    (unmirrored.path / "mlflow.db").unlink()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == [asked]  # nor does MLflow say anything while it makes its database
    assert unmirrored.store.row("SELECT count(mlflow_run_id) FROM run") == (3,)


def test_a_folder_that_sqlite_addresses_cannot_name_is_refused(unmirrored, tmp_path):
    shutil.move(unmirrored.path, tmp_path / "what?")
    with pytest.raises(Unavailable, match=r"without \? and #"):
        catch_up(Lab(tmp_path / "what?"))
    assert {path.name for path in tmp_path.iterdir()} == {"what?"}


@pytest.fixture
def in_background(monkeypatch):
    """Mirrors as a command does, told in `news`; `end` waits until no process is at it."""
    news, started = [], []

    class Popen(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setenv("TRIADIC_MIRROR", "background")
    monkeypatch.setattr(background.subprocess, "Popen", Popen)

    def start(lab):
        news.clear()
        mirror(lab, news.append)
        return news

    def end():
        for process in started:
            process.wait(60)
        return [process.returncode for process in started]

    start.end, start.started = end, started
    yield start
    end()


def test_a_command_does_not_wait_for_its_mirror_and_says_so(unmirrored, monkeypatch):
    monkeypatch.setenv("TRIADIC_MIRROR", "background")
    command = [sys.executable, "-m", "triadic", "--lab", unmirrored.path, "judge", "rule"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # which reads until the pipes are closed
    assert done.stderr.endswith("brought up to date in the background; `triadic ui` waits for it\n")
    assert unmirrored.store.row("SELECT count(mlflow_run_id) FROM run") == (0,)
    told = []
    assert catch_up(unmirrored, thorough=True, waiting=told.append) == 0  # by then the process has written them
    assert told == ["another process is bringing the MLflow mirror up to date: waiting for it"]
    check(unmirrored)
    assert "3 runs mirrored in" in background.last_words(unmirrored)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "mirror" not in done.stderr  # nothing is new


def test_a_process_of_its_own_is_no_child_of_the_terminal_and_no_zombie(unmirrored, in_background):
    assert len(in_background(unmirrored)) == 1
    (process,) = in_background.started
    assert os.getsid(process.pid) == process.pid != os.getsid(0)
    in_background(unmirrored)  # it is at work: no second one
    assert len(in_background.started) == 1
    deadline = time.monotonic() + 60
    while process.pid in _children(os.getpid()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert process.returncode == 0
    assert in_background(unmirrored) == []
    check(unmirrored)


def test_what_is_finished_while_another_is_at_work_is_mirrored_by_it(unmirrored, in_background, monkeypatch):
    update = sync.update

    def busy(*args):
        new = update(*args)
        if new == 3:
            run(unmirrored, fit=FitSettings(n_dims=3))
            in_background(unmirrored)
        return new

    monkeypatch.setattr(sync, "update", busy)
    assert catch_up(unmirrored) == 5
    assert in_background.started == []
    check(unmirrored, 5)


def test_a_run_that_cannot_be_written_is_not_tried_for_ever(unmirrored, monkeypatch):
    tried = []
    monkeypatch.setattr(sync, "update", lambda *_: tried.append(1) or 0)
    assert catch_up(unmirrored) == 0
    assert len(tried) == 1


def test_a_failure_in_the_background_is_told_and_healed(unmirrored, in_background):
    break_it(unmirrored, "corrupt")
    in_background(unmirrored)
    assert in_background.end() == [1]
    (line,) = background.problems(unmirrored)
    assert line.startswith("mirror: 3 of the finished runs are not in MLflow; MLflow mirror at ")
    assert "file is not a database" in line
    warning, started = in_background(unmirrored)
    assert warning.startswith("Warning: MLflow mirror at ")
    assert "in the background" in started
    in_background.end()
    (unmirrored.path / "mlflow.db").unlink()
    assert catch_up(unmirrored) == 3
    assert background.problems(unmirrored) == []
    check(unmirrored)


def test_a_killed_process_is_told_by_the_doctor(unmirrored, in_background):
    in_background(unmirrored)
    while "at work" not in background.last_words(unmirrored):
        time.sleep(0.02)
    assert background.problems(unmirrored) == []  # it is at work
    in_background.started[0].kill()
    in_background.end()
    assert "was killed: `triadic status --mirror` goes on" in background.problems(unmirrored)[0]
    assert catch_up(unmirrored) == 3
    check(unmirrored)


@pytest.mark.parametrize("after", [0, 2.5])
def test_a_lab_removed_meanwhile_stays_removed(unmirrored, in_background, capfd, after):
    in_background(unmirrored)
    time.sleep(after)
    shutil.rmtree(unmirrored.path)
    in_background.end()
    assert not unmirrored.path.exists()
    assert in_background(unmirrored) == []
    assert capfd.readouterr() == ("", "")


def test_artifacts_are_not_written_where_a_lab_has_been(unmirrored):
    with database.guarded(unmirrored) as lock:
        experiment = mlflow_store.Experiment(unmirrored)
        shutil.rmtree(unmirrored.path)
        with pytest.raises(NotFound, match="removed"):
            database.is_there(lock)
        assert not experiment.home.is_dir()


def test_the_mirror_can_be_waited_for_or_left_off(unmirrored, monkeypatch, in_background, caplog):
    monkeypatch.setenv("TRIADIC_MIRROR", "off")
    assert in_background(unmirrored) == []
    monkeypatch.setenv("TRIADIC_MIRROR", "wait")
    assert in_background(unmirrored) == []
    assert in_background.started == []
    check(unmirrored)
    run(unmirrored, fit=FitSettings(n_dims=3))
    monkeypatch.setenv("TRIADIC_MIRROR", "later")
    assert len(in_background(unmirrored)) == 1
    assert caplog.messages == ["Warning: TRIADIC_MIRROR is 'later': use one of background, wait, off"]


def test_a_backup_made_while_the_mirror_is_written_is_whole(mirrored, tmp_path):
    with closing(sqlite3.connect(mirrored.path / "mlflow.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM metrics")
        assert (mirrored.path / "mlflow.db-journal").exists()
        upkeep.backup(mirrored, tmp_path / "copy")
        writer.execute("ROLLBACK")
    assert not list((tmp_path / "copy").glob("mlflow.db-*"))
    with closing(sqlite3.connect(tmp_path / "copy" / "mlflow.db")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT count(*) FROM metrics").fetchone()[0] > 0


def test_what_was_finished_before_an_error_is_mirrored_too(empty_lab, monkeypatch):
    seen = []
    monkeypatch.setattr("triadic.reports.tracking.mirror", lambda lab, say: seen.append(lab.path))

    @click.command()
    @console.in_lab(mirrored=True)
    def failing(lab):
        raise BadInput("the second model has no weights")

    with pytest.raises(BadInput):
        failing.main(["--lab", str(empty_lab.path)], standalone_mode=False)
    assert seen == [empty_lab.path]


@pytest.mark.parametrize("vectors", [np.zeros((6, 3)), np.eye(3), np.ones((1, 1)), np.arange(8.0)[:, None], np.eye(9)])
def test_every_space_has_a_picture(vectors, tmp_path):
    concepts = pd.DataFrame({"word": ["$x", "a$b$_", "中", *"abcdefgh"][: len(vectors)], "category": None})
    save_tsne(vectors, concepts, tmp_path / "tsne.png")
    assert (tmp_path / "tsne.png").stat().st_size > 1000
    offsets = [c.get_offsets() for c in tsne_figure(vectors, concepts).axes[0].collections]
    assert np.isfinite(np.vstack(offsets)).all()


def test_a_port_in_use_is_one_line(mirrored):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Unavailable, match="choose another --port"):
            serve(mirrored, "127.0.0.1", taken.getsockname()[1])
    for host, port in [("127.0.0.1", 70_000), ("no.such.host.invalid", 5000)]:
        with pytest.raises(Unavailable, match="--port"):
            serve(mirrored, host, port)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_shows_the_lab_and_leaves_nobody_behind(mirrored, number):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "triadic", "--lab", mirrored.path, "ui", "--port", str(port)]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        while "shows this lab" not in (line := server.stderr.readline()):
            assert line, "the server stopped"
        group = _children(server.pid)
        assert len(group) >= 1
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        asked = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/2.0/mlflow/runs/search",
            json.dumps({"experiment_ids": ["1"]}).encode(),
            {"content-type": "application/json"},
        )
        runs = json.load(opener.open(asked))["runs"]
        assert len(runs) == 4
        fitted = next(r for r in runs if r["info"]["run_name"].startswith("embed"))["info"]["run_id"]
        url = f"http://127.0.0.1:{port}/get-artifact?path=tsne.png&run_uuid={fitted}"
        assert opener.open(url).read(4) == b"\x89PNG"
    finally:
        server.send_signal(number)
        assert server.wait(60) == 0
    deadline = time.monotonic() + 5
    while any(map(_alive, group)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(_alive, group))


def _children(pid):
    out = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in out.splitlines()]
    found, new = set(), {pid}
    while new:
        new = {child for child, parent in pairs if parent in new} - found
        found |= new
    return found


def _alive(pid):
    out = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(out) and not out.startswith("Z")
