"""What was computed: embeddings, the history of their fits, and how they align with a reference."""

from __future__ import annotations

from datetime import datetime

from triadic.schema.tables.base import BIG, DOUBLE, SINGLES, VECTOR, Table, column, key, link, now


class Embedding(Table, table=True):
    """An embedding of a concept set: fitted to a rater's answers, or a reference that came from outside."""

    __tablename__ = "embedding"
    embedding_id: str = key("content hash: of the run that fitted it, or of the source and how it was reduced")
    concept_set_id: str = link("concept_set.concept_set_id", "the concepts, one row each")
    rater_id: str = link("rater.rater_id", "whose concepts these are")
    role: str = column("fitted; reference (what models are compared with); raw (a reference before reduction)")
    name: str = column("short name: a reference's name, or the algorithm and its variant")
    run_id: str | None = column("the embed run, for a fitted embedding", default=None)
    parent_id: str | None = column("the raw embedding a reference was reduced from", default=None)
    algorithm: str = column("CKL, STE, …; for a reference: pca, classical-scaling, none")
    n_dims: int = column("columns", ge=1)
    effective_dims: float | None = column(
        "participation ratio of the covariance spectrum", default=None, sa_type=DOUBLE
    )
    variance_kept: float | None = column("share of the variance the reduction kept", default=None, sa_type=DOUBLE)
    n_train: int | None = column("answers fitted to", default=None)
    n_heldout: int | None = column("answers held out", default=None)
    train_loss: float | None = column("mean loss per fitted answer, nats", default=None, sa_type=DOUBLE)
    heldout_loss: float | None = column("mean loss per held-out answer, nats", default=None, sa_type=DOUBLE)
    heldout_accuracy: float | None = column("share of held-out answers predicted", default=None, sa_type=DOUBLE)
    at_chance: bool | None = column("the held-out answers are predicted no better than by a coin", default=None)
    converged: bool | None = column("the solver met its tolerance", default=None)
    source: str | None = column("citation or address of a reference", default=None)
    source_file: str | None = column("file name it was read from", default=None)
    source_bytes: int | None = column("size of that file", default=None, sa_type=BIG)
    source_sha256: str | None = column("SHA-256 of that file", default=None)
    notes: str | None = column("what to know before comparing with it", default=None)
    created_at: datetime = column("when it came into the lab", default_factory=now)


class EmbeddingRow(Table, table=True):
    """One concept's vector. Bulk."""

    __tablename__ = "embedding_row"
    embedding_id: str = key("the embedding")
    position: int = key("position of the concept in its set")
    vector: list[float] = column("n_dims coordinates", sa_type=VECTOR)


class FitHistory(Table, table=True):
    """One recorded step of a fit. Bulk."""

    __tablename__ = "fit_history"
    run_id: str = key("the embed run")
    restart: int = key("0-based restart")
    step: int = key("iteration of the solver")
    train_loss: float = column("mean loss per fitted answer, nats", sa_type=DOUBLE)
    heldout_loss: float | None = column("mean loss per held-out answer, nats", default=None, sa_type=DOUBLE)
    heldout_accuracy: float | None = column("share of held-out answers predicted", default=None, sa_type=DOUBLE)


class Metric(Table, table=True):
    """One alignment figure. Its null, interval and ceiling are draws in `metric_draw`, summed up by view `alignment`."""

    __tablename__ = "metric"
    run_id: str = key("the align run: one embedding against one reference")
    name: str = key("the metric with its variant: procrustes_r2, cka_debiased, rsa_spearman_euclidean …")
    embedding_id: str = link("embedding.embedding_id", "the embedding judged")
    reference_id: str = link("embedding.embedding_id", "the reference it is compared with")
    value: float = column("the figure", sa_type=DOUBLE)


class MetricDraw(Table, table=True):
    """One draw of a metric under resampling or a null. Bulk; two models' draws with one number pair up."""

    __tablename__ = "metric_draw"
    run_id: str = key("the align run")
    name: str = key("the metric")
    kind: str = key(
        "permutation, coin_flips, ceiling, ceiling_deterministic, split_half, bootstrap_answers or bootstrap_concepts"
    )
    draw: int = key("0-based number of the draw; the same number means the same resample across raters")
    value: float = column("the metric on this draw", sa_type=DOUBLE)


class Refit(Table, table=True):
    """One concept's vector in a refit: other answers to the same questions, made once for every reference. Bulk.

    A row a concept, not a row a draw: DuckDB writes a row group that is not full anew with each insert, and these fill.
    """

    __tablename__ = "refit"
    embedding_id: str = key("the fit whose settings and questions these have")
    kind: str = key("bootstrap_answers or coin_flips")
    seed: int = key("seed of the draws: draw i of one seed means the same questions in every fit")
    draw: int = key("0-based draw")
    position: int = key("position of the concept in its set")
    converged: bool = column("the solver met its tolerance")
    vector: list[float] = column("n_dims coordinates, in four bytes each", sa_type=SINGLES)
