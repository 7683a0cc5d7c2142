"""Growth of a fit with the number of answers: time a step and a fit, memory, from 10,000 to 10 million answers.

    python tests/benchmarks/bench_growth.py [--most 10000000]

Prediction, written before the first run: the cost of a step is linear (within 1.5× of proportional from 100,000
answers on, below that the n × n products show); 10 million answers of three int32 (120 MB) need under 3 × 120 MB on
top of themselves: 80 MB stay as pair numbers, the sort takes 80 MB for a moment, blocks a few tens.

Seen (one thread; 500 items × 10 dimensions; a step takes 17.9 ms at 1 million answers and 161 ms at 10 million on a
quiet machine, 13.5 and 235 ms on a busy one):

         answers  collapse s   step ms  ns/answer   own MB  python MB  ratio
          10,000       0.018      5.25      524.9      0.1        9.2  80.71
         100,000       0.023      8.20       82.0      1.1       12.2  10.66
       1,000,000       0.092     17.86       17.9     11.4       30.2   2.64
      10,000,000       1.120    160.85       16.1    114.4      176.1   1.54

The ratio of small sets is that of a few 500 × 500 matrices to a few bytes of answers.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
import tracemalloc
import warnings

import numpy as np

from triadic.compute.ordinal import CKL, NotConverged
from triadic.compute.triplets import sample_triplets
from triadic.tests.compute.simulated_raters import simulate_answers

N_ITEMS, N_DIMS, STEPS = 500, 10, 20


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=10_000_000)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return measure(options.one)
    print(f"{N_ITEMS} items, {N_DIMS} dims, CKL, {STEPS} steps; memory beyond the answers' own")
    print(
        f"{'answers':>12} {'collapse s':>11} {'step ms':>9} {'ns/answer':>10} {'own MB':>8} {'python MB':>10} {'RSS MB':>8} {'ratio':>6}"
    )
    size = 10_000
    while size <= options.most:
        # A process each: the high-water mark of memory never falls.
        subprocess.run([sys.executable, __file__, "--one", str(size)], check=True)
        size *= 10


def measure(size):
    rng = np.random.default_rng(0)
    space = rng.standard_normal((N_ITEMS, N_DIMS))
    answers = simulate_answers(space, sample_triplets(N_ITEMS, size, rng), rng)
    own = answers.nbytes
    warnings.simplefilter("ignore", NotConverged)
    CKL(N_DIMS, max_steps=2, tol=0).fit(answers[:1000], n_items=N_ITEMS)  # libraries loaded, buffers of the items there
    started = time.perf_counter()
    CKL(N_DIMS, max_steps=1, tol=0, record_every=1000).fit(answers, n_items=N_ITEMS)
    first = time.perf_counter() - started
    started = time.perf_counter()
    CKL(N_DIMS, max_steps=1 + STEPS, tol=0, record_every=1000).fit(answers, n_items=N_ITEMS)
    step = (time.perf_counter() - started - first) / STEPS
    tracemalloc.start()
    CKL(N_DIMS, max_steps=2, tol=0, record_every=1000).fit(answers, n_items=N_ITEMS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{size:>12,} {first:>11.3f} {1e3 * step:>9.2f} {1e9 * step / size:>10.1f} {own / 2**20:>8.1f} {peak / 2**20:>10.1f} "
        f"{rss:>8.0f} {peak / own:>6.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
