"""All tables, in the order in which they are created."""

from triadic.schema.tables.base import Table
from triadic.schema.tables.concepts import Concept, ConceptSet, Triplet, TripletSet
from triadic.schema.tables.published import PublishedAlignment, PublishedIngredient, PublishedStage, PublishedStatistic
from triadic.schema.tables.raters import BenchmarkScore, Model, Rater
from triadic.schema.tables.results import Embedding, EmbeddingRow, FitHistory, Metric, MetricDraw
from triadic.schema.tables.runs import Response, Run, RunEvent

TABLES: tuple[type[Table], ...] = (
    ConceptSet,
    Concept,
    Rater,
    Model,
    BenchmarkScore,
    PublishedAlignment,
    PublishedStatistic,
    PublishedStage,
    PublishedIngredient,
    TripletSet,
    Triplet,
    Run,
    RunEvent,
    Response,
    Embedding,
    EmbeddingRow,
    FitHistory,
    Metric,
    MetricDraw,
)

__all__ = ["TABLES", "BenchmarkScore", "Concept", "ConceptSet", "Embedding", "EmbeddingRow", "FitHistory", "Metric"]
__all__ += ["MetricDraw", "Model", "PublishedAlignment", "PublishedIngredient", "PublishedStage", "PublishedStatistic"]
__all__ += ["Rater", "Response", "Run", "RunEvent", "Table", "Triplet", "TripletSet"]
