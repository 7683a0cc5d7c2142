"""What is written about Triadic is what Triadic is."""

import importlib.util
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)


@pytest.mark.parametrize("name", ["schema", "commands"])
def test_generated_pages_are_up_to_date(name):
    written = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert written == getattr(generate, name)(), "run `python docs/generate.py`"


def test_every_package_with_code_is_in_the_wheel():
    """An omitted one would silently leave it."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {
        ".".join(("triadic", *path.parent.relative_to(ROOT).parts))
        for room in ("schema", "ingest", "compute", "reports")
        for path in ROOT.glob(f"{room}/**/__init__.py")
    }
    assert found | {"triadic"} == set(listed)


def test_rooms_depend_one_way():
    """cli → reports, compute, ingest → schema; compute and reports never import each other."""
    allowed = {
        "schema": {"schema"},
        "ingest": {"ingest", "schema"},
        "compute": {"compute", "schema"},
        "reports": {"reports", "schema"},
    }
    for room, may in allowed.items():
        for path in ROOT.glob(f"{room}/**/*.py"):
            for line in path.read_text(encoding="utf-8").splitlines():
                words = line.split()
                if words[:1] in (["from"], ["import"]) and len(words) > 1 and words[1].startswith("triadic."):
                    assert words[1].split(".")[1] in may, f"{path.relative_to(ROOT)}: {line.strip()}"


def test_every_view_has_a_comment_per_column():
    for path in ROOT.glob("schema/views/*.sql"):
        assert path.read_text(encoding="utf-8").startswith("-- "), path.name
