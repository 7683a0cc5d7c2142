"""Figures of the literature, so that every report runs before a single model is judged."""

from __future__ import annotations

from triadic.schema.tables.base import DOUBLE, Table, column, key


class PublishedAlignment(Table, table=True):
    """One published alignment figure of one rater."""

    __tablename__ = "published_alignment"
    rater_id: str = key("the rater", foreign_key="rater.rater_id")
    metric: str = key("name of the metric, as in `metric.name`")
    source: str = key("publication and table")
    value: float = column("the figure", sa_type=DOUBLE)
    rank: int | None = column("rank as printed", default=None)


class PublishedStatistic(Table, table=True):
    """One statistic of the paper's section 4, as printed."""

    __tablename__ = "published_statistic"
    analysis: str = key("group_test, correlation, mixed_model, benchmark, post_training or dimensionality")
    term: str = key("what it is about")
    statistic: str = key("t, F, r, beta, R2 …")
    value: float = column("the figure", sa_type=DOUBLE)
    se: float | None = column("standard error", default=None, sa_type=DOUBLE)
    df: str | None = column("degrees of freedom, as printed", default=None)
    p: str | None = column("p-value, as printed", default=None)
    section: str = column("where it stands in the paper")


class PublishedStage(Table, table=True):
    """One cell of the paper's Table 1 (post-training stages), as printed."""

    __tablename__ = "published_stage"
    lineage: str = key("the model line as printed (Average: the printed mean)")
    stage: str = key("Base Stage 1, Base, SFT, DPO or RLVR")
    r2: float = column("Procrustes R² as printed", sa_type=DOUBLE)


class PublishedIngredient(Table, table=True):
    """One row of the paper's Table 3 (ingredients), as printed, wrong cells included."""

    __tablename__ = "published_ingredient"
    model: str = key("the model's name as printed")
    family: str | None = column("family as printed", default=None)
    citation: str | None = column("citation as printed", default=None)
    attention: str | None = column("attention type as printed", default=None)
    training_tokens: str | None = column("training tokens as printed", default=None)
    heads: str | None = column("heads as printed", default=None)
    hidden_dim: str | None = column("hidden dimension as printed", default=None)
