"""The one door: bulk writes in one transaction, many processes taking turns, one clear line for what cannot be opened."""

import gzip
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sqlmodel import select

from triadic.schema.errors import BadInput, Conflict, NotFound, Unavailable
from triadic.schema.lab import Lab
from triadic.schema.tables import EmbeddingRow, Metric, Rater, Response


def responses(run_id: str, n: int, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "run_id": pa.repeat(run_id, n),
            "triplet_no": np.arange(n, dtype=np.int32),
            "flipped": np.zeros(n, bool),
            "repeat": np.zeros(n, np.int16),
            "choice": rng.choice(["left", "right"], n),
            "logprob_left": rng.normal(size=n),
            "logprob_right": rng.normal(size=n),
        }
    )


def test_the_same_rows_twice_are_there_once(empty_lab):
    rows = [Rater(rater_id="a", kind="llm"), Rater(rater_id="b", kind="human")]
    assert empty_lab.store.insert(Rater, rows) == 2
    assert empty_lab.store.insert(Rater, rows) == 0
    assert empty_lab.store.insert(Response, responses("r", 1000)) == 1000
    assert empty_lab.store.insert(Response, responses("r", 1500, seed=1)) == 500


def test_rows_come_back_as_they_went_in(empty_lab):
    vectors = np.random.default_rng(0).normal(size=(5, 3))
    table = pa.table({"embedding_id": ["e"] * 5, "position": np.arange(5, dtype=np.int32), "vector": list(vectors)})
    empty_lab.store.insert(EmbeddingRow, table)
    back = empty_lab.store.arrow("SELECT vector FROM embedding_row ORDER BY position").column(0).to_pylist()
    assert np.array_equal(np.array(back), vectors)


def test_sqlmodel_reads_what_the_store_wrote(empty_lab):
    empty_lab.store.insert(Rater, [Rater(rater_id="a", kind="llm")])
    with empty_lab.store.session() as session:
        assert [r.rater_id for r in session.exec(select(Rater))] == ["a"]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_not_finite_are_refused_whole(empty_lab, bad):
    with pytest.raises(BadInput, match=r"metric\.value holds NaN or infinity"):
        empty_lab.store.insert(
            Metric,
            [
                Metric(run_id="r", name=n, embedding_id="e", reference_id="f", value=v)
                for n, v in (("good", 1.0), ("bad", bad))
            ],
        )
    assert empty_lab.store.row("SELECT count(*) FROM metric") == (0,)
    rows = pa.table({"embedding_id": ["e"], "position": pa.array([0], pa.int32()), "vector": [[0.0, bad]]})
    with pytest.raises(BadInput, match="vector"):
        empty_lab.store.insert(EmbeddingRow, rows)


def test_a_failed_transaction_leaves_nothing(empty_lab):
    class Boom(Exception):
        pass

    def fail_half_way():
        with empty_lab.store.transaction():
            empty_lab.store.insert(Rater, [Rater(rater_id="a", kind="llm")])
            raise Boom

    with pytest.raises(Boom):
        fail_half_way()
    assert empty_lab.store.row("SELECT count(*) FROM rater") == (0,)


def test_unknown_columns_are_named(empty_lab):
    with pytest.raises(BadInput, match="table rater has no column shoe"):
        empty_lab.store.insert(Rater, pa.table({"rater_id": ["a"], "shoe": [1]}))


def test_a_reader_waits_for_a_writer_in_another_process(empty_lab):
    code = (
        "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('in', flush=True); time.sleep(1.0); c.close()"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(empty_lab.store.path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout.readline() == "in\n"
    started = time.monotonic()
    assert empty_lab.store.row("SELECT count(*) FROM rater") == (0,)
    assert time.monotonic() - started > 0.3
    writer.wait()


def test_a_writer_that_never_leaves_is_named(empty_lab):
    code = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('in', flush=True); time.sleep(30)"
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(empty_lab.store.path)], stdout=subprocess.PIPE, text=True
    )
    try:
        writer.stdout.readline()
        with pytest.raises(Unavailable, match=f"held by process {writer.pid}"):
            Lab(empty_lab.path, patience=0.3).store.row("SELECT 1")
    finally:
        writer.kill()
        writer.wait()


def test_threads_of_one_process_share_the_door(empty_lab):
    def write(name):
        empty_lab.store.insert(Rater, [Rater(rater_id=name, kind="llm")])

    threads = [threading.Thread(target=write, args=(f"r{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert empty_lab.store.row("SELECT count(*) FROM rater") == (8,)


def test_rows_committed_before_a_kill_are_there_and_half_a_transaction_is_not(empty_lab):
    code = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]);"
        "c.execute(\"INSERT INTO rater VALUES ('whole', 'llm', NULL, now())\"); c.begin();"
        "c.execute(\"INSERT INTO rater VALUES ('half', 'llm', NULL, now())\"); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(empty_lab.store.path)], check=False)
    assert empty_lab.store.read("SELECT rater_id FROM rater").rater_id.tolist() == ["whole"]


def test_files_that_are_no_labs_are_refused_in_one_line(tmp_path):
    with pytest.raises(NotFound, match="triadic init"):
        Lab.open(tmp_path / "nowhere")
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "lab.duckdb").write_bytes(b"this is no database" * 1000)
    with pytest.raises(Conflict, match="not a DuckDB file"):
        Lab.open(tmp_path / "lab")


def test_a_file_of_another_duckdb_is_refused_in_one_line(tmp_path):
    newer = Path(__file__).parent / "data" / "written_by_duckdb_2.duckdb.gz"
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "lab.duckdb").write_bytes(gzip.decompress(newer.read_bytes()))
    with pytest.raises(Conflict, match="another version of DuckDB") as caught:
        Lab.open(tmp_path / "lab")
    assert "\n" not in str(caught.value)
