"""What a shell is offered, and what a mistyped command is told."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from triadic.schema.tables import Rater, RaterEvent, Run


def offered(line, **env):
    """What TAB offers at the end of a line."""
    words = line.split(" ")
    env = {
        **os.environ,
        "_TRIADIC_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        **env,
    }
    code = "import sys; sys.argv = ['triadic']\nfrom triadic.cli import main\nmain()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
    assert done.stderr == ""
    return [entry.partition(",")[2] for entry in done.stdout.splitlines() if entry]


@pytest.fixture
def known(lab):
    """A lab in which one of many gemmas was asked something."""
    lab.store.insert(
        Run, [Run(run_id="r", stage="judge", rater_id="gemma-3-270m", config={}, config_hash="c", versions={})]
    )
    lab.store.insert(Rater, [Rater(rater_id="anna", kind="human"), Rater(rater_id="gone", kind="human")])
    lab.store.insert(RaterEvent, [RaterEvent(rater_id="gone", action="removed")])
    return lab


def test_names_of_the_lab_are_offered_those_it_has_used_first(known):
    at = f"triadic --lab {known.path}"
    assert offered(f"{at} report compare gem") == ["gemma-3-270m"]
    assert len(offered(f"{at} report compare gemma-2")) == 6  # none of these was asked: the suite's
    assert offered(f"{at} report compare go") == []
    assert offered(f"{at} report ranking --raters anna,GEM") == ["anna,gemma-3-270m"]
    assert offered(f"{at} report ranking --reference w") == ["wordnet"]
    assert offered("triadic report compare gem", TRIADIC_LAB=str(known.path)) == ["gemma-3-270m"]
    assert offered(f"triadic report compare --lab {known.path} gem") == ["gemma-3-270m"]


def test_commands_and_options_are_offered():
    assert "report" in offered("triadic re")
    assert offered("triadic report rank") == ["ranking"]
    assert set(offered("triadic report ranking --raters a --ex")) == {"--exclude"}
    assert offered("triadic report ranking --format js") == ["json"]


def test_without_a_lab_or_with_a_broken_one_nothing_is_offered_at_once(tmp_path):
    began = time.monotonic()
    assert offered(f"triadic --lab {tmp_path / 'none'} report compare gem") == []
    (tmp_path / "lab.duckdb").write_bytes(b"no database")
    assert offered(f"triadic --lab {tmp_path} report compare gem") == []
    assert time.monotonic() - began < 20


def test_the_way_to_switch_it_on_is_in_the_help(call):
    assert 'eval "$(_TRIADIC_COMPLETE=bash_source triadic)"' in call("--help")[1]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (("reprot",), "no command 'reprot': did you mean report"),
        (("report", "rnking"), "no command 'rnking': did you mean ranking?"),
        (("ranking",), "no command 'ranking': did you mean report ranking?"),
        (("zzzzzz",), "no command 'zzzzzz'\n"),
        (("status", "--rnus"), "--runs"),
    ],
)
def test_a_mistyped_command_or_option_is_told_what_is_near_it(call, typed, told):
    code, _, err = call(*typed)
    assert code == 2
    assert told in err
