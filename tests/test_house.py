"""The rules of the house that a machine can hold: who imports whom, what files are called, how they are formatted."""

import ast
import itertools
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("schema", "ingest", "compute", "reports")
MAY_IMPORT = {
    "schema": {"schema"},
    "ingest": {"ingest", "schema"},
    "compute": {"compute", "schema"},
    "reports": {"reports", "schema"},
}
MODULES = [path for room in ROOMS for path in sorted(ROOT.glob(f"{room}/**/*.py"))]
SOURCE = [*MODULES, *sorted(ROOT.glob("*.py"))]


def name(path):
    return str(path.relative_to(ROOT))


def imported(path):
    """Modules of Triadic that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            pytest.fail(f"{name(path)}: a relative import hides the room it reaches into")
        found = [node.module] if isinstance(node, ast.ImportFrom) else []
        found += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module == "triadic":
            found = [f"triadic.{alias.name}" for alias in node.names]
        yield from (module for module in found if module.startswith("triadic."))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_rooms_depend_one_way(path):
    """cli → reports, compute, ingest → schema; compute and reports never import each other."""
    room = path.relative_to(ROOT).parts[0]
    assert {module.split(".")[1] for module in imported(path)} <= MAY_IMPORT[room]


def alike(one, two):
    """Whether two names are equal, or differ by one letter."""
    if abs(len(one) - len(two)) > 1 or one == two:
        return one == two
    short, long = sorted((one, two), key=len)
    if len(short) == len(long):
        return sum(a != b for a, b in zip(short, long, strict=True)) == 1
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


def test_alike_tells_a_letter_from_two():
    assert alike("report", "reports")
    assert alike("plan", "plain")
    assert alike("card", "cart")
    assert not alike("model", "metric")
    assert not alike("run", "runner")


@pytest.mark.parametrize("room", ROOMS)
def test_no_two_files_of_a_room_have_one_name_or_nearly(room):
    files = [path for path in ROOT.glob(f"{room}/**/*.py") if path.name != "__init__.py"]
    assert len(files) > 5
    assert [
        (name(a), name(b)) for a, b in itertools.combinations(files, 2) if a.name == b.name or alike(a.stem, b.stem)
    ] == []


def test_formatting_is_left_to_the_formatter():
    skips = {name(path): path.read_text(encoding="utf-8").count("# fmt: skip") for path in SOURCE}
    assert sum(skips.values()) <= 10, {path: n for path, n in skips.items() if n}


def test_modules_are_short():
    assert {name(path) for path in SOURCE if path.read_text(encoding="utf-8").count("\n") >= 500} == set()


def test_every_function_says_what_it_takes_and_gives():
    """mypy holds all but the judges that load weights; this holds those too."""
    bare = []
    for path in SOURCE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                taken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                if node.returns is None or not all(a.annotation or a.arg in ("self", "cls") for a in taken):
                    bare.append(f"{name(path)}:{node.name}")
    assert bare == []


def test_the_front_door_finds_everything_by_name():
    for path in (ROOT / "cli.py", ROOT / "reports" / "console.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not {"importlib"} & {
            module.partition(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for module in (alias.name for alias in node.names)
        }
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "getattr"], path.name
