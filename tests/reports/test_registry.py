"""The registry knows every report, and with it everything the command line needs."""

from __future__ import annotations

import ast
from pathlib import Path

import click
import pytest

from triadic.reports import frames, registry
from triadic.reports.console import listed, report_command
from triadic.reports.formats import FORMATS
from triadic.reports.registry import REPORTS, help_of
from triadic.schema.options import settings_of
from triadic.schema.vocabulary import Origin


def test_every_module_that_defines_a_report_is_in_it():
    folder = Path(registry.__file__).parent
    defining = {
        path.stem
        for path in folder.glob("*.py")
        if any(isinstance(node, ast.FunctionDef) and node.name == "report" for node in ast.parse(path.read_text()).body)
    }
    assert defining == set(REPORTS)
    assert all(report.__module__ == f"triadic.reports.{name}" for name, report in REPORTS.items())


@pytest.mark.parametrize("name", REPORTS)
def test_the_help_is_one_paragraph_and_an_example_of_this_report(name):
    paragraph, example = help_of(REPORTS[name]).split("\n\n\b\n")
    assert paragraph.endswith(".")
    assert "\n\n" not in paragraph
    assert example.startswith(f"Example: triadic report {name}")


def test_settings_have_their_defaults_and_their_help():
    settings = {name: {s.name: s for s in settings_of(report)} for name, report in REPORTS.items()}
    assert settings["quality"] == {}
    assert list(settings["compare"]) == ["first", "second", "metric", "reference"]
    others = set(REPORTS) - {"quality", "compare", "concepts", "ranking"}
    defaults = {name: settings[name]["origin"].default for name in [*others, "ranking"]}
    assert {name for name, origin in defaults.items() if origin == Origin.both} == set(defaults) - {"paper"}
    assert defaults["paper"] == Origin.published
    assert {settings[name]["origin"].option for name in [*others, "ranking"]} == {frames.OriginSetting.__metadata__[0]}
    assert all(s.option.help.endswith(".") for each in settings.values() for s in each.values())
    assert {"formula"} == set(settings["regression"]) - set(settings["paper"])
    assert {"harness"} == set(settings["benchmarks"]) - set(settings["paper"])


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_is_printed_narrowed_and_saved_alike(name):
    command = report_command(name, REPORTS[name], help_of(REPORTS[name]))
    options = {flag: option for option in command.params for flag in option.opts if flag.startswith("--")}
    assert {"--format", "--columns", "--table", "--raters", "--exclude", "--save", "--lab"} <= set(options)
    assert list(options["--format"].type.choices) == list(FORMATS)
    assert options["--format"].default == "table"


def test_every_listing_speaks_the_same_formats():
    @click.command()
    @listed
    def one() -> None: ...

    found = {option.name: option for option in one.params}
    assert list(found["form"].type.choices) == ["table", "csv", "json", "latex", "markdown", "parquet"]
    assert "columns" in found
