"""What is written about Triadic is what Triadic is."""

import importlib.util
import re
import shlex
from pathlib import Path

import click
import pytest

from triadic.cli import cli
from triadic.schema.tables import TABLES
from triadic.schema.views import views

ROOT = Path(__file__).resolve().parent.parent
spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [generate.schema, generate.commands, generate.sql], ids=["schema", "commands", "sql"])
def test_generated_pages_are_up_to_date(page):
    assert read(f"docs/{page.__name__}.md") == page(), "run `make docs`"


def test_what_the_readme_shows_is_what_is_printed():
    assert read("README.md") == generate.readme(), "run `make docs`"


def test_every_view_is_in_the_schema_page_after_those_it_reads():
    page = read("docs/schema.md")
    places = {view.name: page.index(f"### {view.name}\n") for view in views()}
    assert {path.stem for path in ROOT.glob("schema/views/*.sql")} == set(places)
    for view in views():
        assert all(places[name] < places[view.name] for name in view.reads & places.keys()), view.name


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_path_and_link_that_is_named_exists(page):
    text = re.sub(r"```.*?```", "", read(page), flags=re.DOTALL)
    links = re.findall(r"\]\((?!http)([^)#]+)\)", text)
    paths = re.findall(r"`((?:\.?[\w-]+/)+[\w.-]*|\.?[\w-]+\.(?:py|toml|yaml|md|txt))`", text)
    assert links or paths
    for path in {*links, *paths} - {"spool/", "reports/", "lab/"}:
        while "NAME" in path or "NNNN" in path:  # a file that a contributor would write: its folder
            path = str(Path(path).parent)
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_command_and_option_that_is_named_exists(page):
    text = read(page)
    found = re.findall(r"`(triadic [^`]+)`", text)
    found += re.findall(
        r"^(?:\$ )?(triadic [^\n]+)", "\n".join(re.findall(r"```(?:sh|text)\n(.*?)```", text, re.DOTALL)), re.M
    )
    assert found
    for line in found:
        words = shlex.split(line.partition(" #")[0].replace("…", "").split("|")[0].split('"')[0])[1:]
        command, flags = cli, {"--lab", "--version", "--help"}
        while isinstance(command, click.Group) and words and words[0] != "NAME" and words[0][0] != "-":
            context = click.Context(command)
            command = command.get_command(context, words.pop(0))
            assert command, line
        flags |= {flag for option in command.params for flag in (*option.opts, *option.secondary_opts)}
        assert {word for word in words if word.startswith("--")} <= flags, line


def test_the_readme_names_every_table():
    text = read("README.md")
    for table in TABLES:
        name = table.__tablename__
        if not name.startswith("schema_"):
            assert f"`{name}`" in text or (name.startswith("published_") and "`published_*`" in text), name


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.M))
    for page in ("README.md", "CONTRIBUTING.md"):
        assert set(re.findall(r"(?:`|^)make ([a-z-]+)", read(page), re.M)) <= targets, page
