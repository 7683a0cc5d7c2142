"""A finished judge run of a rater that answers from the WordNet space, and few draws."""

from __future__ import annotations

import numpy as np
import pandas as pd

from triadic.compute.settings import AlignSettings, FitSettings
from triadic.compute.stages.plan import draw_triplet_set
from triadic.schema.embeddings import read_embedding
from triadic.schema.lifecycle import Work, finish
from triadic.schema.tables import Rater, Response
from triadic.schema.vocabulary import Stage

FEW = AlignSettings(
    n_permutations=20, n_coin_flips=3, n_bootstraps=3, n_concept_bootstraps=20, n_ceiling=2, n_split_halves=2
)
FIT = FitSettings(n_dims=5)
N = 1200


def draw_questions(lab):
    triplet_set = draw_triplet_set(lab, "things-128", N, 0)
    columns = "SELECT anchor, left_item, right_item FROM triplet WHERE triplet_set_id = ? ORDER BY triplet_no"
    return triplet_set, lab.store.read(columns, [triplet_set]).to_numpy()


def judge_by_wordnet(
    lab, name="sim", kind="simulated", framing="anchored", invalid=0.0, temperature=0.05, seed=0, orders="drawn"
):
    """A finished judge run of a rater that answers from the WordNet space."""
    triplet_set, asked = draw_questions(lab)
    reference = read_embedding(lab, lab.store.row("SELECT embedding_id FROM embedding WHERE name = 'wordnet'")[0])
    rng = np.random.default_rng(seed)
    lab.store.insert(Rater, [Rater(rater_id=name, kind=kind)])
    work = Work(
        Stage.judge,
        name,
        {"framing": framing, "answer": "score", "orders": orders, "n_questions": N, "seed": seed},
        "things-128",
        triplet_set,
    )
    run_id = work.begin(lab)
    frames = []
    for flipped in (False, True) if orders == "both" else (False,):
        gram = reference @ reference.T
        scores = np.stack([gram[asked[:, i], asked[:, j]] for i, j in ((0, 1), (0, 2), (1, 2))], 1) / temperature
        if framing == "anchored":
            scores = scores[:, :2]
        choice = np.array(["left", "right", "apart"], object)[(scores + rng.gumbel(size=scores.shape)).argmax(1)]
        logs = scores - np.logaddexp.reduce(scores, 1)[:, None]
        bad = rng.random(N) < invalid
        choice[bad] = None
        frames.append(
            pd.DataFrame(
                {
                    "run_id": run_id,
                    "triplet_no": np.arange(N),
                    "flipped": flipped,
                    "repeat": 0,
                    "choice": choice,
                    "invalid_reason": np.where(bad, "refusal", None),
                    "logprob_left": logs[:, 0],
                    "logprob_right": logs[:, 1],
                }
            )
        )
    finish(lab, run_id, [(Response, pd.concat(frames))])
    return run_id
