"""`report stages`: the lines of Table 4 and Table 1, and pairs tested as pairs."""

import pytest
import scipy.stats as st

from triadic.reports import stages


@pytest.fixture(scope="module")
def report(suite):
    return stages.report(suite)


def test_the_llama_line_as_it_is_and_as_it_is_printed(report):
    table = report.frame("stages").set_index(["listing", "lineage"])
    printed, stored = table.loc[("table1", "Llama 3.1 8B")], table.loc[("table4", "llama-3.1-tulu-3-8b")]
    assert printed[["base", "sft", "dpo", "rlvr"]].tolist() == [0.358, 0.301, 0.352, 0.424]
    assert stored[["sft", "dpo", "rlvr"]].tolist() == [0.301, 0.352, 0.358]
    assert stored.isna()["base"]


def test_averages_are_those_of_the_cells_with_n(report):
    averages = report.frame("averages")
    printed = averages[averages.listing == "table1"].set_index("stage")
    assert printed["mean"].round(3).tolist() == pytest.approx(printed.printed.tolist(), abs=6e-4)
    assert printed.n.to_dict() == {"base_stage1": 1, "base": 4, "sft": 4, "dpo": 4, "rlvr": 3}


def test_pairs_are_tested_as_pairs(suite, report):
    pairs, test = report.frame("pairs"), report.frame("pair_test").iloc[0]
    theirs = st.ttest_rel(pairs.tuned_alignment, pairs.base_alignment)
    assert (test.t, test.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    n, mean = suite.row("SELECT count(*), avg(difference) FROM model_pair WHERE origin = 'published'")
    assert (test.n, test.mean_change) == (n, pytest.approx(mean))
    assert pairs.same_shape.all()
    assert not pairs.duplicated("base_rater").any()


def test_steps_compare_the_same_lines(report):
    steps = report.frame("steps").set_index(["listing", "step"])
    assert steps.loc[("table4", "base → sft"), "n"] == 5
    assert steps.loc[("table4", "dpo → rlvr"), "mean_change"] == pytest.approx(
        ((0.358 - 0.352) + (0.414 - 0.406) + (0.241 - 0.357)) / 3
    )


def test_without_pairs_the_report_says_so(measured):
    with measured.transaction() as con:
        con.execute("DELETE FROM metric WHERE embedding_id <> 'fit-Falcon3-10B-Base'")
    report = stages.report(measured, origin="measured")
    assert any("no pairs" in note for note in report.notes)
    assert report.tables == []
    assert report.figures == {}


def test_two_ways_of_answering_are_never_averaged(suite, tmp_path):
    import shutil

    from triadic.schema.store import Store
    from triadic.schema.tables import ConceptSet, Embedding, Metric, Rater, Run

    shutil.copy(suite.path, tmp_path / "lab.duckdb")
    store = Store(tmp_path / "lab.duckdb")
    names = ["OLMo-2-1124-7B", "OLMo-2-1124-7B-SFT"]
    shared = {"concept_set_id": "set", "n_dims": 30, "algorithm": "CKL", "rater_id": "people"}
    run = {"config_hash": "h", "versions": {}}
    with store.transaction():
        store.insert(ConceptSet, [ConceptSet(concept_set_id="set", digest="d", n_concepts=3, source="test")])
        store.insert(Rater, [Rater(rater_id="people", kind="human")])
        store.insert(Embedding, [{**shared, "embedding_id": "people", "role": "reference", "name": "vice"}])
        for number, (name, way) in enumerate((name, way) for name in names for way in ("score", "sample")):
            judge, embed, fit = (f"{kind}-{name}-{way}" for kind in ("judge", "embed", "fit"))
            config = {"framing": "anchored", "answer": way}
            store.insert(Run, [{**run, "run_id": judge, "stage": "judge", "rater_id": name, "config": config}])
            store.insert(Run, [{**run, "run_id": embed, "stage": "embed", "config": {}, "parent_run_id": judge}])
            store.insert(
                Embedding,
                [{**shared, "embedding_id": fit, "rater_id": name, "role": "fitted", "name": "CKL", "run_id": embed}],
            )
            store.insert(
                Metric,
                [
                    {
                        "run_id": f"align-{fit}",
                        "name": "procrustes_r2",
                        "embedding_id": fit,
                        "reference_id": "people",
                        "value": 0.1 * number,
                    }
                ],
            )
    table = stages.report(store, origin="measured").frame("stages").set_index("method")
    assert table.base.to_dict() == pytest.approx(
        {"CKL, 30D, anchored, sample, set": 0.1, "CKL, 30D, anchored, score, set": 0.0}
    )
    assert table.sft.to_dict() == pytest.approx(
        {"CKL, 30D, anchored, sample, set": 0.3, "CKL, 30D, anchored, score, set": 0.2}
    )


def test_pairs_of_one_family_are_no_independent_evidence(suite):
    tested = stages.report(suite).frame("pair_test").iloc[0]
    assert (tested.n, tested.n_families) == (18, 6)
    assert tested.sign_flip_p < 0.001
    assert tested.family_p == pytest.approx(3 / 32)  # exact: 64 patterns of signs
    assert tested.verdict == "no"
    steps = stages.report(suite).frame("steps")
    assert set(steps.verdict.dropna()) <= {"too few families", ""}
