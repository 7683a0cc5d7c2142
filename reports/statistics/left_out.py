"""Does a fixed effect rest on one family? Every coefficient fitted anew without each family in turn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from triadic.reports.statistics.distributions import t_quantile
from triadic.reports.statistics.mixed import Design, MixedFit
from triadic.reports.statistics.terms import TermTests, verdict
from triadic.schema.arrays import Floats, Ints
from triadic.schema.errors import BadInput

Row = dict[str, Any]
REPEATS = 1e-8  # a column this close, in length, to what others span is one of them


def leave_one_group_out(fit: MixedFit, rng: np.random.Generator | None = None, n_bootstrap: int = 0) -> pd.DataFrame:
    """A row for each coefficient (but the intercept) and each group left out: beta, se, interval, p and verdict.

    Columns keep the scale that they have with every group, so that betas compare. A coefficient that the remaining rows
    cannot tell from others (its column no longer varies) has no figures.
    """
    rows: list[Row] = []
    for code, group in enumerate(fit.design.groups):
        rows += _without(fit.design, code, group, rng, n_bootstrap)
    order = {name: place for place, name in enumerate(fit.design.names)}
    table = pd.DataFrame(rows)
    return table.sort_values("term", key=lambda names: names.map(order), kind="stable", ignore_index=True)


def stability(fit: MixedFit, left_out: pd.DataFrame) -> pd.DataFrame:
    """A row for each coefficient: the range of beta, and the groups without which its sign or its verdict changes.

    Verdicts are compared by one kind of p: the bootstrap's, or Kenward–Roger's where `left_out` has no bootstrap.
    """
    rows: list[Row] = []
    whole = fit.coefficients.set_index("term")
    if left_out.p.isna().all():
        whole["verdict"] = [verdict(p) for p in whole.kr_p]
    for term, part in left_out.groupby("term", sort=False):
        known = part[part.beta.notna()]
        row: Row = {"term": term, "beta": whole.beta[term]}
        if len(known):
            lowest, highest = known.loc[known.beta.idxmin()], known.loc[known.beta.idxmax()]
            row |= {"lowest": lowest.beta, "lowest_without": lowest.without}
            row |= {"highest": highest.beta, "highest_without": highest.without}
        sign = known[np.sign(known.beta) != np.sign(whole.beta[term])].without
        before = whole.verdict[term]
        differs = (known.verdict != before) & (known.verdict != "open") & (before != "open")
        row |= {"sign_changes_without": ", ".join(sign), "verdict": before}
        changed = known[differs].without
        row |= {"verdict_changes_without": ", ".join(changed)}
        row |= {"not_told_without": ", ".join(part[part.beta.isna()].without)}
        rows.append(row)
    return pd.DataFrame(rows)


def _without(design: Design, code: int, group: str, rng: np.random.Generator | None, n_bootstrap: int) -> list[Row]:
    rest = design.codes != code
    y, x, codes = design.y[rest], design.x[rest], design.codes[rest]
    codes = codes - (codes > code)
    told = _independent(x)
    names = [name for name in design.names if name != "Intercept"]
    rows: list[Row] = [{"term": name, "without": group, "n": int(rest.sum())} for name in names]
    nothing = dict.fromkeys(("beta", "kr_se", "low", "high", "p", "p_low", "p_high", "kr_df", "kr_p"), np.nan)
    try:
        figures = _figures(y, x[:, told], codes, rng, n_bootstrap)
    except BadInput:
        figures = []
    by_name = {design.names[j]: found for j, found in zip(told, figures, strict=False)}
    return [row | by_name.get(row["term"], {**nothing, "verdict": ""}) for row in rows]


def _figures(y: Floats, x: Floats, codes: Ints, rng: np.random.Generator | None, n_bootstrap: int) -> list[Row]:
    """The figures of each column."""
    tests = TermTests(y, x, codes, rng, n_bootstrap)
    kr = tests.kenward_roger
    rows: list[Row] = []
    for j, (beta, se) in enumerate(zip(kr.beta, kr.standard_errors(), strict=True)):
        if np.ptp(x[:, j]) == 0:
            rows.append({})
            continue
        test = tests.without("", [j])
        half = t_quantile(0.975, test.kr_df) * se
        row: Row = {"beta": float(beta), "kr_se": float(se), "low": float(beta - half), "high": float(beta + half)}
        row |= {"p": test.bootstrap_p, "p_low": test.bootstrap_low, "p_high": test.bootstrap_high}
        rows.append(row | {"kr_df": test.kr_df, "kr_p": test.kr_p, "verdict": test.verdict})
    return rows


def _independent(x: Floats) -> list[int]:
    """The columns, from the left, that are no linear function of those before them."""
    kept: list[int] = []
    for j in range(x.shape[1]):
        length = np.linalg.norm(x[:, j])
        if length == 0:
            continue
        column = x[:, j] / length
        if kept:
            basis = np.linalg.qr(x[:, kept])[0]
            column = column - basis @ (basis.T @ column)
        if np.linalg.norm(column) > REPEATS:
            kept.append(j)
    return kept
