"""Shared by all rooms: a fresh lab in no time, the third-party human embedding where there is one."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["TRIADIC_MIRROR"] = "off"  # tests of the mirror say otherwise
for name in ("TRIADIC_LAB", "COLUMNS"):  # what a person may have set
    os.environ.pop(name, None)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def _full_lab(tmp_path_factory):
    from triadic.ingest.everything import ingest_everything
    from triadic.schema.lab import Lab

    lab = Lab.create(tmp_path_factory.mktemp("template") / "lab")
    ingest_everything(lab)
    return lab.path


@pytest.fixture
def lab(_full_lab, tmp_path):
    """A lab with everything that ships with Triadic."""
    from triadic.schema.lab import Lab

    shutil.copytree(_full_lab, tmp_path / "lab")
    return Lab(tmp_path / "lab")


@pytest.fixture
def empty_lab(tmp_path):
    from triadic.schema.lab import Lab

    return Lab.create(tmp_path / "empty")


@pytest.fixture
def call(capsys, monkeypatch):
    """Run the command line in this process: (exit code, stdout, stderr)."""
    from triadic import cli as front

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["triadic", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            front.main()
        out, err = capsys.readouterr()
        return ended.value.code or 0, out, err

    return run


@pytest.fixture(scope="session")
def things_folder() -> Path:
    """Where the THINGS concept table and a human embedding lie: $TRIADIC_THINGS, or shared/things beside the checkout."""
    folder = Path(os.environ.get("TRIADIC_THINGS", ROOT.parent / "shared" / "things"))
    if not (folder / "vice_embedding_1854x42.npy").is_file():
        pytest.skip("left out: no human embedding here (set TRIADIC_THINGS to a folder with the THINGS files)")
    return folder


@pytest.fixture(scope="session")
def vice(things_folder) -> Path:
    return things_folder / "vice_embedding_1854x42.npy"
