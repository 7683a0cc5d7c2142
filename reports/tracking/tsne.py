"""A picture of an embedding for people to look at: t-SNE in the plane, one labelled point per concept."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from triadic.schema.arrays import Floats

STEPS = 500  # to look at: twice as many lower the loss by 3 to 6 in 100


def tsne_figure(vectors: Floats, concepts: pd.DataFrame) -> Figure:
    """t-SNE (van der Maaten & Hinton 2008) of vectors (n, d); `concepts` has columns word and category, rows as vectors.

    Always the same picture for the same vectors. Spaces too small or too collapsed for t-SNE (fewer than four concepts,
    or all in one place) are drawn by their first two coordinates, and the title says so.
    """
    points, title = _plane(np.asarray(vectors, float))
    figure = Figure(figsize=(10, 8), dpi=100)
    axes = figure.add_axes((0.02, 0.02, 0.96, 0.93))  # a layout engine would take longer than the drawing
    categories = concepts.category.fillna("uncategorised")
    for category in sorted(categories.unique()):
        members = points[(categories == category).to_numpy()]
        axes.scatter(members[:, 0], members[:, 1], s=18, label=category)
    for point, word in zip(points, concepts.word, strict=True):  # words are no formulas
        axes.annotate(word, point, fontsize=6, xytext=(2, 2), textcoords="offset points", parse_math=False)
    axes.set(xticks=[], yticks=[], title=title)
    axes.legend(fontsize=7)
    return figure


def save_tsne(vectors: Floats, concepts: pd.DataFrame, path: Path) -> None:
    """`tsne_figure` as a PNG. Words in scripts that the font lacks are drawn as boxes, without a word about it."""
    figure = tsne_figure(vectors, concepts)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(path)


def _plane(vectors: Floats) -> tuple[Floats, str]:
    n, d = vectors.shape
    if n < 4 or np.ptp(vectors, axis=0).max() == 0:
        flat = np.zeros((n, 2))
        flat[:, : min(2, d)] = vectors[:, :2]
        return flat, "First two dimensions of the fitted embedding (nothing for t-SNE to do)"
    start = "pca" if d > 1 else "random"
    with threadpool_limits(1):  # its threads wait for each other: ten times slower where a core is busy
        how = TSNE(perplexity=min(30.0, (n - 1) / 3), max_iter=STEPS, random_state=0, init=start)
        points = how.fit_transform(vectors)
    return points, "t-SNE of the fitted embedding (distances are not to scale)"
