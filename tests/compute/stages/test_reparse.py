"""Texts are kept, so a better reading needs no new asking; and nothing that was stored is changed by it."""

import pytest

from triadic.compute.judges.scripted import ScriptedJudge
from triadic.compute.settings import JudgeSettings, RunSettings
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
    monkeypatch.setattr(reading, "parse", lambda text, options, finished: (0, None))
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
    monkeypatch.setattr(reading, "parse", lambda text, options, finished: (0, None))
    again, changed = pipeline.reparse_rater(lab, rater, questions, settings)
    assert changed > 0
    rules = dict(lab.store.read("SELECT run_id, config -> 'judge' ->> 'reading' FROM run").itertuples(index=False))
    assert rules == {old: "an older rule", again: "a newer rule"}
    assert lab.store.row("SELECT config ->> 'texts_of' FROM run WHERE run_id = ?", [again]) == (old,)
