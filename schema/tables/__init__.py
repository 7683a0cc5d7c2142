"""All tables, in the order in which they are created."""

from triadic.schema.tables.base import Table
from triadic.schema.tables.concepts import Concept, ConceptSet, Triplet, TripletSet, TripletSetEvent
from triadic.schema.tables.published import PublishedAlignment, PublishedIngredient, PublishedStage, PublishedStatistic
from triadic.schema.tables.raters import BenchmarkScore, Model, Rater, RaterEvent
from triadic.schema.tables.results import Embedding, EmbeddingRow, FitHistory, Metric, MetricDraw, Refit
from triadic.schema.tables.runs import Response, Run, RunEvent

TABLES: tuple[type[Table], ...] = (
    ConceptSet,
    Concept,
    Rater,
    RaterEvent,
    Model,
    BenchmarkScore,
    PublishedAlignment,
    PublishedStatistic,
    PublishedStage,
    PublishedIngredient,
    TripletSet,
    TripletSetEvent,
    Triplet,
    Run,
    RunEvent,
    Response,
    Embedding,
    EmbeddingRow,
    FitHistory,
    Metric,
    MetricDraw,
    Refit,
)

__all__ = ["TABLES", "BenchmarkScore", "Concept", "ConceptSet", "Embedding", "EmbeddingRow", "FitHistory", "Metric"]
__all__ += ["MetricDraw", "Model", "PublishedAlignment", "PublishedIngredient", "PublishedStage", "PublishedStatistic"]
__all__ += [
    "Rater",
    "RaterEvent",
    "Refit",
    "Response",
    "Run",
    "RunEvent",
    "Table",
    "Triplet",
    "TripletSet",
    "TripletSetEvent",
]
