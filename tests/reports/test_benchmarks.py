"""`report benchmarks`: one source per correlation, and the same numbers as SQL."""

import pytest

from triadic.reports import benchmarks
from triadic.reports.benchmarks import one_source
from triadic.reports.statistics.dependent import steiger, williams
from triadic.schema.errors import NotFound


@pytest.fixture(scope="module")
def report(suite):
    return benchmarks.report(suite, n_resamples=200)


def test_sql_alone_gives_the_same_correlations(suite, report):
    table = report.frame("correlations").set_index("benchmark")
    found = suite.read(
        "SELECT benchmark, count(*) AS n, corr(alignment, score) AS r FROM benchmark_frame "
        "WHERE origin = 'published' AND is_comparable GROUP BY benchmark"
    )
    assert len(found) == len(table)
    for benchmark, n, r in found.itertuples(index=False):
        assert (table.n[benchmark], table.r[benchmark]) == (n, pytest.approx(r, abs=1e-12))


def test_one_correlation_one_source_one_scale(suite):
    frame = suite.read("SELECT * FROM benchmark_frame WHERE origin = 'published'")
    used = one_source(frame)
    sources = used.groupby("benchmark")[["harness", "scale"]].nunique()
    assert (sources == 1).all().all()
    assert used.is_primary.all()
    assert not used.duplicated(["rater_id", "benchmark"]).any()


def test_pooled_mmlu_is_kept_apart_and_called_not_comparable(report):
    mixed = next(table for table in report.tables if table.name == "mixed_sources")
    assert "NOT COMPARABLE" in mixed.caption
    assert mixed.frame.benchmark.tolist() == ["MMLU"]
    assert mixed.frame.harnesses[0] > 20
    mmlu = report.frame("correlations").set_index("benchmark").loc["MMLU"]
    assert mmlu.n < 10
    assert mmlu.harness == "lm-eval 5-shot"


def test_what_is_left_out_is_listed(suite, report):
    (total,) = suite.row("SELECT count(*) FROM benchmark_frame WHERE origin = 'published'")
    assert report.frame("left_out").n.sum() + report.frame("correlations").n.sum() == total


def test_comparisons_use_the_three_correlations_of_the_same_models(suite, report):
    row = report.frame("comparisons").query("first == 'alignment~BBH' and second == 'BBH~IFEval'").iloc[0]
    a, b, c, n = suite.row(
        """SELECT corr(bbh.alignment, bbh.score), corr(bbh.score, ifeval.score), corr(bbh.alignment, ifeval.score), count(*)
        FROM benchmark_frame AS bbh JOIN benchmark_frame AS ifeval USING (rater_id, origin)
        WHERE origin = 'published' AND bbh.benchmark = 'BBH' AND ifeval.benchmark = 'IFEval'
            AND bbh.is_comparable AND ifeval.is_comparable"""
    )
    assert row.n == n
    assert row.williams_t == pytest.approx(williams(a, b, c, n).statistic)
    assert row.steiger_z == pytest.approx(steiger(a, b, c, n).statistic)


def test_base_and_tuned_models_are_told_apart(report):
    table = report.frame("correlations").set_index("benchmark")
    assert (table.base_n + table.tuned_n == table.n).all()


def test_another_harness_by_name(suite):
    report = benchmarks.report(suite, harness="OLMo-2-1124 model card table", n_resamples=0)
    assert set(report.frame("correlations").harness) == {"OLMo-2-1124 model card table"}
    with pytest.raises(NotFound, match="lm-eval 5-shot"):
        benchmarks.report(suite, harness="a friend")


def test_every_metric_is_correlated_unless_one_is_named(measured):
    table = benchmarks.report(measured, origin="measured", n_resamples=0).frame("correlations")
    assert set(table.metric_name) == {"procrustes_r2", "cka_debiased"}
