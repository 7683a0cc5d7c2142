"""The judge stage: every question answered once, whatever happens on the way. The kills are real, of real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from triadic.compute.judges.scripted import ScriptedJudge
from triadic.compute.settings import JudgeSettings
from triadic.compute.stages.judge import ask, judge_run, read_questions
from triadic.compute.stages.plan import draw_triplet_set
from triadic.ingest.models import add_model
from triadic.schema.errors import BadInput, Conflict, Unavailable
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Work
from triadic.schema.vocabulary import Stage

ANSWERS = "SELECT * FROM response ORDER BY run_id, triplet_no, flipped, repeat"
STATUS = "SELECT status FROM run_status WHERE run_id = ?"


def begin(lab, n=500, judge=None, **how):
    rater, _ = add_model(lab, "scripted:", "scripted")
    judge = judge or ScriptedJudge(batch_size=50)
    return judge_run(lab, rater, judge, draw_triplet_set(lab, "things-128", n, 0), JudgeSettings(**how)), judge


def test_every_question_is_answered_once_and_never_again(lab):
    work, judge = begin(lab)
    assert ask(lab, work, judge) == 500
    assert lab.store.row("SELECT count(*), count(DISTINCT triplet_no) FROM response") == (500, 500)
    assert lab.store.value(STATUS, [work.run_id]) == "finished"
    events = lab.store.row("SELECT count(*) FROM run_event")
    assert ask(lab, work, judge) == 0
    assert lab.store.row("SELECT count(*) FROM run_event") == events


@pytest.mark.parametrize(("orders", "repeats", "expected"), [("both", 1, 400), ("drawn", 3, 600), ("both", 2, 800)])
def test_orders_and_repeats_ask_each_question_so_many_times(lab, orders, repeats, expected):
    work, judge = begin(lab, 200, orders=orders, repeats=repeats)
    assert ask(lab, work, judge) == expected
    counts = lab.store.read("SELECT triplet_no, count(*) AS n FROM response GROUP BY 1")
    assert (counts.n == expected / 200).all()


def test_questions_show_the_words_of_their_triplets(lab):
    work, _ = begin(lab, 300, orders="both")
    work.begin(lab)
    questions = read_questions(lab, work.run_id)
    words = lab.store.read("SELECT word FROM concept ORDER BY position").word.to_numpy(object)
    triplets = lab.store.read("SELECT * FROM triplet ORDER BY triplet_no")
    assert np.array_equal(questions.anchor[:300], words[triplets.anchor])
    assert np.array_equal(questions.first[300:], words[triplets.right_item])
    assert np.array_equal(questions.second[300:], questions.first[:300])


class Failing(ScriptedJudge):
    """Breaks on the fourth batch."""

    asked = 0

    def answer(self, questions):
        self.asked += 1
        if self.asked == 4:
            raise FloatingPointError("NaN logits in batch")
        return super().answer(questions)


def test_what_was_answered_before_an_error_is_kept_and_the_error_is_on_record(lab):
    work, judge = begin(lab, judge=Failing(batch_size=50))
    with pytest.raises(FloatingPointError):
        ask(lab, work, judge)
    assert lab.store.row("SELECT count(*) FROM response") == (150,)
    assert lab.store.value(STATUS, [work.run_id]) == "failed"
    assert "NaN logits" in lab.store.row("SELECT status_detail ->> 'error' FROM run_status")[0]
    assert ask(lab, work, ScriptedJudge(batch_size=50)) == 350
    assert lab.store.value(STATUS, [work.run_id]) == "finished"


class Unloadable(ScriptedJudge):
    """Its weights cannot be opened."""

    def record(self):
        raise Unavailable("owner/name is not on this machine and the hub does not answer")


def test_weights_that_cannot_be_loaded_fail_the_run_with_their_reason(lab):
    work, judge = begin(lab, judge=Unloadable(batch_size=50))
    with pytest.raises(Unavailable, match="not on this machine"):
        ask(lab, work, judge)
    assert lab.store.value(STATUS, [work.run_id]) == "failed"
    detail = lab.store.row("SELECT status_detail ->> 'error', status_detail ->> 'answers' FROM run_status")
    assert detail == ("Unavailable: owner/name is not on this machine and the hub does not answer", "0")
    assert ask(lab, work, ScriptedJudge(batch_size=50)) == 500
    assert lab.store.value(STATUS, [work.run_id]) == "finished"


class Stopped(ScriptedJudge):
    """Somebody presses Ctrl-C in the third batch."""

    asked = 0

    def answer(self, questions):
        self.asked += 1
        if self.asked == 3:
            raise KeyboardInterrupt
        return super().answer(questions)


def test_what_is_interrupted_is_recorded_so_with_the_answers_there_are(lab):
    work, judge = begin(lab, judge=Stopped(batch_size=50))
    with pytest.raises(KeyboardInterrupt):
        ask(lab, work, judge)
    found = lab.store.row("SELECT status, status_detail ->> 'answers', status_detail ->> 'of' FROM run_status")
    assert found == ("interrupted", "100", "500")
    assert lab.store.row("SELECT count(*) FROM response") == (100,)
    assert ask(lab, work, ScriptedJudge(batch_size=50)) == 400


def test_sigterm_is_recorded_as_ctrl_c_is_and_then_has_its_old_meaning_again(lab):
    class Terminated(Stopped):
        def answer(self, questions):
            if self.asked == 1:
                os.kill(os.getpid(), signal.SIGTERM)
            self.asked += 1
            return ScriptedJudge.answer(self, questions)

    work, judge = begin(lab, judge=Terminated(batch_size=50))
    with pytest.raises(KeyboardInterrupt):
        ask(lab, work, judge)
    assert lab.store.value(STATUS, [work.run_id]) == "interrupted"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_progress_moves_within_a_batch_where_the_judge_tells(lab):
    class Telling(ScriptedJudge):
        def answer(self, questions):
            for _ in range(0, len(questions), 20):
                self.watch(20)
            return super().answer(questions)

    work, judge = begin(lab, 100, judge=Telling(batch_size=50))
    news = []
    ask(lab, work, judge, lambda *each: news.append(each))
    assert [done for done, _ in news] == [0, 20, 40, 50, 50, 70, 90, 100, 100]
    assert {total for _, total in news} == {100}


class Measuring(Failing):
    """Measures something once a start, as the tree does with its passes."""

    def __init__(self, found, **how):
        super().__init__(**how)
        self.found = found

    def record(self):
        return self.identity() | {"measured": self.found}

    def resume(self, record):
        self.found = record["measured"]


def test_a_run_taken_up_again_goes_by_what_its_first_start_measured(lab):
    work, judge = begin(lab, judge=Measuring(1, batch_size=50))
    with pytest.raises(FloatingPointError):
        ask(lab, work, judge)
    again = Measuring(2, batch_size=50)
    again.asked = 10
    assert ask(lab, work, again) == 350
    starts = lab.store.read("SELECT detail FROM run_event WHERE status = 'started' ORDER BY happened_at").detail
    assert [json.loads(detail)["judge"]["measured"] for detail in starts] == [1, 1]


OTHER_WORDING = "Which of {1} and {2} goes with {0}?"


class Reworded(ScriptedJudge):
    """Asks in other words."""

    def identity(self):
        return super().identity() | {"wording": OTHER_WORDING}

    def record(self):
        return super().record() | {"prompt_example": OTHER_WORDING}


def as_version_0_1_0_entered(work, judge):
    return replace(work, config=work.config | {"judge": judge.former_identity()})


def test_an_old_run_is_recognised_and_what_it_finished_is_not_asked_again(lab):
    work, judge = begin(lab)
    old = as_version_0_1_0_entered(work, judge)
    assert old.run_id != work.run_id
    assert ask(lab, old, judge) == 500
    again, _ = begin(lab)
    assert again.run_id == old.run_id
    assert ask(lab, again, Failing(batch_size=50)) == 0
    assert lab.store.row("SELECT count(*) FROM run") == (1,)
    assert begin(lab, repeats=2)[0].run_id != old.run_id
    reworded = begin(lab, judge=Reworded(batch_size=50))[0]
    assert reworded.config["judge"]["wording"] == OTHER_WORDING
    assert reworded.run_id not in (old.run_id, work.run_id)


def test_an_old_run_that_was_not_finished_goes_on_under_its_old_id_and_in_its_wording_only(lab):
    work, judge = begin(lab, judge=Failing(batch_size=50))
    old = as_version_0_1_0_entered(work, judge)
    with pytest.raises(FloatingPointError):
        ask(lab, old, judge)
    again, _ = begin(lab)
    assert again.run_id == old.run_id
    with pytest.raises(Conflict, match="where this run began with"):
        ask(lab, again, Reworded(batch_size=50))
    assert ask(lab, again, ScriptedJudge(batch_size=50)) == 350
    assert lab.store.value(STATUS, [old.run_id]) == "finished"


def test_a_run_that_is_entered_under_the_new_identity_is_preferred(lab):
    work, judge = begin(lab)
    as_version_0_1_0_entered(work, judge).begin(lab)
    work.begin(lab)
    assert begin(lab)[0].run_id == work.run_id


def test_the_former_identity_makes_the_id_that_version_0_1_0_made():
    judge = ScriptedJudge(first_bias=0.3, invalid_rate=0.02)
    how = {"answer": "sample", "framing": "anchored", "n_questions": 8000, "orders": "both", "repeats": 2}
    config = how | {"judge": judge.former_identity()}
    assert Work(Stage.judge, "scripty", config, "things-128", "11136af351027b78").run_id == "88a50b748fe210cc"


def test_unknown_words_are_refused_before_anything_is_asked():
    with pytest.raises(BadInput, match="no orders 'backwards': use one of drawn, both"):
        JudgeSettings(orders="backwards")
    with pytest.raises(BadInput, match="repeats is 0: it must be at least 1"):
        JudgeSettings(repeats=0)


def test_numbers_that_are_no_log_probabilities_stop_the_run(lab):
    class Nan(ScriptedJudge):
        def answer(self, questions):
            return super().answer(questions) | {"logprob_left": [float("nan")] * len(questions)}

    work, judge = begin(lab, judge=Nan(batch_size=50))
    with pytest.raises(BadInput, match="NaN"):
        ask(lab, work, judge)
    assert lab.store.row("SELECT count(*) FROM response") == (0,)


def run_cli(lab_path, *args, wait=True):
    command = [sys.executable, "-m", "triadic", "--lab", str(lab_path), *args]
    if wait:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_killed_at_any_moment_it_ends_in_the_rows_of_an_undisturbed_run(lab, tmp_path):
    undisturbed, judge = begin(lab, 2000, judge=ScriptedJudge(batch_size=50, first_bias=0.3, invalid_rate=0.1))
    ask(lab, undisturbed, judge)

    other = Lab.create(tmp_path / "killed")
    assert run_cli(other.path, "init").returncode == 0
    weights = "scripted:batch_size=50,first_bias=0.3,invalid_rate=0.1,delay=0.05"
    assert run_cli(other.path, "model", "add", weights, "--name", "scripted").returncode == 0
    assert run_cli(other.path, "plan", "--triplets", "2000").returncode == 0
    rng, kept = np.random.default_rng(0), 0
    for _ in range(3):
        process = run_cli(other.path, "judge", "scripted", wait=False)
        seen = len(other.spool.waiting())
        deadline = time.monotonic() + 60
        while len(other.spool.waiting()) <= seen and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 0.4))
        process.send_signal(signal.SIGKILL)
        process.wait()
        other.spool.load()
        now = other.store.row("SELECT count(*) FROM response")[0]
        assert kept <= now < 2000
        kept = now
    assert kept > 0
    done = run_cli(other.path, "judge", "scripted")
    assert done.returncode == 0, done.stderr
    assert other.store.arrow(ANSWERS).equals(lab.store.arrow(ANSWERS))


def test_ctrl_c_stops_in_one_line_and_sql_answers_meanwhile(lab):
    run_cli(lab.path, "model", "add", "scripted:batch_size=20,delay=0.1", "--name", "slow")
    run_cli(lab.path, "plan", "--triplets", "1000")
    process = subprocess.Popen(
        [sys.executable, "-m", "triadic", "--lab", str(lab.path), "judge", "slow"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    while not lab.spool.waiting():
        time.sleep(0.05)
        assert process.poll() is None
    asked = run_cli(lab.path, "sql", "SELECT count(*) AS n FROM run", "--format", "csv")
    assert (asked.returncode, asked.stdout) == (0, "n\n1\n")
    triplet_set = lab.store.row("SELECT triplet_set_id FROM triplet_set")[0]
    work = judge_run(lab, "slow", ScriptedJudge(batch_size=20), triplet_set, JudgeSettings())
    with pytest.raises(Unavailable, match="another process"):
        ask(lab, work, ScriptedJudge(batch_size=20))
    process.send_signal(signal.SIGINT)
    stderr = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert "the same command goes on" in stderr
    kept = lab.store.row("SELECT count(*) FROM response")[0]
    assert kept > 0
    assert lab.store.row("SELECT status, (status_detail ->> 'answers')::INTEGER FROM run_status") == (
        "interrupted",
        kept,
    )
