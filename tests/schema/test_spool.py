"""The spool: whole files only, loaded once, kept when anything is wrong."""

import pyarrow as pa
import pytest

from triadic.schema.errors import Conflict
from triadic.schema.tables import Response


def rows(numbers):
    n = len(numbers)
    return pa.table(
        {
            "run_id": ["r"] * n,
            "triplet_no": pa.array(numbers, pa.int32()),
            "flipped": [False] * n,
            "repeat": pa.array([0] * n, pa.int16()),
            "choice": ["left"] * n,
            "invalid_reason": pa.nulls(n, pa.string()),
            "raw_text": pa.nulls(n, pa.string()),
            "logprob_anchor": pa.nulls(n, pa.float64()),
            "logprob_left": pa.nulls(n, pa.float64()),
            "logprob_right": pa.nulls(n, pa.float64()),
            "prompt_hash": pa.nulls(n, pa.int64()),
            "prompt_tokens": pa.nulls(n, pa.int16()),
            "answer_tokens": pa.nulls(n, pa.int16()),
        }
    )


def count(lab):
    return lab.store.row("SELECT count(*) FROM response")[0]


def test_batches_are_loaded_once_and_removed(empty_lab):
    spool = empty_lab.spool
    spool.write(Response, "r-0", rows([0, 1, 2]))
    spool.write(Response, "r-1", rows([3, 4]))
    assert spool.load() == 5
    assert not spool.waiting()
    assert spool.load() == 0


def test_a_batch_that_was_loaded_but_not_removed_counts_once(empty_lab):
    spool = empty_lab.spool
    file = spool.write(Response, "r-0", rows([0, 1, 2]))
    saved = file.read_bytes()
    spool.load()
    file.write_bytes(saved)  # as if the loader had been killed between commit and removal
    assert spool.load() == 0
    assert count(empty_lab) == 3


def test_a_half_written_batch_is_not_looked_at(empty_lab):
    file = empty_lab.spool.write(Response, "r-0", rows([0]))
    file.rename(file.with_suffix(".123.partial"))
    assert empty_lab.spool.load() == 0
    assert count(empty_lab) == 0


def test_a_broken_batch_is_named_and_nothing_is_lost(empty_lab):
    spool = empty_lab.spool
    spool.write(Response, "r-0", rows([0, 1]))
    (spool.path / "response.r-1.parquet").write_bytes(b"PAR1 broken")
    with pytest.raises(Conflict, match=r"response\.r-1\.parquet"):
        spool.load()
    assert count(empty_lab) == 0
    assert len(spool.waiting()) == 2
    (spool.path / "response.r-1.parquet").unlink()
    assert spool.load() == 2
