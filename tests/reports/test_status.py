"""Where a lab stands: what runs cost, which stopped, which sets there are; also while a judge runs."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from triadic.reports import status
from triadic.schema.errors import Unavailable
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Work
from triadic.schema.tables import Rater, Response, Run, RunEvent, TripletSet
from triadic.schema.vocabulary import Stage

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def asked(lab):
    """A lab with a rater of one judge run of 10 questions, which nothing has happened to yet: (lab, run_id)."""
    lab.store.insert(Rater, [Rater(rater_id="anna", kind="human")])
    config = {
        "answer": "sample",
        "framing": "anchored",
        "orders": "drawn",
        "repeats": 1,
        "n_questions": 10,
        "judge": {},
    }
    return lab, Work(Stage.judge, "anna", config, "things-128").begin(lab)


def happen(lab, run_id, *events):
    """Events as (seconds after the start, status, detail)."""
    rows = [
        RunEvent(run_id=run_id, happened_at=START + timedelta(seconds=at), status=what, detail=detail)
        for at, what, detail in events
    ]
    lab.store.insert(RunEvent, rows)


def answer(lab, run_id, n, **values):
    rows = [Response(run_id=run_id, triplet_no=i, flipped=False, repeat=0, choice="left", **values) for i in range(n)]
    lab.store.insert(Response, rows)


def the_run(lab):
    return status.runs(lab).iloc[0]


def test_the_cost_of_a_run_counts_each_stretch_of_asking_and_every_token(asked):
    lab, run_id = asked
    answer(lab, run_id, 10, prompt_tokens=30, answer_tokens=2)
    happen(
        lab, run_id,
        (0, "started", {"answers": 0}),
        (20, "interrupted", {"answers": 4, "answered_now": 4, "seconds": 16.0}),
        (100, "started", {"answers": 4}),
        (140, "finished", {"answers": 10, "answered_now": 6, "seconds": 24.0}),
    )  # fmt: skip
    run = the_run(lab)
    assert (run.rater_name, run.stage, run.status, run.n_answers, run.n_asked) == ("anna", "judge", "finished", 10, 10)
    assert (run.seconds, run.answers_per_second) == (40.0, 10 / 40)  # of asking, not the 80 s in between
    assert (run.prompt_tokens, run.answer_tokens) == (300, 20)
    assert run.started_at == START


def test_what_told_no_seconds_is_timed_by_its_events(asked):
    lab, run_id = asked
    happen(lab, run_id, (0, "started", {}), (7, "failed", {"error": "ValueError: no"}))
    run = the_run(lab)
    assert (run.status, run.seconds, run.note) == ("failed", 7.0, "ValueError: no")


def test_a_run_read_again_cost_no_tokens(asked):
    lab, run_id = asked
    answer(lab, run_id, 10, prompt_tokens=30, answer_tokens=2)
    lab.store.insert(
        Run,
        [
            Run(
                run_id="again", stage="judge", rater_id="anna", config_hash="x", versions={},
                config={"answer": "sample", "n_questions": 10, "texts_of": run_id},
            )
        ],
    )  # fmt: skip
    answer(lab, "again", 10, prompt_tokens=30, answer_tokens=2)
    costs = dict(lab.store.read("SELECT run_id, prompt_tokens FROM run_cost").to_numpy())
    assert costs[run_id] == 300
    assert costs["again"] != costs["again"]


def test_a_run_that_no_process_holds_reads_as_stopped_and_says_how_to_go_on(asked):
    lab, run_id = asked
    happen(lab, run_id, (0, "started", {"answers": 0}))
    frame = status.runs(lab)
    assert frame.status[0] == "stopped"
    assert frame.attrs["then"] == "not finished: `triadic run anna`, with the same options, goes on"
    with lab.spool.hold(run_id):
        frame = status.runs(lab)
        assert frame.status[0] == "started"
        assert frame.seconds[0] > 0  # so far
        assert frame.attrs["then"] is None
    assert the_run(lab).status == "stopped"


def test_a_run_that_is_taken_up_again_reads_as_started_before_its_weights_are_loaded(asked):
    lab, run_id = asked
    happen(lab, run_id, (0, "started", {"answers": 0}), (9, "interrupted", {"answers": 3}))
    assert the_run(lab).status == "interrupted"
    with lab.spool.hold(run_id):
        assert the_run(lab).status == "started"


def test_looking_does_not_get_into_the_way_of_who_begins(asked):
    """Somebody who looks holds the lock for a moment; who wants to work waits for that."""
    lab, run_id = asked
    looks = "import sys; from triadic.schema.lab import Lab\nspool = Lab(sys.argv[1]).spool\n"
    looks += "while True: spool.is_held(sys.argv[2])"
    with lab.spool.hold(run_id):
        pass
    watcher = subprocess.Popen([sys.executable, "-c", looks, str(lab.path), run_id])
    try:
        time.sleep(2)
        for _ in range(200):
            with lab.spool.hold(run_id):
                assert lab.spool.is_held(run_id)
    finally:
        watcher.kill()
        watcher.wait()
    with lab.spool.hold(run_id), pytest.raises(Unavailable, match="being asked by another"), lab.spool.hold(run_id):
        pass


def test_answers_in_the_spool_count(asked):
    lab, run_id = asked
    happen(lab, run_id, (0, "started", {"answers": 0}))
    answer(lab, run_id, 4)
    rows = {
        "run_id": [run_id] * 3,
        "triplet_no": [4, 5, 6],
        "flipped": [False] * 3,
        "repeat": [0] * 3,
        "choice": ["left"] * 3,
    }
    lab.spool.write(Response, f"{run_id}-000001", pa.table(rows))
    assert the_run(lab).n_answers == 7
    assert status.status(lab).n_answers.tolist() == [7]
    (lab.spool.path / "response.other-000001.parquet").write_bytes(b"half")
    assert the_run(lab).n_answers == 7


def test_a_killed_judge_is_seen_while_it_works_and_afterwards(call, lab):
    """A real process: started with its rate while it answers, stopped after kill -9, finished after the same command."""
    at = ("--lab", lab.path)
    call(*at, "plan", "--triplets", "160")
    call(*at, "model", "add", "scripted:batch_size=10,delay=0.2", "--name", "slow")
    command = [sys.executable, "-m", "triadic", "--lab", str(lab.path), "judge", "slow"]
    worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        time.sleep(0.1)
        frame = status.runs(Lab(lab.path))
        if len(frame) and frame.n_answers[0] >= 20:
            break
    assert (frame.status[0], frame.n_asked[0]) == ("started", 160)
    assert 5 < frame.answers_per_second[0] < 60
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert the_run(lab).status == "stopped"
    code, out, err = call(*at, "status", "--runs")
    assert code == 0
    assert "stopped" in out
    assert "`triadic run slow`" in err
    assert call(*at, "judge", "slow")[0] == 0
    assert (the_run(lab).status, the_run(lab).n_answers) == ("finished", 160)


def test_triplet_sets_are_listed_with_the_main_one(empty_lab):
    rows = [
        TripletSet(
            triplet_set_id=f"s{i}", concept_set_id="set", scheme="uniform", seed=i, n_triplets=n, digest=f"d{i}",
            created_at=START + timedelta(days=i),
        )
        for i, n in enumerate((200, 50))
    ]  # fmt: skip
    with empty_lab.store.transaction() as con:
        con.execute("INSERT INTO concept_set VALUES ('set', 'd', 3, 'test', now())")
    empty_lab.store.insert(TripletSet, rows)
    assert status.triplet_sets(empty_lab)[["name", "is_main", "n_triplets"]].to_numpy().tolist() == [
        ["set-200", True, 200],
        ["set-50-seed1", False, 50],
    ]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ((), "no runs in this lab yet: `triadic run MODEL`"),
        (("--all",), "no raters in this lab yet: `triadic model add`"),
        (("--runs",), "no runs in this lab yet: `triadic run MODEL`"),
        (("--sets",), "no triplet set in this lab yet: `triadic run MODEL`"),
    ],
)
def test_an_empty_lab_says_what_is_missing(call, empty_lab, options, why):
    code, out, err = call("--lab", empty_lab.path, "status", *options)
    assert (code, out) == (0, "")
    assert why in err


def test_watching_goes_on_until_it_is_interrupted_and_keeps_nobody_out(empty_lab):
    command = [
        sys.executable,
        "-m",
        "triadic",
        "--lab",
        str(empty_lab.path),
        "status",
        "--watch",
        "--format",
        "csv",
        "--all",
    ]
    watcher = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert watcher.stdout.readline().startswith("rater_name,")
    began = time.monotonic()
    empty_lab.store.insert(Rater, [Rater(rater_id="anna", kind="human")])
    assert time.monotonic() - began < 1
    for line in watcher.stdout:
        if line.startswith("anna,"):
            break
    watcher.send_signal(signal.SIGINT)
    assert watcher.wait(timeout=10) == 0
    assert "Traceback" not in watcher.stderr.read()
