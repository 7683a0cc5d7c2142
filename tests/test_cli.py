"""The front door: help for everything, one line for every mistake, the same command twice changes nothing."""

import json
import subprocess
import sys

import click
import pytest

from triadic import cli as front
from triadic.schema.lab import Lab


@pytest.fixture
def call(capsys, monkeypatch):
    """Run the command line in this process: (exit code, stdout, stderr)."""

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["triadic", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            front.main()
        out, err = capsys.readouterr()
        return ended.value.code or 0, out, err

    return run


def commands(group=front.cli, path=()):
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize(
    ("path", "command"), list(commands()), ids=lambda x: "-".join(x) if isinstance(x, tuple) else ""
)
def test_every_command_says_what_it_does_and_ends_in_an_example(path, command):
    assert command.help
    if not isinstance(command, click.Group):
        assert f"Example: triadic {' '.join(path)}" in command.help
    for option in command.params:
        assert isinstance(option, click.Argument) or option.name in {"seed", "fmt", "origin", "framing", "host", "port",
                                                                     "triplets", "concept_set"} or option.help  # fmt: skip


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
    for args, told in [
        (("judge", "no-such-model"), "did you mean"),
        (("judge", "qwen25-7b-instruct", "--triplet-set", "zz"), "triadic plan"),
        (("ingest", "concepts", tmp_path / "words.csv"), "no column word"),
        (("ingest", "concepts", tmp_path / "missing.csv"), "no file"),
        (("ingest", "reference", "--path", tmp_path / "human.npy"), "not an embedding"),
        (("plan", "--triplets", "99999999"), "ask for 1,024,128 or fewer"),
        (("plan", "--concepts", "birds"), "triadic ingest concepts"),
        (("embed", "gemma-3-270m"), "no finished judge run"),
        (("embed", "gemma-3-270m", "--dims", "many"), "--dims is a number or auto"),
        (("sql", "SELEC 1"), "SQL: Parser Error"),
        (("sql", "DELETE FROM rater"), "read-only"),
        (("model", "show", "gemma-3-270"), "did you mean"),
        (("backup", lab.path), "exists"),
    ]:  # fmt: skip
        code, _, err = call(*at, *args)
        one_line(code, err)
        assert told in err, (args, err)
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
    assert "give one of --path FILE" in err


def test_the_lab_can_be_named_before_and_after_and_by_environment(call, lab, monkeypatch):
    assert call("--lab", lab.path, "model", "list")[0] == 0
    assert call("model", "list", "--lab", lab.path)[0] == 0
    monkeypatch.setenv("TRIADIC_LAB", str(lab.path))
    assert call("model", "list")[0] == 0


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
