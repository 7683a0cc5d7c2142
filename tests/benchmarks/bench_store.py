"""How fast answers load, and how much room they take.

Prediction, before it was measured: one Arrow insert of 35,000 rows with a four-column key takes about 0.2 s, loading 137
spool files of 256 takes twice that, row-by-row insertion is 100 times slower, and a model takes 2 to 6 MB.

Seen on two busy cores: 0.28 s, 0.48 s from the spool, 54 times slower row by row, 2.5 MB per model.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from triadic.schema.keys import content_key
from triadic.schema.lab import Lab
from triadic.schema.tables import Response

N, BATCH, MODELS = 35_000, 256, 5


def answers(run_id: str, seed: int) -> pa.Table:
    """Answers as a language model gives them: two log-probabilities, a choice, a hash of the prompt."""
    rng = np.random.default_rng(seed)
    left, right = rng.normal(-4, 2, (2, N))
    return pa.table(
        {
            "run_id": pa.repeat(run_id, N),
            "triplet_no": np.arange(N, dtype=np.int32),
            "flipped": np.zeros(N, bool),
            "repeat": np.zeros(N, np.int16),
            "choice": np.where(left > right, "left", "right"),
            "invalid_reason": pa.nulls(N, pa.string()),
            "raw_text": pa.nulls(N, pa.string()),
            "logprob_anchor": pa.nulls(N, pa.float64()),
            "logprob_left": left,
            "logprob_right": right,
            "prompt_hash": rng.integers(-(2**63), 2**63, N),
            "prompt_tokens": rng.integers(40, 60, N).astype(np.int16),
            "answer_tokens": rng.integers(2, 8, N).astype(np.int16),
        }
    )


def timed(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab.create(Path(folder) / "lab")
        empty = os.path.getsize(lab.store.path)
        straight = [timed(lambda i=i: lab.store.insert(Response, answers(content_key(i), i))) for i in range(MODELS)]
        spooled = []
        for i in range(MODELS, 2 * MODELS):
            table = answers(content_key(i), i)
            for start in range(0, N, BATCH):
                lab.spool.write(Response, f"{content_key(i)}-{start:06d}", table.slice(start, BATCH))
            spooled.append(timed(lab.spool.load))
        size = (os.path.getsize(lab.store.path) - empty) / (2 * MODELS) / 1e6
        few = answers("one-by-one", 99).slice(0, 500)
        with lab.store.transaction() as con:
            names = ", ".join(few.column_names)
            marks = ", ".join("?" * few.num_columns)
            rows = [list(row.values()) for row in few.to_pylist()]
            by_row = timed(lambda: con.executemany(f"INSERT INTO response ({names}) VALUES ({marks})", rows)) * N / 500
        read = timed(lambda: lab.store.read("SELECT rater_name, count(*) FROM judgment GROUP BY 1"))
    print(f"{N:,} responses, one Arrow table   {np.median(straight):7.3f} s   (target < 0.5 s)")
    print(f"{N:,} responses, {len(range(0, N, BATCH))} spool files   {np.median(spooled):7.3f} s   (target < 0.5 s)")
    print(
        f"the same row by row, scaled       {by_row:7.1f} s   {by_row / np.median(straight):.0f} times the Arrow table"
    )
    print(f"room in the file per model        {size:7.2f} MB  (target < 10 MB)")
    print(f"counting the judgments            {read:7.3f} s")


if __name__ == "__main__":
    main()
