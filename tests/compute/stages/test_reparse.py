"""Texts are kept, so a better reading needs no new asking; and nothing that was stored is changed by it."""

import json

import pytest

from triadic.compute.judges.base import known_before
from triadic.compute.judges.parse import RULE
from triadic.compute.judges.scripted import ScriptedJudge
from triadic.compute.settings import FitSettings, JudgeSettings, RunSettings
from triadic.compute.stages import pipeline
from triadic.compute.stages import reparse as reading
from triadic.compute.stages.judge import ask, judge_run
from triadic.compute.stages.plan import draw_triplet_set
from triadic.ingest.models import add_model
from triadic.schema.errors import BadInput, NotFound


@pytest.fixture
def judged(lab):
    rater, _ = add_model(lab, "scripted:", "rule")
    judge = ScriptedJudge(invalid_rate=0.1)
    settings = JudgeSettings(orders="both", answer="sample")
    work = judge_run(lab, rater, judge, draw_triplet_set(lab, "things-128", 300, 0), settings)
    ask(lab, work, judge)
    return work.run_id


def test_the_same_parser_reads_the_same(lab, judged):
    assert reading.reparse(lab, judged) == (judged, 0)
    assert lab.store.row("SELECT count(*) FROM run") == (1,)


def test_another_reading_is_another_run_of_the_same_texts(lab, judged, monkeypatch):
    monkeypatch.setattr(reading, "parse", lambda text, options, anchor, finished: (0, None))
    again, changed = reading.reparse(lab, judged)
    assert again != judged
    assert (
        changed
        == lab.store.row("SELECT count(*) FROM response WHERE run_id = ? AND choice IS DISTINCT FROM 'left'", [judged])[
            0
        ]
    )
    assert lab.store.row(
        "SELECT count(*), count(*) FILTER (choice = 'left') FROM response WHERE run_id = ?", [again]
    ) == (600, 600)
    assert lab.store.row("SELECT count(*) FILTER (choice IS NULL) FROM response WHERE run_id = ?", [judged])[0] > 0
    assert reading.reparse(lab, judged) == (again, changed)
    assert lab.store.row("SELECT count(*) FROM run") == (2,)


def test_there_must_be_texts(lab, judged):
    with pytest.raises(NotFound, match="no answers"):
        reading.reparse(lab, "0" * 16)
    with lab.store.transaction() as con:
        con.execute("UPDATE response SET raw_text = NULL")
    with pytest.raises(BadInput, match="holds no texts"):
        reading.reparse(lab, judged)


class Reading(ScriptedJudge):
    """Says by which rule its texts are read, as judges do that parse them."""

    rule = "an older rule"

    def identity(self):
        return super().identity() | {"reading": self.rule}


def test_texts_that_an_older_rule_read_are_found_and_the_new_run_names_todays_rule(lab, monkeypatch):
    rater, _ = add_model(lab, "scripted:", "reader")
    questions = draw_triplet_set(lab, "things-128", 100, 0)
    settings = RunSettings(judge=JudgeSettings(answer="sample"))
    judge = Reading()
    monkeypatch.setattr(pipeline, "make_judge", lambda *given: judge)
    old = pipeline.judge_rater(lab, rater, questions, settings)
    monkeypatch.setattr(judge, "rule", "a newer rule")
    monkeypatch.setattr(reading, "RULE", "a newer rule")
    assert pipeline.reparse_rater(lab, rater, questions, settings) == (old, 0)
    monkeypatch.setattr(reading, "parse", lambda text, options, anchor, finished: (0, None))
    again, changed = pipeline.reparse_rater(lab, rater, questions, settings)
    assert changed > 0
    rules = dict(lab.store.read("SELECT run_id, config -> 'judge' ->> 'reading' FROM run").itertuples(index=False))
    assert rules == {old: "an older rule", again: "a newer rule"}
    assert lab.store.row("SELECT config ->> 'texts_of' FROM run WHERE run_id = ?", [again]) == (old,)
    assert reading.reparse(lab, again) == (again, changed)


class Writer(Reading):
    """Writes what version 1 had cut at 12 tokens, or stopped at the end of a line; may be asked once."""

    TEXTS = (
        ("QUESTION: Which item is most similar to {0}: {1}", 12, "restated"),
        ("{1}", 12, "truncated"),
        ("{1}", 3, None),
        ("A. {1}\n", 5, "truncated"),
        (" {1}\n", 3, None),
        ("The {1} or", 12, "truncated"),
    )
    rule = "the first line that names one option, version 1"
    limit: int | None = None
    asked = False

    def identity(self):
        return super().identity() | ({"max_tokens": self.limit} if self.limit else {})

    def record(self):
        return super().record() | {"max_new_tokens": self.limit or 12}

    def earlier_identities(self):
        earlier = {name: value for name, value in self.identity().items() if name != "max_tokens"}
        return known_before(earlier) if self.limit else []

    def answer(self, questions):
        assert not self.asked, "asked again"
        given = [self.TEXTS[number % len(self.TEXTS)] for number in questions.triplet_no]
        names = list(zip(questions.anchor, questions.left, strict=True))
        return {
            "raw_text": [text.format(*pair) for (text, _, _), pair in zip(given, names, strict=True)],
            "answer_tokens": [tokens for _, tokens, _ in given],
            "choice": ["left"] * len(given),
            "invalid_reason": [None] * len(given),
        }


@pytest.mark.parametrize("former", [False, True])
def test_finished_texts_are_read_again_instead_of_asked_for_and_once_only(lab, monkeypatch, former):
    rater, _ = add_model(lab, "scripted:", "writer")
    questions = draw_triplet_set(lab, "things-128", 60, 0)
    settings = RunSettings(judge=JudgeSettings(answer="sample"), fit=FitSettings(n_dims=2))
    judge = Writer()
    monkeypatch.setattr(pipeline, "make_judge", lambda *given: judge)
    if former:  # as version 0.1.0 entered it
        monkeypatch.setattr(judge, "identity", lambda: known_before(Writer.identity(judge))[1])
    old = pipeline.judge_rater(lab, rater, questions, settings)
    monkeypatch.undo()
    judge = Writer()
    judge.asked, judge.limit, judge.rule = True, 64, RULE
    monkeypatch.setattr(pipeline, "make_judge", lambda *given: judge)
    lines = pipeline.missing(lab, rater, questions, settings)
    assert lines[0] == "writer: read 60 stored texts again"
    assert not any("judge" in line for line in lines)
    assert lab.store.value("SELECT count(*) FROM run") == 1
    again = pipeline.judge_rater(lab, rater, questions, settings)
    assert again != old
    before = lab.store.read("SELECT * FROM run_event")
    assert pipeline.judge_rater(lab, rater, questions, settings) == again
    assert pipeline.reparse_rater(lab, rater, questions, settings) == (again, 40)
    assert len(lab.store.read("SELECT * FROM run_event")) == len(before)
    assert "read 60" not in "".join(pipeline.missing(lab, rater, questions, settings))
    found = lab.store.arrow("SELECT triplet_no, choice, invalid_reason FROM response WHERE run_id = ?", [again])
    for number, choice, why in zip(*found.to_pydict().values(), strict=True):
        reason = Writer.TEXTS[number % 6][2]
        assert (choice, why) == (None if reason else "left", reason)
    config = lab.store.value("SELECT config -> 'judge' FROM run WHERE run_id = ?", [again])
    assert json.loads(config)["reading"] == RULE
    assert "max_tokens" not in json.loads(config)


def test_texts_of_another_length_are_asked_for(lab, monkeypatch):
    rater, _ = add_model(lab, "scripted:", "writer")
    questions = draw_triplet_set(lab, "things-128", 60, 0)
    settings = RunSettings(judge=JudgeSettings(answer="sample"))
    judge = Writer()
    judge.limit, judge.rule = 32, RULE
    monkeypatch.setattr(pipeline, "make_judge", lambda *given: judge)
    first = pipeline.judge_rater(lab, rater, questions, settings)
    judge.limit = 64
    assert pipeline.judge_rater(lab, rater, questions, settings) != first


def test_an_unfinished_run_is_not_read_again(lab, judged):
    with lab.store.transaction() as con:
        con.execute("DELETE FROM run_event WHERE status = 'finished'")
    with pytest.raises(BadInput, match="is not finished: `triadic judge` without --reparse goes on with it"):
        reading.reparse(lab, judged)
