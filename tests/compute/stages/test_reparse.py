"""Texts are kept, so a better reading needs no new asking; and nothing that was stored is changed by it."""

import pytest

from triadic.compute.judges.scripted import ScriptedJudge
from triadic.compute.stages import reparse as reading
from triadic.compute.stages.judge import ask, judge_run
from triadic.compute.stages.plan import draw_triplet_set
from triadic.ingest.models import add_model
from triadic.schema.errors import BadInput, NotFound


@pytest.fixture
def judged(lab):
    rater, _ = add_model(lab, "scripted:", "rule")
    judge = ScriptedJudge(invalid_rate=0.1)
    work = judge_run(lab, rater, judge, draw_triplet_set(lab, "things-128", 300, 0), orders="both", answer="sample")
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
