"""The frame views: rows in, rows out."""

from datetime import UTC, datetime, timedelta

import pytest

from triadic.schema.lab import Lab
from triadic.schema.tables import (
    BenchmarkScore,
    ConceptSet,
    Embedding,
    Metric,
    Model,
    PublishedAlignment,
    PublishedStage,
    Rater,
    Run,
)

FRAMES = ("alignment_score", "ingredient_frame", "benchmark_frame", "post_training_frame", "model_pair")
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def lab(tmp_path):
    return Lab.create(tmp_path / "lab")


def add_model(lab, name, published=None, **ingredients):
    with lab.store.transaction():
        lab.store.insert(Rater, [Rater(rater_id=name, kind="llm")])
        lab.store.insert(Model, [{"model_id": name, "rater_id": name, "evidence": "suite", **ingredients}])
        if published is not None:
            figure = {"rater_id": name, "metric": "procrustes_r2", "source": "paper, Table 4", "value": published}
            lab.store.insert(PublishedAlignment, [figure])


def add_measured(lab, name, value, number=0, reference="vice", answer="score", metric="procrustes_r2"):
    """One judge run, its fit and one figure against a reference; `number` orders them in time."""
    with lab.store.transaction():
        _measure(lab.store.insert, name, value, number, reference, answer, metric)


def _measure(insert, name, value, number, reference, answer, metric):
    insert(ConceptSet, [ConceptSet(concept_set_id="set", digest="d", n_concepts=3, source="test")])
    insert(Rater, [Rater(rater_id=name, kind="llm"), Rater(rater_id="people", kind="human")])
    ids = {stage: f"{stage}-{name}-{number}-{answer}" for stage in ("judge", "embed", "align", "fit")}
    run = {"rater_id": name, "config_hash": "h", "versions": {}}
    insert(
        Run, [{**run, "run_id": ids["judge"], "stage": "judge", "config": {"framing": "anchored", "answer": answer}}]
    )
    insert(Run, [{**run, "run_id": ids["embed"], "stage": "embed", "parent_run_id": ids["judge"], "config": {}}])
    embedding = {"concept_set_id": "set", "n_dims": 30, "algorithm": "CKL", "created_at": START}
    insert(
        Embedding,
        [
            {
                **embedding,
                "embedding_id": f"ref-{reference}",
                "rater_id": "people",
                "role": "reference",
                "name": reference,
            }
        ],
    )
    insert(
        Embedding,
        [
            {
                **embedding,
                "embedding_id": ids["fit"],
                "rater_id": name,
                "role": "fitted",
                "name": "CKL",
                "run_id": ids["embed"],
                "created_at": START + timedelta(hours=number),
            }
        ],
    )
    insert(
        Metric,
        [
            {
                "run_id": f"{ids['align']}-{reference}",
                "name": metric,
                "embedding_id": ids["fit"],
                "reference_id": f"ref-{reference}",
                "value": value,
            }
        ],
    )


def rows(lab, sql):
    return [tuple(row) for row in lab.store.read(sql).astype(object).itertuples(index=False)]


def test_no_rows_in_no_rows_out(lab):
    assert all(len(lab.store.read(f"SELECT * FROM {view}")) == 0 for view in FRAMES)


def test_alignment_score_has_both_origins_and_the_newest_fit(lab):
    add_model(lab, "m", published=0.3)
    add_measured(lab, "m", 0.10, number=0)
    add_measured(lab, "m", 0.20, number=1)
    add_measured(lab, "m", 0.05, number=2, answer="sample")
    found = rows(lab, "SELECT origin, reference, method, alignment, n_fits FROM alignment_score ORDER BY ALL")
    assert found == [
        ("measured", "vice", "CKL, 30D, anchored, sample, set", 0.05, 1),
        ("measured", "vice", "CKL, 30D, anchored, score, set", 0.20, 2),
        ("published", "paper, Table 4", "as published", 0.30, 1),
    ]


def test_fits_are_counted_not_alignments(lab):
    add_model(lab, "m")
    add_measured(lab, "m", 0.10, number=0)
    add_measured(lab, "m", 0.20, number=1)
    again = {"run_id": "again", "name": "procrustes_r2", "embedding_id": "fit-m-1-score", "reference_id": "ref-vice"}
    lab.store.insert(Metric, [{**again, "value": 0.25}])
    assert rows(lab, "SELECT n_fits FROM alignment_score") == [(2,)]


def test_published_figures_are_at_chance_by_the_simulated_flippers(lab):
    """1,000 coin flippers through the paper's recipe: mean 0.119, 95th percentile 0.132."""
    for name, value in {"below": 0.131, "on": 0.132, "above": 0.133}.items():
        add_model(lab, name, published=value)
    other = {"rater_id": "above", "metric": "another", "source": "elsewhere", "value": 0.01}
    lab.store.insert(PublishedAlignment, [other])
    found = rows(
        lab, "SELECT alignment, chance, chance_p95, at_chance FROM alignment_score ORDER BY metric_name DESC, 1"
    )
    assert found[:3] == [(0.131, 0.119, 0.132, True), (0.132, 0.119, 0.132, True), (0.133, 0.119, 0.132, False)]
    assert found[3][3] is None  # nothing is known of this metric


def test_ingredient_frame_joins_what_is_believed_of_a_model(lab):
    add_model(lab, "m", published=0.3, n_heads=8, head_dim=64, instruction_tuned=True, family="F")
    lab.store.insert(Model, [{"model_id": "m2", "rater_id": "m", "evidence": "user", "head_dim": 128}])
    add_model(lab, "unjudged", n_heads=4)
    add_measured(lab, "m", 0.2, reference="wordnet")
    found = rows(
        lab,
        "SELECT rater_id, origin, reference, alignment, n_heads, head_dim, attention_dim, instruction_tuned "
        "FROM ingredient_frame ORDER BY origin",
    )
    assert found == [
        ("m", "measured", "wordnet", 0.2, 8, 128, 1024, True),
        ("m", "published", "paper, Table 4", 0.3, 8, 128, 1024, True),
    ]


def test_a_state_space_model_has_no_attention_dimension(lab):
    add_model(lab, "mamba", published=0.1, hidden_size=2048)
    assert rows(lab, "SELECT attention_dim IS NULL, hidden_size FROM ingredient_frame") == [(True, 2048)]


def test_benchmark_frame_marks_one_harness_per_benchmark_as_comparable(lab):
    for number in range(3):
        add_model(lab, f"m{number}", published=0.1 * number, n_params=1.0 + number)
    score = {"scale": "percent", "is_primary": True, "benchmark": "MMLU"}
    lab.store.insert(
        BenchmarkScore,
        [
            {**score, "rater_id": "m0", "source": "lm-eval 5-shot, via somewhere", "score": 60},
            {**score, "rater_id": "m1", "source": "lm-eval 5-shot, via elsewhere / card", "score": 70},
            {**score, "rater_id": "m1", "source": "lm-eval 5-shot (again)", "score": 71, "is_primary": False},
            {**score, "rater_id": "m2", "source": "a model card", "score": 80},
            {**score, "rater_id": "m2", "source": "lm-eval 5-shot", "score": 0.8, "scale": "raw_0-1"},
        ],
    )
    found = rows(lab, "SELECT rater_id, harness, scale, score, is_comparable FROM benchmark_frame ORDER BY ALL")
    assert found == [
        ("m0", "lm-eval 5-shot", "percent", 60, True),
        ("m1", "lm-eval 5-shot", "percent", 70, True),
        ("m1", "lm-eval 5-shot", "percent", 71, False),
        ("m2", "a model card", "percent", 80, False),
        ("m2", "lm-eval 5-shot", "raw_0-1", 0.8, False),
    ]


def test_dtype_does_not_split_a_harness(lab):
    for number, dtype in enumerate(("bfloat16", "float16")):
        add_model(lab, f"m{number}", published=0.1)
        lab.store.insert(
            BenchmarkScore,
            [
                {
                    "rater_id": f"m{number}",
                    "benchmark": "BBH",
                    "scale": "raw_0-1",
                    "score": 0.5,
                    "is_primary": True,
                    "source": f"Open LLM Leaderboard v2 ({dtype}), via somewhere",
                }
            ],
        )
    assert rows(lab, "SELECT DISTINCT harness, is_comparable FROM benchmark_frame") == [
        ("Open LLM Leaderboard v2", True)
    ]


LINES = [
    ("org/Big-2-7B", "base", False, 0.2),
    ("Big-2-7B-SFT", "sft", True, 0.3),
    ("Big-2-7B-DPO", "dpo", True, 0.4),
    ("big-2-7b-instruct", "rlvr", True, 0.5),
    ("Small_1B-Stage1", "base-stage1", False, 0.1),
    ("small_1b-pt", "base", False, 0.15),
    ("Small_1B-SFT-DPO", "dpo", True, 0.12),
    ("other-3b-it", "it", True, 0.3),
]


@pytest.fixture
def lines(lab):
    shape = {"hidden_size": 4096, "n_layers": 32}
    with lab.store.transaction():
        for name, stage, tuned, value in LINES:
            add_model(lab, name, published=value, post_training_stage=stage, instruction_tuned=tuned, **shape)
    return lab


def test_post_training_frame_finds_lines_by_name(lines):
    found = rows(
        lines, "SELECT lineage, stage, stage_no, alignment FROM post_training_frame ORDER BY lineage, stage_no"
    )
    assert found == [
        ("big-2-7b", "base", 2, 0.2),
        ("big-2-7b", "sft", 3, 0.3),
        ("big-2-7b", "dpo", 4, 0.4),
        ("big-2-7b", "rlvr", 5, 0.5),
        ("other-3b", "it", 6, 0.3),
        ("small_1b", "base_stage1", 1, 0.1),
        ("small_1b", "base", 2, 0.15),
        ("small_1b", "dpo", 4, 0.12),
    ]


def test_table_1_stands_beside_as_printed_with_the_models_of_the_same_figure(lines):
    cells = [("Line", "Base Stage 1", 0.1), ("Line", "Base", 0.3), ("Average", "Base", 0.3)]
    lines.store.insert(PublishedStage, [dict(zip(("lineage", "stage", "r2"), cell, strict=True)) for cell in cells])
    found = rows(
        lines,
        "SELECT lineage, stage, stage_no, alignment, rater_name FROM post_training_frame "
        "WHERE listing = 'table1' ORDER BY stage_no",
    )
    assert found == [
        ("Line", "base_stage1", 1, 0.1, "Small_1B-Stage1"),
        ("Line", "base", 2, 0.3, "Big-2-7B-SFT, other-3b-it"),
    ]


def test_model_pair_is_the_base_model_and_the_furthest_tuned_one(lines):
    found = rows(
        lines,
        "SELECT base_rater, tuned_rater, tuned_stage, round(difference, 6), same_shape FROM model_pair "
        "ORDER BY lineage",
    )
    assert found == [
        ("org/Big-2-7B", "big-2-7b-instruct", "rlvr", 0.3, True),
        ("small_1b-pt", "Small_1B-SFT-DPO", "dpo", -0.03, True),
    ]


def test_pairs_never_mix_origins_or_references(lab):
    add_model(lab, "x-1b", published=0.1, post_training_stage="base", instruction_tuned=False)
    add_model(lab, "x-1b-it", post_training_stage="it", instruction_tuned=True)
    add_measured(lab, "x-1b-it", 0.4)
    add_measured(lab, "x-1b", 0.2, reference="wordnet")
    assert rows(lab, "SELECT * FROM model_pair") == []
    add_measured(lab, "x-1b", 0.25)
    assert rows(lab, "SELECT origin, reference, round(difference, 6) FROM model_pair") == [("measured", "vice", 0.15)]


def test_a_stage_in_the_middle_of_a_name_and_one_that_is_only_implied(lab):
    add_model(lab, "org/Wind-7B-v0.3", published=0.1, instruction_tuned=False)
    add_model(lab, "org/Wind-7B-Instruct-v0.3", published=0.3, instruction_tuned=True)
    add_model(lab, "org/Wind-7B-Italian", published=0.2, instruction_tuned=False)
    add_model(lab, "nothing-known", published=0.2)
    found = rows(lab, "SELECT lineage, stage, alignment FROM post_training_frame ORDER BY ALL")
    assert found == [
        ("wind-7b-italian", "base", 0.2),
        ("wind-7b-v0.3", "base", 0.1),
        ("wind-7b-v0.3", "it", 0.3),
    ]
    assert rows(lab, "SELECT lineage, round(difference, 6) FROM model_pair") == [("wind-7b-v0.3", 0.2)]
