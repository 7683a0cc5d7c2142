"""What it costs to make an alignment figure believable, beside the obvious way to do it.

    python tests/benchmarks/bench_alignment.py [--permutations 1000] [--naive 20] [--no-lab]

1. Permutation nulls of every metric, against a loop that shuffles rows and calls scipy (procrustes, pdist with spearmanr
   and pearsonr) or the published formula for each draw; the loop makes `--naive` draws and is scaled up.
2. The bootstrap of every metric over concepts, 1,000 resamples.
3. Scoring refits: one prepared reference, against calling each metric's function.
4. One model, everything, in a lab: a simulated rater's 35,000 answers, 30 dimensions, aligned with one reference:
   100 answer bootstraps and 200 coin flips with refits, ceilings, 1,000 permutations, 1,000 concept bootstraps.

Predictions, written before the first run: permutations of every metric in 2 s, 50× the loop; concept bootstraps 3 s;
scoring 4× the functions; one model and one reference 20 s, half of it fits (reach: 5 s for 1,000 permutations of every
metric, 60 s for one model with 100 bootstraps, on two cores). One thread throughout.

Seen (two cores under a load of 3, one thread): permutations of every metric 1.6 s, 45× the loop, to 1e-15 the same;
concept bootstraps 3.4 s; scoring 6.6 ms a refit, 2.6× the functions; one model and one reference 16 s.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: everybody gets one thread

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from spaces import human_space, principal

from triadic.compute.metrics import METRICS
from triadic.compute.metrics.scorer import ReferenceScorer
from triadic.compute.resampling.concepts import bootstrap_concepts
from triadic.compute.resampling.permutation import permutation_null
from triadic.compute.triplets import sample_triplets
from triadic.tests.compute.simulated_raters import simulate_answers

LABELS = [f"kind{i % 7}" for i in range(128)]


def timed(call):
    started = time.perf_counter()
    out = call()
    return time.perf_counter() - started, out


def naive_draw(human, model, order, asked, answers):
    """One permutation the obvious way: shuffle rows, then call a library, or a metric where no library has it."""
    from scipy.spatial import procrustes
    from scipy.spatial.distance import pdist
    from scipy.stats import pearsonr, spearmanr

    shuffled = model[order]
    out = {"procrustes_r2": 1 - procrustes(human, shuffled)[2]}
    for kind in ("euclidean", "cosine"):
        a, b = (pdist(x - x.mean(0), kind) for x in (human, shuffled))
        out[f"rsa_spearman_{kind}"], out[f"rsa_pearson_{kind}"] = spearmanr(a, b)[0], pearsonr(a, b)[0]
    given = {"triplets": asked, "answers": answers, "labels": LABELS}
    for name in METRICS.keys() - out.keys():
        first = human[order] if name == "answer_agreement" else human
        out[name] = METRICS[name](first, shuffled, **given)
    return out


def permutations(human, model, asked, answers, n, n_naive):
    given = {"triplets": asked, "answers": answers, "labels": LABELS}
    print(f"\n{n} permutations, 128 concepts × 30, {len(asked):,} questions")
    whole, drawn = timed(lambda: permutation_null(human, model, n, np.random.default_rng(0), **given))
    rng = np.random.default_rng(0)
    orders = [rng.permutation(len(human)) for _ in range(n)]
    spent, loop = timed(lambda: [naive_draw(human, model, order, asked, answers) for order in orders[:n_naive]])
    apart = max(abs(draw[name] - drawn[name][i]) for i, draw in enumerate(loop) for name in draw)
    naive = spent * n / n_naive
    print(f"  every metric        {whole:7.2f} s   (reach: 5 s)")
    print(f"  the loop            {naive:7.1f} s   ({n_naive} draws, scaled)   ratio {naive / whole:.0f}×")
    print(f"  greatest difference between the two: {apart:.1e}")
    for name in METRICS:
        alone, _ = timed(lambda name=name: permutation_null(human, model, n, np.random.default_rng(0), [name], **given))
        print(f"    {name:24s} {alone:6.3f} s")


def concepts(human, model, asked, answers):
    given = {"triplets": asked, "answers": answers, "labels": LABELS}
    spent, _ = timed(lambda: bootstrap_concepts(human, model, 1000, np.random.default_rng(0), **given))
    print(f"\n1,000 resamples of the concepts, every metric: {spent:.2f} s")


def scoring(human, model, asked, answers, n=40):
    given = {"triplets": asked, "labels": LABELS}
    scorer = ReferenceScorer(human, **given)
    ours, _ = timed(lambda: [scorer.score(model, answers) for _ in range(n)])
    each, _ = timed(lambda: [m(human, model, answers=answers, **given) for _ in range(n) for m in METRICS.values()])
    print(
        f"\nscoring one refit on every metric: {1e3 * ours / n:.1f} ms; by the functions {1e3 * each / n:.1f} ms "
        f"({each / ours:.1f}×)"
    )


def one_model(space):
    import pandas as pd

    from triadic.compute.stages.align import align
    from triadic.compute.stages.embed import embed
    from triadic.compute.stages.plan import draw_triplet_set
    from triadic.ingest.everything import ingest_everything
    from triadic.schema.lab import Lab
    from triadic.schema.lifecycle import Work, finish
    from triadic.schema.tables import Rater, Response
    from triadic.schema.vocabulary import Stage

    with tempfile.TemporaryDirectory() as folder:
        lab = Lab.create(Path(folder) / "lab")
        ingest_everything(lab)
        questions = draw_triplet_set(lab, "things-128")
        asked = lab.store.read(
            "SELECT anchor, left_item, right_item FROM triplet WHERE triplet_set_id = ? ORDER BY triplet_no",
            [questions],
        ).to_numpy()
        answers = simulate_answers(space, asked, np.random.default_rng(1))
        lab.store.insert(Rater, [Rater(rater_id="simulated", kind="simulated")])
        config = {"framing": "anchored", "answer": "score", "n_questions": len(asked)}
        run_id = Work(Stage.judge, "simulated", config, "things-128", questions).begin(lab)
        choice = np.where(answers[:, 1] == asked[:, 1], "left", "right")
        rows = {"run_id": run_id, "triplet_no": np.arange(len(asked)), "flipped": False, "repeat": 0, "choice": choice}
        finish(lab, run_id, [(Response, pd.DataFrame(rows))])
        fitting, embedding = timed(lambda: embed(lab, run_id))
        aligning, _ = timed(lambda: align(lab, embedding, ["wordnet"]))
        again, _ = timed(lambda: align(lab, embedding, ["wordnet"]))
        draws, size = lab.store.row("SELECT count(*) FROM metric_draw")[0], lab.store.path.stat().st_size
        print(
            f"\none model, 35,000 answers: fit {fitting:.2f} s, align with one reference {aligning:.1f} s "
            f"(reach: 60 s), again {again:.2f} s; {draws:,} draws stored, lab {size / 1e6:.1f} MB"
        )
        look, _ = timed(lambda: lab.store.read("SELECT * FROM alignment"))
        print(f"view alignment over them: {1e3 * look:.0f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--permutations", type=int, default=1000)
    parser.add_argument("--naive", type=int, default=20, help="draws the naive loop makes")
    parser.add_argument("--no-lab", action="store_true", help="leave out the run of one model through a lab")
    options = parser.parse_args()
    space, name = human_space()
    rng = np.random.default_rng(1)
    human = principal(space, 30)
    model = human @ np.linalg.qr(rng.normal(size=(30, 30)))[0] + human.std() * rng.normal(size=human.shape)
    asked = sample_triplets(len(space), 35_000, rng)
    answers = simulate_answers(space, asked, rng)
    print(f"reference: {name}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, one thread")
    permutations(human, model, asked, answers, options.permutations, options.naive)
    concepts(human, model, asked, answers)
    scoring(human, model, asked, answers)
    if not options.no_lab:
        one_model(space)


if __name__ == "__main__":
    main()
