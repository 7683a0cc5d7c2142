"""What is known before a single model is judged: the model suite, its benchmark scores, the published results."""

from __future__ import annotations

from triadic.ingest.csvfile import Row, shipped, truth
from triadic.schema.keys import content_key
from triadic.schema.lab import Lab
from triadic.schema.store import insert_rows
from triadic.schema.tables import (
    BenchmarkScore,
    Model,
    PublishedAlignment,
    PublishedIngredient,
    PublishedStage,
    PublishedStatistic,
    Rater,
)
from triadic.schema.vocabulary import Evidence, PromptStyle, RaterKind

TABLE4 = "paper, Table 4"
NOT_INGREDIENTS = {"paper_name", "in_table4", "table4_rank", "table4_r2"}
ABOUT_THE_ROW = {"source", "confidence", "notes"}


def ingest_suite(lab: Lab) -> int:
    """The 76 models of the paper with their ingredients, each value with its source; returns how many are new."""
    rows = shipped("model_suite.csv")
    with lab.store.transaction() as con:
        insert_rows(con, Rater, [_rater(row["paper_name"]) for row in rows])
        return insert_rows(con, Model, [_model(row) for row in rows])


def ingest_benchmarks(lab: Lab) -> int:
    """Public benchmark scores of the suite, each with scale and source; returns how many are new."""
    rows = shipped("benchmarks.csv")
    scores = [
        {k: row[k] for k in ("benchmark", "source", "scale", "confidence")}
        | {"rater_id": row["paper_name"], "score": float(row["score"]), "is_primary": truth(row["primary"])}
        for row in rows
    ]
    with lab.store.transaction() as con:
        insert_rows(con, Rater, [_rater(name) for name in sorted({row["paper_name"] for row in rows})])
        return insert_rows(con, BenchmarkScore, scores)


def ingest_published(lab: Lab) -> int:
    """The paper's Table 4, Table 1, Table 3 and the statistics of its section 4, as printed; returns how many are new."""
    suite = [row for row in shipped("model_suite.csv") if truth(row["in_table4"])]
    alignment = [
        {
            "rater_id": row["paper_name"],
            "metric": "procrustes_r2",
            "source": TABLE4,
            "value": float(row["table4_r2"]),
            "rank": int(row["table4_rank"]),
        }
        for row in suite
    ]
    statistics = [
        {**row, "section": row["where"], "value": float(row["value"]), "se": row["se"] and float(row["se"])}
        for row in shipped("paper_statistics.csv")
    ]
    stages = [
        {"lineage": row["model"], "stage": row["stage"], "r2": float(row["r2"])}
        for row in shipped("table1_stages_as_printed.csv")
    ]
    ingredients = [
        {
            **{k: row[k] for k in ("model", "training_tokens", "heads", "hidden_dim")},
            "family": row["family_as_printed"],
            "citation": row["citation_as_printed"],
            "attention": row["attention_type"],
        }
        for row in shipped("table3_as_printed.csv")
    ]
    with lab.store.transaction() as con:
        insert_rows(con, Rater, [_rater(row["paper_name"]) for row in suite])
        return (
            insert_rows(con, PublishedAlignment, alignment)
            + insert_rows(con, PublishedStatistic, statistics)
            + insert_rows(con, PublishedStage, stages)
            + insert_rows(con, PublishedIngredient, ingredients)
        )


def _rater(name: str) -> Rater:
    return Rater(rater_id=name, kind=RaterKind.llm, description="model of the paper's suite")


def _model(row: Row) -> Model:
    """A suite row as evidence. Prompt style follows from how the suite says the model was tuned."""
    values = {k: v for k, v in row.items() if k not in NOT_INGREDIENTS and v is not None}
    values["multimodal"], values["instruction_tuned"] = truth(row["multimodal"]), truth(row["instruction_tuned"])
    chats = values["instruction_tuned"] and row["family"] != "T5"
    values["prompt_style"] = PromptStyle.chat if chats else PromptStyle.base
    where = f"suite: {row['source']}"
    values["provenance"] = {k: where for k in values if k not in ABOUT_THE_ROW}
    values["provenance"]["prompt_style"] = "suite: instruction_tuned (T5 models have no chat template)"
    keys = {"model_id": content_key(row["paper_name"], values), "rater_id": row["paper_name"]}
    return Model.model_validate({**values, **keys, "evidence": Evidence.suite})
