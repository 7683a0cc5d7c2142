"""Refits are made once: kept in the lab, extended, and scored against every reference that comes."""

from __future__ import annotations

from dataclasses import replace
from shutil import copytree

import numpy as np
import pytest

from triadic.compute.ordinal.batch import fit_many
from triadic.compute.settings import AlignSettings
from triadic.compute.stages import refitting
from triadic.compute.stages.align import align
from triadic.compute.stages.embed import embed
from triadic.compute.stages.kept_refits import n_kept_missing
from triadic.compute.stages.refitting import Refitter
from triadic.ingest.reference import reference_from_file
from triadic.schema.embeddings import read_embedding
from triadic.schema.lab import Lab
from triadic.tests.compute.stages.wordnet_rater import FEW, FIT, judge_by_wordnet

FIGURES = "SELECT reference_id, name, value FROM metric ORDER BY ALL"
DRAWS = (
    "SELECT run.config ->> 'reference', name, kind, draw, value FROM metric_draw JOIN run USING (run_id) ORDER BY ALL"
)
REFITS = "SELECT kind, draw, position, vector FROM refit ORDER BY kind, draw, position"


@pytest.fixture
def fits(monkeypatch):
    """How many refits were made, one number a call of the solver."""
    made: list[int] = []

    def counted(estimator, triplets, weights, **how):
        made.append(len(weights))
        return fit_many(estimator, triplets, weights, **how)

    monkeypatch.setattr(refitting, "fit_many", counted)
    return made


@pytest.fixture
def noise(tmp_path):
    """A file of 1,854 rows: a second reference."""
    np.save(tmp_path / "noise.npy", np.random.default_rng(0).normal(size=(1854, 4)))
    return tmp_path / "noise.npy"


def refitter_of(lab, embedding, **draws):
    return Refitter(lab, embedding, read_embedding(lab, embedding).shape[1], replace(FEW, **draws), 0)


def test_a_new_reference_makes_no_bootstrap_and_no_coin_flip_again(lab, noise, fits):
    embedding = embed(lab, judge_by_wordnet(lab), FIT)
    align(lab, embedding, settings=FEW)
    assert sum(fits) == 3 + 3 + 2 + 1  # bootstraps, coin flips, people who err, people who never err
    kept = lab.store.arrow(REFITS)
    n_items = lab.store.value("SELECT count(*) FROM concept")
    assert kept.column("kind").to_pylist() == ["bootstrap_answers"] * 3 * n_items + ["coin_flips"] * 3 * n_items
    fits.clear()
    reference_from_file(lab, noise, "things-128", "noise")
    reports = []
    assert len(align(lab, embedding, settings=FEW, progress=lambda *news: reports.append(news))) == 2
    assert sum(fits) == 2 + 1  # people who answer by the new reference
    assert reports[-1] == (3, 3)
    assert lab.store.arrow(REFITS).equals(kept)
    detail = "SELECT (status_detail ->> 'n_refits')::INTEGER FROM run_status WHERE stage = 'align' ORDER BY created_at"
    assert lab.store.read(detail).iloc[:, 0].tolist() == [9, 3]


def test_figures_are_those_of_aligning_with_both_references_at_once(lab, noise, tmp_path):
    one_by_one, at_once = lab, Lab(copytree(lab.path, tmp_path / "at-once"))
    for each in (one_by_one, at_once):
        judge_by_wordnet(each)
    first = embed(one_by_one, one_by_one.store.value("SELECT run_id FROM run"), FIT)
    align(one_by_one, first, settings=FEW)
    reference_from_file(one_by_one, noise, "things-128", "noise")
    align(one_by_one, first, settings=FEW)
    reference_from_file(at_once, noise, "things-128", "noise")
    both = embed(at_once, at_once.store.value("SELECT run_id FROM run"), FIT)
    align(at_once, both, settings=FEW)
    assert first == both
    assert one_by_one.store.value("SELECT count(*) FROM metric_draw WHERE kind = 'coin_flips'") > 6
    for sql in (DRAWS, FIGURES):
        assert one_by_one.store.arrow(sql).equals(at_once.store.arrow(sql))


@pytest.mark.parametrize("answers", ["hard", "graded"])
def test_a_set_with_fewer_draws_is_extended_by_those_that_would_have_been_made_at_once(lab, fits, answers):
    embedding = embed(lab, judge_by_wordnet(lab, invalid=0.1), replace(FIT, answers=answers))
    at_once = refitter_of(lab, embedding, n_bootstraps=5, n_coin_flips=4)
    whole = at_once.bootstraps.embeddings, at_once.coin_flips.embeddings
    stored = lab.store.arrow(REFITS)
    with lab.store.transaction() as con:
        con.execute("DELETE FROM refit WHERE draw >= 2")
    fits.clear()
    extended = refitter_of(lab, embedding, n_bootstraps=5, n_coin_flips=4)
    assert (extended.bootstraps.embeddings == whole[0]).all()
    assert (extended.coin_flips.embeddings == whole[1]).all()
    assert sum(fits) == 3 + 2
    assert lab.store.arrow(REFITS).equals(stored)
    fewer = refitter_of(lab, embedding, n_bootstraps=3, n_coin_flips=1)
    assert (fewer.bootstraps.embeddings == whole[0][:3]).all()
    assert sum(fits) == 3 + 2


def test_the_way_does_not_change_a_figure(lab):
    """What was made now and what was read has four bytes a number."""
    embedding = embed(lab, judge_by_wordnet(lab), FIT)
    made, read = (refitter_of(lab, embedding).bootstraps for _ in range(2))
    assert (made.embeddings == read.embeddings).all()
    assert (made.embeddings == made.embeddings.astype(np.float32)).all()
    assert made.embeddings.dtype == float
    assert (made.weights == read.weights).all()


def test_what_was_made_before_an_interruption_is_kept(lab, monkeypatch):
    embedding = embed(lab, judge_by_wordnet(lab), FIT)
    settings = AlignSettings(("procrustes_r2",), 0, 3, 30, 0, 0, 0)
    calls = []

    def interrupted(*args, **how):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return fit_many(*args, **how)

    with monkeypatch.context() as patch:
        patch.setattr(refitting, "fit_many", interrupted)
        with pytest.raises(KeyboardInterrupt):
            align(lab, embedding, settings=settings)
    status = "SELECT status FROM run_status WHERE stage = 'align'"
    assert lab.store.row(status) == ("interrupted",)
    assert lab.store.value("SELECT count(*) FROM refit WHERE position = 0") == 25
    assert n_kept_missing(lab, embedding, settings) == 5 + 3
    reports = []
    align(lab, embedding, settings=settings, progress=lambda *news: reports.append(news))
    assert lab.store.row(status) == ("finished",)
    assert reports[-1] == (8, 8)
    assert lab.store.read(
        "SELECT kind, count(*) FROM refit WHERE position = 0 GROUP BY 1 ORDER BY 1"
    ).to_numpy().tolist() == [
        ["bootstrap_answers", 30],
        ["coin_flips", 3],
    ]


def test_other_seeds_have_refits_of_their_own(lab):
    embedding = embed(lab, judge_by_wordnet(lab), FIT)
    for seed in (0, 1):
        align(lab, embedding, settings=FEW, seed=seed)
    counts = lab.store.read(
        "SELECT seed, count(*), count(DISTINCT vector) FROM refit WHERE position = 0 GROUP BY 1 ORDER BY 1"
    )
    assert counts.to_numpy().tolist() == [[0, 6, 6], [1, 6, 6]]
