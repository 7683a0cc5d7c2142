"""What is installed: one version number, every module with its data, names that load when they are first used."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import triadic
from triadic.compute.metrics import METRICS
from triadic.compute.ordinal import LOSSES

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("schema", "ingest", "compute", "reports")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built from a copy of what a clone holds, offline."""
    folder = tmp_path_factory.mktemp("clone")
    for file in ("pyproject.toml", "README.md", "LICENSE", "NOTICE", "py.typed", *(p.name for p in ROOT.glob("*.py"))):
        shutil.copy(ROOT / file, folder)
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    command = [
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--disable-pip-version-check",
        "-w",
        "out",
        ".",
    ]
    subprocess.run([sys.executable, *command], cwd=folder, check=True)
    (path,) = (folder / "out").glob("*.whl")
    return zipfile.ZipFile(path)


def test_everything_is_in_the_wheel(wheel):
    """A package that pyproject.toml does not list, or a kind of file, would silently leave it."""
    here = {path for room in ROOMS for kind in ("py", "sql", "csv") for path in ROOT.glob(f"{room}/**/*.{kind}")}
    here |= {*ROOT.glob("*.py"), ROOT / "py.typed"}
    packed = {name for name in wheel.namelist() if name.startswith("triadic/")}
    assert packed == {f"triadic/{path.relative_to(ROOT).as_posix()}" for path in here}


def test_there_is_one_version_number(wheel):
    (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    assert f"Version: {triadic.__version__}\n" in wheel.read(metadata).decode()
    stated = [
        path.name
        for path in (*ROOT.glob("*.py"), *ROOT.glob("*.toml"), *(p for r in ROOMS for p in ROOT.glob(f"{r}/**/*.py")))
        if f'"{triadic.__version__}"' in path.read_text(encoding="utf-8")
    ]
    assert stated == ["__init__.py"]


def test_every_estimator_and_metric_is_importable_from_the_top():
    for name in ("Lab", *(loss.__name__ for loss in LOSSES.values()), *METRICS):
        namespace = {}
        exec(f"from triadic import {name}", namespace)
        assert name in namespace
        assert name in dir(triadic)
    assert triadic.procrustes_r2 is METRICS["procrustes_r2"]
    assert triadic.rsa_spearman is METRICS["rsa_spearman_euclidean"]


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'procrustes'"):
        _ = triadic.procrustes


def test_importing_triadic_loads_nothing_else():
    code = (
        "import sys, triadic\nprint(*(name for name in sys.modules if name.startswith('triadic.') or name == 'numpy'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.slow
def test_a_type_checker_knows_what_the_top_gives(tmp_path):
    """With nothing but the link that a clone has: no installation is needed."""
    from mypy import api

    (tmp_path / "user.py").write_text(
        "from triadic import CKL, Lab, procrustes_r2\nreveal_type(CKL)\nreveal_type(Lab)\nreveal_type(procrustes_r2)\n"
    )
    (tmp_path / "mypy.ini").write_text(
        f"[mypy]\nmypy_path = {ROOT / '.typepath'}\nignore_missing_imports = true\nfollow_imports = silent\n"
    )
    files = ["--config-file", str(tmp_path / "mypy.ini"), "--cache-dir", str(tmp_path / "cache")]
    out, err, _ = api.run([str(tmp_path / "user.py"), *files])
    found = [line.partition("Revealed type is ")[2] for line in out.splitlines() if "Revealed" in line]
    assert ["CKL" in found[0], "Lab" in found[1], "ProcrustesR2" in found[2]] == [True] * 3, (out, err)
