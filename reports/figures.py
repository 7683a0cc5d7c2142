"""The drawings. Each takes rows that a report has already computed and returns a matplotlib figure.

Figure names follow the paper's numbers: 2A–E single ingredients, 3 the mixed model, 4A–B benchmarks, 5 stages of
post-training, 6 base models and those tuned from them, 7–13 alignment against each of seven benchmarks. Which number
goes with which content is inferred from what section 4 reports and how many figures there are; the drawings show the
paper's statistics, not its layout.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from triadic.reports.frames import numbers
from triadic.reports.report import Report
from triadic.reports.statistics.correlation import pearson
from triadic.schema.arrays import Floats
from triadic.schema.errors import BadInput, NotFound

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("svg", "pdf", "png")  # two that scale, and one of pixels
DPI = 300
# Without a date, and without the name of the program, the same numbers give the same file.
METADATA: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
STYLE: Any = {
    "pdf.fonttype": 42,
    "svg.hashsalt": "triadic",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
WORDS = {
    "n_params": "parameters (billions)", "n_layers": "layers", "n_heads": "attention heads",
    "head_dim": "dimension per head", "attention_dim": "dimension of all heads", "mlp_dim": "MLP dimension",
    "vocab_size": "vocabulary", "training_tokens": "training tokens (trillions)", "base_stage1": "base\nstage 1",
    "sft": "SFT", "dpo": "DPO", "rlvr": "RLVR",
}  # fmt: skip
NAMED = 12  # concepts that have their word beside them: more would cover one another
BASE, TUNED, INK = "#b07a1e", "#1f6fa8", "#444444"  # distinct in grey and to colour-blind eyes


def save(report: Report, folder: Path | str) -> list[Path]:
    """Draw every figure of a report into `folder`, one file per format. Returns the files."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, draw in report.figures.items():
        paths = [folder / f"{name}.{suffix}" for suffix in FORMATS]
        written += _drawn(draw, paths)
    return written


def is_figure(path: Path) -> bool:
    """Whether a file's suffix is that of a figure."""
    return path.suffix.lower().removeprefix(".") in FORMATS


def save_one(report: Report, name: str | None = None, path: Path | None = None) -> Path:
    """Draw one figure of a report (None: the only one) into a file, NAME.pdf where none is given; its suffix says how.

    Raises NotFound for a figure that the report does not have, naming those it has, BadInput for another suffix or for
    no name where there are several.
    """
    choices = f"use one of {', '.join(report.figures)}" if report.figures else "it has none"
    if name is None and len(report.figures) != 1:
        raise BadInput(f"report {report.name} has {len(report.figures)} figures, name one with --figure: {choices}")
    name = name or next(iter(report.figures))
    if name not in report.figures:
        raise NotFound(f"no figure {name!r} in report {report.name}: {choices}")
    path = path or Path(f"{name}.pdf")
    if not is_figure(path):
        raise BadInput(f"{path.name} is no figure: end it in .{', .'.join(FORMATS)}")
    return _drawn(report.figures[name], [path])[0]


def _drawn(draw: Callable[[], Figure], paths: list[Path]) -> list[Path]:
    from matplotlib import rc_context

    with rc_context(STYLE):
        for path in paths:  # each anew: a layout moves a little with every drawing of one figure
            draw().savefig(path, dpi=DPI, metadata=METADATA[path.suffix.lower().removeprefix(".")])
    return paths


def groups(frame: pd.DataFrame, ingredient: str, ylabel: str) -> Figure:
    """Every model's alignment within each level of a category, with the level's mean and n."""
    known = frame[frame[ingredient].notna()]
    levels = {level: numbers(part, "alignment") for level, part in known.groupby(known[ingredient].astype(str))}
    figure, (axes,) = _canvas(1.6 + 1.1 * len(levels), 3.6)
    for place, values in enumerate(levels.values()):
        # Spread by the golden ratio rather than at random: the same data, the same picture.
        offset = (np.arange(values.size) * 0.618034 % 1 - 0.5) * 0.56
        axes.scatter(place + offset, np.sort(values), s=14, color=TUNED, alpha=0.6, linewidths=0)
        axes.hlines(values.mean(), place - 0.35, place + 0.35, color=INK, linewidth=2)
    names = {"True": "yes", "False": "no"}
    labels = [f"{names.get(level, level)}\nn = {values.size}" for level, values in levels.items()]
    axes.set_xticks(range(len(levels)), labels)
    axes.set(xlabel=_words(ingredient), ylabel=ylabel)
    return figure


def scatters(frame: pd.DataFrame, ingredients: tuple[str, ...], ylabel: str) -> Figure:
    """Alignment against each ingredient on a log scale, one panel each, with r of raw and log values and n."""
    figure, panels = _canvas(2.9 * len(ingredients) + 0.6, 3.2, len(ingredients))
    for axes, ingredient in zip(panels, ingredients, strict=True):
        known = frame[frame[ingredient].notna()]
        x, y = numbers(known, ingredient), numbers(known, "alignment")
        _tell_apart(axes, known, x, y)
        axes.set_xscale("log")
        ticks = _round_ticks(x)
        axes.set_xticks(ticks, [_short(tick) for tick in ticks])
        axes.minorticks_off()
        if x.size > 2 and np.ptp(x) > 0:
            axes.set_title(f"r = {pearson(x, y).r:.2f}, log {pearson(np.log(x), y).r:.2f}, n = {x.size}", fontsize=9)
        axes.set_xlabel(_words(ingredient))
    panels[0].set_ylabel(ylabel)
    panels[0].legend(frameon=False, fontsize=8)
    return figure


def coefficients(table: pd.DataFrame, label: str) -> Figure:
    """Fixed effects with 95% intervals, largest on top; least squares without families as open marks.

    At the right stands the p that each verdict rests on: the bootstrap's, or Kenward–Roger's where there is none.
    """
    rows = table[table.term != "Intercept"].sort_values("beta", ignore_index=True)
    figure, (axes,) = _canvas(6, 1 + 0.32 * len(rows))
    place = np.arange(len(rows))
    error = [rows.beta - rows.low, rows.high - rows.beta]
    axes.errorbar(rows.beta, place, xerr=error, fmt="o", color=TUNED, ms=5, capsize=2, label="mixed model")
    axes.plot(rows.ols_beta, place, "o", mfc="none", color=BASE, ms=5, label="least squares")
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(place, [_words(term) for term in rows.term])
    axes.set(xlabel=f"β ({label}; n = {rows.n.iloc[0]})")
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    right = axes.secondary_yaxis("right")
    texts = ["p < 0.001" if p < 0.001 else f"p = {p:.3f}" for p in rows.bootstrap_p.fillna(rows.kr_p)]
    right.set_yticks(place, texts, fontsize=8)
    right.tick_params(length=0)
    right.spines["right"].set_visible(False)
    return figure


def intervals(table: pd.DataFrame, name: str, label: str) -> Figure:
    """Correlations with their intervals, largest on top, each with its n."""
    rows = table.sort_values("r", ignore_index=True)
    figure, (axes,) = _canvas(6, 1 + 0.34 * len(rows))
    place = np.arange(len(rows))
    ends = rows[["low", "high"]].fillna(rows.r, axis=0) if rows.low.notna().any() else None
    error = None if ends is None else [rows.r - ends.low, ends.high - rows.r]
    axes.errorbar(rows.r, place, xerr=error, fmt="o", color=TUNED, ms=5, capsize=2)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(place, [f"{row[name]} (n = {row.n})" for _, row in rows.iterrows()])
    axes.set(xlabel=label, xlim=(min(-0.1, np.nanmin(rows.low.fillna(0)) - 0.05), 1.02))
    return figure


def matrix(scores: pd.DataFrame) -> Figure:
    """Correlations among alignment and benchmarks, with the number of models below each."""
    names = list(scores.columns)
    figure, (axes,) = _canvas(1.6 + 0.75 * len(names), 1.2 + 0.7 * len(names))
    grid = np.full((len(names), len(names)), np.nan)
    for i, a in enumerate(names):
        for j, b in enumerate(names):
            both = scores[[a, b]].dropna().to_numpy()
            if i == j:
                text = f"\n{len(both)}"
            elif len(both) < 4:
                text = f"–\n{len(both)}"
            else:
                grid[i, j] = pearson(both[:, 0], both[:, 1]).r
                text = f"{grid[i, j]:.2f}\n{len(both)}"
            dark = np.isfinite(grid[i, j]) and abs(grid[i, j]) > 0.5
            axes.text(j, i, text, ha="center", va="center", fontsize=8, color="white" if dark else INK)
    edges = np.arange(len(names) + 1) - 0.5
    axes.pcolormesh(edges, edges, np.ma.masked_invalid(grid), cmap="RdBu", vmin=-1, vmax=1)  # imshow would be pixels
    axes.set(aspect="equal", ylim=(edges[-1], edges[0]))
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def stages(lines: pd.DataFrame) -> Figure:
    """Alignment along each line of post-training: a panel per listing (Table 4, Table 1 as printed, measured)."""
    order = list(lines.sort_values("stage_no").stage.unique())
    listings = list(dict.fromkeys(zip(lines.listing, lines.scope, strict=True)))
    names = sorted(set(lines.line))
    figure, panels = _canvas(4.6 * len(listings), 4.8, len(listings))
    for axes, (listing, scope) in zip(panels, listings, strict=True):
        for lineage, part in lines[lines.scope == scope].groupby("lineage"):
            part = part.sort_values("stage_no")
            number = names.index(part.line.iloc[0])  # one line looks the same in every panel
            places = [order.index(stage) for stage in part.stage]
            marker, colour = "os^Dv"[number % 5], f"C{number % 10}"
            axes.plot(places, part.alignment, ms=5, label=lineage, marker=marker, color=colour)
        axes.set_xticks(range(len(order)), [_words(stage) for stage in order])
        axes.set_title({"table4": "Table 4", "table1": "Table 1 as printed"}.get(listing, listing), fontsize=10)
        axes.set_ylim(0, None)
        axes.legend(frameon=False, fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    panels[0].set_ylabel(lines.metric_name.iloc[0])
    return figure


def pairs(table: pd.DataFrame) -> Figure:
    """Base model and the model tuned from it, a line per pair, sorted by the change."""
    rows = table.sort_values(["origin", "metric_name", "reference", "difference"], ignore_index=True)
    figure, (axes,) = _canvas(6.5, 1 + 0.27 * len(rows))
    place = np.arange(len(rows))
    axes.hlines(place, rows.base_alignment, rows.tuned_alignment, color="#bbbbbb", linewidth=2, zorder=1)
    axes.scatter(rows.base_alignment, place, color=BASE, s=28, label="base", zorder=2)
    axes.scatter(rows.tuned_alignment, place, color=TUNED, s=28, marker="D", label="tuned", zorder=2)
    axes.set_yticks(place, [f"{row.lineage} ({row.tuned_stage})" for row in rows.itertuples()])
    axes.set(xlabel=f"{' / '.join(rows.metric_name.unique())}, n = {len(rows)} pairs")
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def tuned_scatter(part: pd.DataFrame, xlabel: str, ylabel: str) -> Figure:
    """Alignment against one benchmark, base and tuned models told apart, with r, its n and a fitted line."""
    figure, (axes,) = _canvas(4.8, 3.8)
    x, y = numbers(part, "score"), numbers(part, "alignment")
    _tell_apart(axes, part, x, y)
    if np.ptp(x) > 0 and np.ptp(y) > 0:
        slope, start = np.polyfit(x, y, 1)
        ends = np.array([x.min(), x.max()])
        axes.plot(ends, start + slope * ends, color=INK, linewidth=1)
        axes.set_title(f"r = {pearson(x, y).r:.2f}, n = {x.size}", fontsize=10)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.legend(frameon=False, fontsize=8)
    return figure


def ranking(frame: pd.DataFrame, metric: str) -> Figure:
    """One line per model: figure, interval, and the 95th percentile of chance as a tick; hollow where at chance.

    A panel for each reference (of each concept set); figures of few answers are squares, in grey.
    """
    parts = [part for _, part in frame.groupby(["origin", "reference", "concept_set_id"], sort=False, dropna=False)]
    longest = max(map(len, parts))
    figure, panels = _canvas(5.2 * len(parts), 1.4 + 0.17 * longest, len(parts), share="x")
    for axes, part in zip(panels, parts, strict=True):
        rows = part.iloc[::-1].reset_index(drop=True)
        at_chance = rows.at_chance.fillna(False).astype(bool).to_numpy()
        few = np.array(["few answers" in str(note) for note in rows.note])
        y, value = np.arange(len(rows)), numbers(rows, "value")
        axes.hlines(y, numbers(rows, "low"), numbers(rows, "high"), color="#888888", lw=1)
        axes.plot(numbers(rows, "chance_p95"), y, "|", color=BASE, label="95% of coin flips")
        for label, chosen, marker, colour, filled in (
            ("above chance", ~at_chance & ~few, "o", TUNED, True),
            ("at chance", at_chance & ~few, "o", TUNED, False),
            ("few answers", few, "s", "#888888", False),
        ):
            if chosen.any():
                fill = colour if filled else "white"
                axes.plot(value[chosen], y[chosen], marker, ms=4, mfc=fill, color=colour, label=label)
        axes.set_yticks(y, rows.rater_name, fontsize=6)
        origin, concepts = rows.origin.iloc[0], rows.concept_set_id.iloc[0]
        title = rows.reference.iloc[0] + (f" (this lab, {concepts})" if origin == "measured" else " (published)")
        axes.set(xlabel=metric, title=title, ylim=(len(rows) - longest - 1, len(rows)))
    marks = {label: mark for axes in panels for mark, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    panels[-1].legend(list(marks.values()), list(marks), fontsize=7, loc="lower right")
    return figure


def concepts(rows: pd.DataFrame, other: str, model: str) -> Figure:
    """Where two spaces have each concept, in the first two principal components of the one that the other is turned onto.

    An arrow is what is left of a concept after the turn (its part within the plane); the furthest are named, by all
    dimensions, and filled points are the `other` space's. One colour to a category.
    """
    target, moved = (np.pad(np.stack(rows[name].to_list()), [(0, 0), (0, 1)]) for name in ("target", "moved"))
    _, strengths, components = np.linalg.svd(target, full_matrices=False)
    start, end = target @ components[:2].T, moved @ components[:2].T
    figure, (axes,) = _canvas(7.2, 5.6)
    labels = rows.category.fillna("").astype(str)
    for number, label in enumerate(dict.fromkeys(labels)):
        of, colour, marker = (labels == label).to_numpy(), f"C{number % 10}", "osD^v"[number // 10 % 5]
        arrows: Any = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.002, "alpha": 0.5}
        axes.quiver(*start[of].T, *(end - start)[of].T, color=colour, **arrows)
        axes.plot(*start[of].T, marker, ms=4, color=colour, label=label or other)
        axes.plot(*end[of].T, marker, ms=3, mfc="white", color=colour)
    furthest = np.argsort(-numbers(rows, "residual"), kind="stable")[:NAMED]
    for place in furthest:
        axes.annotate(rows.concept.iloc[place], start[place], xytext=(3, 3), textcoords="offset points", fontsize=6)
    shares = strengths**2 / (strengths**2).sum()
    axes.set(xlabel=f"first component of {other} ({shares[0]:.0%})", ylabel=f"second component ({shares[1]:.0%})")
    axes.set_title(f"filled: {other}; hollow, at the arrow's end: {model}, turned", fontsize=9)
    axes.legend(frameon=False, fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))
    axes.set_aspect("equal")
    return figure


def _tell_apart(axes: Axes, frame: pd.DataFrame, x: Floats, y: Floats) -> None:
    tuned = frame.instruction_tuned.fillna(False).astype(bool).to_numpy()
    for label, colour, marker, chosen in (("base", BASE, "o", ~tuned), ("instruction-tuned", TUNED, "D", tuned)):
        axes.scatter(x[chosen], y[chosen], s=20, color=colour, marker=marker, alpha=0.8, linewidths=0, label=label)


def _canvas(width: float, height: float, panels: int = 1, share: str = "y") -> tuple[Figure, list[Axes]]:
    """A figure of its own, outside pyplot's list of open ones: nothing to close, no display needed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(figure.subplots(1, panels, sharex=share == "x", sharey=share == "y", squeeze=False)[0])


def _round_ticks(x: Floats) -> list[float]:
    """Four values of one significant digit, evenly spread over a logarithmic axis."""
    wanted = np.geomspace(x.min(), x.max(), 4) if np.ptp(x) else x[:1]
    size = 10.0 ** np.floor(np.log10(wanted))
    return sorted(set((np.round(wanted / size) * size).tolist()))


def _short(value: float) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def _words(name: str) -> str:
    return WORDS.get(name, name.replace("_", " "))
