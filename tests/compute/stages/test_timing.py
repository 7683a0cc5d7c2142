"""How long work takes is what it took here before, or what a few questions show; never a guess."""

from __future__ import annotations

import pytest

from triadic.compute.judges.scripted import ScriptedJudge
from triadic.compute.settings import AlignSettings, FitSettings, JudgeSettings, RunSettings
from triadic.compute.stages.align import align
from triadic.compute.stages.embed import embed
from triadic.compute.stages.pipeline import judge_rater
from triadic.compute.stages.plan import draw_triplet_set
from triadic.compute.stages.timing import (
    N_MEASURED,
    Speed,
    align_seconds,
    duration,
    embed_seconds,
    in_words,
    known_speed,
    measured_speed,
)
from triadic.ingest.models import add_model
from triadic.tests.compute.stages.wordnet_rater import FEW, FIT, judge_by_wordnet


def test_a_rate_is_the_raters_own_in_its_last_run_of_that_way_of_answering(lab):
    slow, _ = add_model(lab, "scripted:delay=0.1,batch_size=20", "slow")
    assert known_speed(lab, slow, JudgeSettings()) is None
    judge_rater(lab, slow, draw_triplet_set(lab, "things-128", 100, 0), RunSettings())
    speed = known_speed(lab, slow, JudgeSettings())
    assert 20 < speed.rate < 200
    assert speed.load_seconds >= 0
    assert speed.source == "as in its last run"
    assert known_speed(lab, slow, JudgeSettings(answer="sample")) is None
    assert known_speed(lab, slow, JudgeSettings(framing="odd-one-out")) is None
    assert known_speed(lab, "another", JudgeSettings()) is None


def test_a_few_questions_show_how_fast_a_judge_is(questions):
    class Counting(ScriptedJudge):
        asked = 0

        def answer(self, batch):
            self.asked += len(batch)
            return super().answer(batch)

    judge = Counting(delay=0.3, batch_size=200)
    speed = measured_speed(judge, questions(500))
    assert judge.asked == 1 + N_MEASURED + 200  # the whole batch, which is quick
    assert 300 < speed.rate <= 667
    assert speed.source == "measured on 200 questions"
    slow = Counting(delay=0.3, batch_size=2000)
    assert measured_speed(slow, questions(2500)).source == "measured on 32 questions"
    assert slow.asked == 1 + N_MEASURED
    assert measured_speed(ScriptedJudge(batch_size=10), questions(500)).source == "measured on 10 questions"


def test_speeds_are_told_in_words():
    assert Speed(100.0, None, "as in its last run").describe(6000) == (
        "about 60 s (100 answers a second: as in its last run)"
    )
    assert Speed(0.5, 60.0, "measured on 32 questions").describe(7000) == (
        "about 3.9 h (60 s to load, then 0.5 answers a second: measured on 32 questions)"
    )
    assert [duration(seconds) for seconds in (0.2, 89, 600, 9000)] == ["1 s", "89 s", "10 min", "2.5 h"]
    assert (in_words(None), in_words(5.0)) == ("no timing yet", "about 5 s")


def test_fits_and_alignments_take_what_they_took_in_this_lab(lab):
    assert embed_seconds(lab, FIT, 1200) is None
    assert align_seconds(lab, FEW, FIT, 1200, 9, 1) is None
    embedding = embed(lab, judge_by_wordnet(lab), FIT)
    align(lab, embedding, settings=FEW)
    fit = lab.store.value("SELECT (status_detail ->> 'seconds')::DOUBLE FROM run_status WHERE stage = 'embed'")
    assert embed_seconds(lab, FIT, 1200) == pytest.approx(fit)
    assert embed_seconds(lab, FitSettings(n_dims=5, n_restarts=3), 2400) == pytest.approx(6 * fit)
    assert embed_seconds(lab, FitSettings(n_dims=6), 1200) is None
    assert embed_seconds(lab, FitSettings(n_dims=5, device="cuda"), 1200) is None
    refits, total = lab.store.row(
        "SELECT (status_detail ->> 'refit_seconds')::DOUBLE, (status_detail ->> 'seconds')::DOUBLE FROM run_status "
        "WHERE stage = 'align'"
    )
    assert 0 < refits < total
    n_answers = lab.store.value("SELECT n_train FROM embedding WHERE run_id = ?", [embedding])
    assert align_seconds(lab, FEW, FIT, n_answers, 9, 1) == pytest.approx(total)
    assert align_seconds(lab, FEW, FIT, n_answers, 0, 2) == pytest.approx(2 * (total - refits))
    assert align_seconds(lab, AlignSettings(device="cuda"), FIT, n_answers, 9, 1) is None
