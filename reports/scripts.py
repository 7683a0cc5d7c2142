"""A report's statistics as a script for R, with the data it reads: anybody can repeat them with lme4, lmerTest and pbkrtest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from triadic.reports.report import Report
from triadic.reports.statistics.mixed import MixedFit
from triadic.reports.statistics.terms import terms_of
from triadic.schema.errors import BadInput

SUFFIX = ".R"
DATA = "@DATA@"  # stands for the name of the data file until the script has one
HEAD = """# {title}: the same models in R.
# Run it in the folder of its data: Rscript {script}
# Needs: install.packages(c("lme4", "lmerTest", "pbkrtest"))
#
# Columns of the data are those of the designs as fitted: numbers z-scored over the models used, true/false as 0 and 1,
# a category as one column of 0 and 1 for each level but the first.

library(lmerTest)
library(pbkrtest)

everything <- read.csv("{data}", stringsAsFactors = TRUE)
set.seed({seed})
"""
MODEL = """
# ---- {label}
# {formula}
# {n} models of {n_groups} families. Triadic has:
{ours}

data <- everything[everything$model == "{label}", ]
model <- lmer({r_formula}, data = data, REML = TRUE)
print(summary(model, ddf = "Kenward-Roger"))  # needs pbkrtest; ddf = "Satterthwaite" is lmerTest's default
"""
TERM = """
cat("\\n{term}\\n")
smaller <- update(model, . ~ . - {columns})
print(KRmodcomp(model, smaller))
print(PBmodcomp(model, smaller, nsim = {n_bootstrap}))  # slow: lower nsim for a first look
"""


@dataclass
class ScriptedReport(Report):
    """A report that can be repeated in R: `fits` by label, as its tables name the models."""

    fits: dict[str, MixedFit] = field(default_factory=dict)
    seed: int = 0


def is_script(path: Path) -> bool:
    """Whether a file's suffix is that of a script for R."""
    return path.suffix.lower() == SUFFIX.lower()


def write(report: Report, path: Path) -> list[Path]:
    """The script into `path`, its data into a CSV of the same name beside it. Raises BadInput where a report has none."""
    if not isinstance(report, ScriptedReport) or not report.fits:
        raise BadInput(
            f"report {report.name} has no script for R: `triadic report regression --output NAME{SUFFIX}` has"
        )
    data = path.with_suffix(".csv")
    head = HEAD.format(title=report.title, script=path.name, data=data.name, seed=report.seed)
    path.write_text(head + "".join(_model(label, fit) for label, fit in report.fits.items()), encoding="utf-8")
    rows = pd.concat([_rows(label, fit) for label, fit in report.fits.items()], ignore_index=True)
    rows.to_csv(data, index=False, lineterminator="\n")
    return [path, data]


def _rows(label: str, fit: MixedFit) -> pd.DataFrame:
    """The design of one model as R reads it: outcome, group, and a column for each coefficient."""
    design = fit.design
    columns = {"model": label, fit.group: [design.groups[code] for code in design.codes], _outcome(fit): design.y}
    plain = r_names(design.names)
    rows = pd.DataFrame(columns)
    for j, name in enumerate(design.names):
        if np.ptp(design.x[:, j]) > 0:
            rows[plain[name]] = design.x[:, j]
    return rows


def r_names(names: Sequence[str]) -> dict[str, str]:
    """Names of design columns as R takes them in a formula, by their name here: attention[T.mha] is attention_mha."""
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"\W+", "_", name.replace("[T.", "[").replace("np.", "")).strip("_") or "column"
        plain = plain if plain[0].isalpha() else f"x_{plain}"
        while plain in found.values():
            plain += "_2"
        found[name] = plain
    return found


def _outcome(fit: MixedFit) -> str:
    return next(iter(r_names([fit.formula.split("~")[0].strip()]).values()))


def _model(label: str, fit: MixedFit) -> str:
    names = r_names(fit.design.names)
    terms = {term: [fit.design.names[j] for j in places] for term, places in terms_of(fit.design.names).items()}
    columns = [names[column] for term in terms.values() for column in term]
    one = "1" if "Intercept" in fit.design.names else "0"
    r_formula = f"{_outcome(fit)} ~ {' + '.join([one, *columns])} + (1 | {fit.group})"
    shown = ["term", "beta", "kr_se", "kr_df", "kr_p", "bootstrap_p"]
    ours = "\n".join(f"#   {line}" for line in fit.coefficients[shown].to_string(index=False).splitlines())
    about = {"label": label, "formula": fit.lme4_formula, "n": fit.n, "n_groups": fit.n_groups, "ours": ours}
    n_bootstrap = max([term.n_bootstrap for term in fit.terms], default=0) or 1000
    tests = [
        TERM.format(term=term, columns=" - ".join(names[each] for each in of), n_bootstrap=n_bootstrap)
        for term, of in terms.items()
    ]
    return MODEL.format(**about, r_formula=r_formula) + "".join(tests)
