"""The script for R: what it reads is the design that was fitted, and it asks for the same tests."""

import re

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from triadic.cli import cli
from triadic.reports import regression, saving, scripts, stages
from triadic.reports.statistics.mixed import fit_mixed
from triadic.schema.errors import BadInput
from triadic.schema.lab import Lab


@pytest.fixture(scope="module")
def report(suite):
    return regression.report(suite, n_bootstrap=20)


def test_the_data_are_the_designs_as_fitted(report, tmp_path):
    script, data = scripts.write(report, tmp_path / "again.R")
    assert (script.name, data.name) == ("again.R", "again.csv")
    frame = pd.read_csv(data)
    label = next(name for name in report.fits if name.endswith("per head"))
    rows, fit = frame[frame.model == label], report.fits[label]
    assert len(rows) == 71
    for j, name in enumerate(fit.design.names[1:], start=1):
        assert rows[name].to_numpy() == pytest.approx(fit.design.x[:, j], abs=1e-12)
    again = fit_mixed(fit.formula, rows, "family")  # the file alone gives the same model
    assert again.coefficients.beta.to_numpy() == pytest.approx(fit.coefficients.beta.to_numpy(), abs=1e-4)


def test_the_script_fits_each_model_and_tests_each_term(report, tmp_path):
    text = scripts.write(report, tmp_path / "again.R")[0].read_text()
    assert 'read.csv("again.csv", stringsAsFactors = TRUE)' in text
    assert text.count("lmer(alignment ~ 1 + instruction_tuned + ") == 2
    assert text.count("+ (1 | family), data = data, REML = TRUE)") == 2
    assert text.count("KRmodcomp(model, smaller)") == text.count("PBmodcomp(model, smaller, nsim = 20)") == 22
    assert 'summary(model, ddf = "Kenward-Roger")' in text
    for label, fit in report.fits.items():
        assert f'everything$model == "{label}"' in text
        assert fit.lme4_formula in text
    assert str(tmp_path) not in text
    for opening, closing in ("()", "{}", "[]"):
        assert text.count(opening) == text.count(closing)


def test_a_category_is_one_term_of_several_columns(suite, tmp_path):
    report = regression.report(suite, formula="alignment ~ np.log(n_params) + attention", n_bootstrap=0)
    script, data = scripts.write(report, tmp_path / "mine.R")
    text, frame = script.read_text(), pd.read_csv(data)
    assert "smaller <- update(model, . ~ . - attention_mha - attention_mqa - attention_none)" in text
    assert {"log_n_params", "attention_mha", "attention_mqa"} <= set(frame.columns)
    assert "(1 | family)" in re.findall(r"lmer\((.*?), data", text)[0]


def test_names_are_ones_that_r_takes():
    names = ["Intercept", "attention[T.mha]", "a:b", "np.log(x)", "C(kind)[T.2]", "a_b", "1x"]
    plain = scripts.r_names(names)
    assert len(set(plain.values())) == len(names)
    assert all(re.fullmatch(r"[A-Za-z]\w*", name) for name in plain.values())


def test_a_report_without_models_says_which_has_a_script(suite, tmp_path):
    with pytest.raises(BadInput, match=r"report stages has no script for R: `triadic report regression"):
        scripts.write(stages.report(suite), tmp_path / "a.R")


def test_the_command_writes_both_files_and_saving_keeps_them(report, suite, tmp_path, monkeypatch):
    monkeypatch.setattr(regression.report, "__defaults__", (*regression.report.__defaults__[:-2], 20, 0))
    root = suite.path.parent
    found = CliRunner().invoke(cli, ["--lab", str(root), "report", "regression", "--output", str(tmp_path / "m.R")])
    assert found.exit_code == 0, found.output
    assert {"m.R", "m.csv"} == {path.name for path in tmp_path.iterdir()}
    lab = Lab.create(tmp_path / "lab")
    folder = saving.save(lab, report, {"seed": 0})
    assert (folder / "regression.R").exists()
    assert np.isfinite(pd.read_csv(folder / "regression.csv").alignment).all()
