"""The shipped figures arrive whole, with their sources, once."""

import pytest

from triadic.ingest.published import ingest_benchmarks, ingest_published, ingest_suite


def test_the_suite_has_every_model_with_its_provenance(empty_lab):
    assert ingest_suite(empty_lab) == 76
    assert ingest_suite(empty_lab) == 0
    row = empty_lab.store.read("SELECT * FROM model_current WHERE rater_id = 'qwen25-14b-instruct'").iloc[0]
    assert (row.n_params, row.n_layers, row.n_heads, row.n_kv_heads, row.hidden_size) == (14.77, 48, 40, 8, 5120)
    assert row.instruction_tuned
    assert row.prompt_style == "chat"
    provenance = empty_lab.store.row(
        "SELECT provenance ->> 'n_params' FROM model WHERE rater_id = 'qwen25-14b-instruct'"
    )[0]
    assert provenance.startswith("suite: config.json")


def test_t5_models_are_asked_in_plain_text(empty_lab):
    ingest_suite(empty_lab)
    styles = empty_lab.store.read("SELECT DISTINCT prompt_style FROM model WHERE family = 'T5'").prompt_style
    assert styles.tolist() == ["base"]


def test_scores_keep_scale_source_and_standing(empty_lab):
    assert ingest_benchmarks(empty_lab) == 398
    assert ingest_benchmarks(empty_lab) == 0
    counts = dict(
        empty_lab.store.read(
            "SELECT benchmark, count(*) AS n FROM benchmark_score WHERE is_primary GROUP BY 1"
        ).itertuples(index=False)
    )
    assert counts == {"BBH": 40, "GPQA": 40, "IFEval": 40, "MATH": 40, "MMLU": 63, "MMLU-PRO": 40, "MUSR": 40}


def test_table_4_is_ranked_by_its_own_figures(empty_lab):
    ingest_published(empty_lab)
    table = empty_lab.store.read("SELECT * FROM published_alignment ORDER BY rank")
    assert table["rank"].tolist() == list(range(1, 76))
    assert table.value.is_monotonic_decreasing
    assert (table.value <= 0.147).sum() == 21  # the figure the design warns with


@pytest.mark.parametrize(
    ("table", "n"), [("published_statistic", 32), ("published_stage", 21), ("published_ingredient", 55)]
)
def test_printed_tables_are_whole(empty_lab, table, n):
    ingest_published(empty_lab)
    assert empty_lab.store.row(f"SELECT count(*) FROM {table}") == (n,)
