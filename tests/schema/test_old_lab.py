"""A lab that version 0.1.0 wrote: it opens, every row it had is there as it was, every view reads it, and it goes on."""

import hashlib
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from triadic.compute.settings import AlignSettings, FitSettings, JudgeSettings, RunSettings
from triadic.compute.stages.pipeline import judge_rater, missing, run_rater
from triadic.ingest.models import simulate_model
from triadic.ingest.reference import reference_from_file, wordnet_reference
from triadic.reports.output import render
from triadic.reports.registry import REPORTS
from triadic.schema.lab import Lab
from triadic.schema.views import views

DATA = Path(__file__).parent / "data"
WRITTEN = json.loads((DATA / "lab_0.1.0.json").read_text())
BEFORE = {  # rows of the tables that migrations write to, as they were before
    "concept": "SELECT * REPLACE (if(things_unique_id = 'mouse1', 'mouse2', things_unique_id) AS things_unique_id) FROM concept",
    "embedding": "SELECT * REPLACE (nullif(regexp_replace(notes, '(^|; )(its mouse|if its rows) .*', ''), '') AS notes) "
    "FROM embedding",
    "schema_version": "SELECT * FROM schema_version WHERE version = 1",
}
APART = {"schema_views"}  # which edition of the views a lab has


def unpacked(folder: Path) -> Lab:
    with tarfile.open(DATA / "lab_0.1.0.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return Lab.open(folder / "lab")


@pytest.fixture(scope="module")
def old_lab(tmp_path_factory):
    """For reading only."""
    return unpacked(tmp_path_factory.mktemp("old"))


@pytest.fixture
def changed_lab(tmp_path):
    """For writing to."""
    return unpacked(tmp_path)


@pytest.mark.parametrize("table", sorted(WRITTEN.keys() - APART))
def test_every_row_is_there_as_it_was(old_lab, table):
    with old_lab.store.connect() as con:
        con.execute("SET TimeZone = 'Etc/UTC'")
        rows = con.execute(f"{BEFORE.get(table, f'FROM {table}')} ORDER BY ALL").fetchall()
    assert len(rows) == WRITTEN[table]["rows"]
    assert hashlib.sha256(repr(rows).encode()).hexdigest() == WRITTEN[table]["sha256"]


@pytest.mark.parametrize("view", [view.name for view in views()])
def test_every_view_reads_it(old_lab, view):
    rows = old_lab.store.arrow(f"FROM {view}")
    assert len(rows) > 0


def test_what_the_views_count_is_what_the_tables_hold(old_lab):
    count = {
        name: old_lab.store.value(f"SELECT count(*) FROM {name}") for name in ("answered", "judgment", "alignment")
    }
    assert count == {"answered": 1700, "judgment": 1700, "alignment": 192}
    fits, newest, graded = old_lab.store.row(
        "SELECT count(*), count(*) FILTER (is_shown), count(DISTINCT method) FILTER (answers = 'graded') FROM fit"
    )
    assert (fits, newest, graded) == (8, 8, 2)
    scores = old_lab.store.read("SELECT * FROM alignment_score WHERE origin = 'measured'")
    marked = old_lab.store.read("SELECT * FROM alignment WHERE is_shown")
    assert sorted(scores.alignment) == sorted(marked.value)


def test_its_mouse_is_mended_and_its_references_say_so(changed_lab, tmp_path):
    store = changed_lab.store
    assert store.value("SELECT things_unique_id FROM concept WHERE word = 'mouse'") == "mouse1"
    noted = dict(store.read("SELECT name || ' ' || role, notes FROM embedding WHERE notes IS NOT NULL").values)
    assert set(noted) == {"wordnet reference", "synthetic raw", "synthetic reference"}
    assert noted["wordnet reference"].startswith("a taxonomy, not human judgments; its mouse is the computer mouse")
    assert all("figures against this one keep their values" in text for text in noted.values())
    figures = "SELECT * FROM metric ORDER BY ALL"
    before = store.read(figures)
    old = set(store.read("SELECT embedding_id FROM embedding").embedding_id)
    np.save(tmp_path / "synthetic.npy", np.round(np.random.default_rng(0).normal(size=(1854, 6)), 3))
    remade = {
        wordnet_reference(changed_lab, "things-128"),
        reference_from_file(changed_lab, tmp_path / "synthetic.npy", "things-128", "synthetic"),
    }
    assert not remade & old  # other vectors have another id, and stand beside the old ones
    assert store.read(figures).equals(before)


def test_a_set_of_another_digest_keeps_its_ids(changed_lab):
    """Only the shipped words are mended: the migration asks for their digest, the old id and the category."""
    sql = (Path(__file__).parents[2] / "schema" / "migrations" / "0002_mouse.sql").read_text()
    with changed_lab.store.transaction() as con:
        con.execute("INSERT INTO concept_set VALUES ('mine', 'another', 3, 'a file', now())")
        con.execute("INSERT INTO concept VALUES ('mine', 0, 'mouse', 'animal', 'mouse2')")
        con.execute(sql)
    assert changed_lab.store.value("SELECT things_unique_id FROM concept WHERE concept_set_id = 'mine'") == "mouse2"


FEW = AlignSettings(
    n_permutations=20, n_coin_flips=20, n_bootstraps=3, n_concept_bootstraps=20, n_ceiling=2, n_split_halves=2
)
RUNS = "SELECT count(*) FROM run"


def test_what_it_finished_stays_finished(changed_lab):
    """Judged, fitted and aligned by 0.1.0 with the same settings: the same runs, and nothing is asked again."""
    asked = changed_lab.store.value("SELECT triplet_set_id FROM triplet_set WHERE n_triplets = 200")
    how = JudgeSettings(answer="sample", orders="both", repeats=2)
    settings = RunSettings(judge=how, fit=FitSettings("ste", 3), align=FEW)
    assert missing(changed_lab, "scripted", asked, settings) == []
    before = changed_lab.store.value(RUNS)
    run_rater(changed_lab, "scripted", asked, settings)
    assert changed_lab.store.value(RUNS) == before


GEMMA, MINILM = "gemma-3-270m", "all-MiniLM-L6-v2"


@pytest.mark.parametrize(
    ("rater", "n", "judge", "fit"),
    [
        (GEMMA, 200, JudgeSettings(dtype="bfloat16"), FitSettings(n_dims=5)),
        (GEMMA, 200, JudgeSettings(dtype="bfloat16"), FitSettings(n_dims=5, answers="graded", temperature=3.0)),
        (MINILM, 200, JudgeSettings(), FitSettings(n_dims=5)),
        (MINILM, 200, JudgeSettings(framing="odd-one-out"), FitSettings("spose", 4)),
    ],
)
def test_nothing_is_asked_again_of_real_models(old_lab, rater, n, judge, fit):
    """Their runs are known by the identity that 0.1.0 gave them, without loading weights."""
    asked = old_lab.store.value("SELECT triplet_set_id FROM triplet_set WHERE n_triplets = ?", [n])
    assert missing(old_lab, rater, asked, RunSettings(judge=judge, fit=fit, align=FEW)) == []
    assert missing(old_lab, rater, asked, RunSettings(judge=judge, fit=FitSettings(n_dims=6), align=FEW)) != []


def test_texts_are_read_by_todays_rule_and_not_asked_for_again(changed_lab):
    """0.1.0 took a question said again for an answer. What was fitted to that is fitted anew, once."""
    store = changed_lab.store
    asked = store.value("SELECT triplet_set_id FROM triplet_set WHERE n_triplets = 40")
    judge, fit = JudgeSettings(answer="sample", dtype="bfloat16"), FitSettings(n_dims=2)
    settings = RunSettings(judge=judge, fit=fit, align=FEW)
    lines = missing(changed_lab, GEMMA, asked, settings)
    assert lines[0] == f"{GEMMA}: read 40 stored texts again"
    assert not any(": judge" in line for line in lines)
    old = store.value("SELECT run_id FROM judge_run WHERE rater_id = $1 AND answer = 'sample'", [GEMMA])
    again = judge_rater(changed_lab, GEMMA, asked, settings)
    assert judge_rater(changed_lab, GEMMA, asked, settings) == again != old
    assert store.value("SELECT texts_of FROM judge_run WHERE run_id = ?", [again]) == old
    counts = "SELECT count(choice), count(*) FILTER (invalid_reason = 'restated') FROM response WHERE run_id = ?"
    assert store.row(counts, [old]) == (17, 0)
    assert store.row(counts, [again]) == (9, 25)
    run_rater(changed_lab, GEMMA, asked, settings)
    shown = "SELECT DISTINCT fit.judge_run_id FROM fit JOIN alignment USING (embedding_id) WHERE {}.is_shown AND fit.answer = 'sample' AND alignment.rater_id = 'gemma-3-270m'"
    assert store.row(shown.format("fit")) == store.row(shown.format("alignment")) == (again,)
    for view in ("answer_quality", "concept_quality", "judgment"):  # the older reading is told of nowhere
        assert set(store.read(f"SELECT run_id FROM {view}").run_id) >= {again}
        assert store.value(f"SELECT count(*) FROM {view} WHERE run_id = ?", [old]) == 0
    named = "SELECT count(*) FROM response WHERE run_id = ? AND choice IS NOT NULL AND raw_text ILIKE '%question:%similar to%'"
    assert store.value(named, [again]) == 0 < store.value(named, [old])


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_reads_it(old_lab, name):
    named = {"compare": {"first": GEMMA, "second": MINILM}, "concepts": {"model": GEMMA}}
    report = REPORTS[name](old_lab.store, **named.get(name, {}))
    assert all(len(table.frame) for table in report.tables if table.name != "concepts")
    assert all(report.tables[0].caption in str(render(report, form)) for form in ("table", "markdown"))


def test_what_was_killed_goes_on_under_its_own_id(changed_lab):
    store = changed_lab.store
    asked = store.value("SELECT triplet_set_id FROM triplet_set WHERE n_triplets = 200")
    begun = store.value("SELECT run_id FROM judge_run WHERE rater_id = 'slow'")
    answers = "SELECT * EXCLUDE (prompt_hash) FROM response WHERE run_id = ? ORDER BY triplet_no"
    before = store.read(answers, [begun])
    assert 0 < len(before) < 200
    status = "SELECT status FROM run_status WHERE run_id = ?"
    assert store.value(status, [begun]) == "started"
    assert judge_rater(changed_lab, "slow", asked, RunSettings()) == begun
    assert store.value(status, [begun]) == "finished"
    after = store.read(answers, [begun])
    assert len(after) == 200
    assert before.equals(after[after.triplet_no.isin(before.triplet_no)].reset_index(drop=True))


def test_it_takes_what_is_new(changed_lab):
    rater = simulate_model(changed_lab, "wordnet", temperature=0.1, first_bias=0.0, seed=0)
    asked = changed_lab.store.value("SELECT triplet_set_id FROM triplet_set WHERE n_triplets = 200")
    draws = AlignSettings(None, 20, 0, 0, 20, 0, 0)
    runs = run_rater(changed_lab, rater, asked, RunSettings(fit=FitSettings(n_dims=3), align=draws))
    assert len(runs) == 2  # against wordnet and synthetic
    found = changed_lab.store.read(
        "SELECT DISTINCT reference FROM alignment WHERE rater_name = ? AND is_shown", [rater]
    )
    assert set(found.reference) == {"wordnet", "synthetic"}
