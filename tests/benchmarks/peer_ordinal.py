"""One fit by another program, in its own virtual environment: `peer_ordinal.py NAME ANSWERS.npz RESULT.npz`.

Run by bench_ordinal.py and bench_spose.py; it may import only numpy and the peer. Settings are the peer's defaults
except where a comment says why not. Times are of `fit` alone, without imports.
"""

import sys
import time

import numpy as np


def cblearn(algorithm, backend, **settings):
    from cblearn import embedding

    def fit(train, heldout, n_items, n_dims):
        estimator = getattr(embedding, algorithm)(n_dims, backend=backend, random_state=0, **settings)
        estimator.fit(train, n_objects=n_items) if algorithm == "CKL" else estimator.fit(train)
        return estimator.embedding_

    return fit


def salmon(max_epochs):
    from salmon.triplets.offline import OfflineEmbedding

    def fit(train, heldout, n_items, n_dims):
        # [head, winner, loser]. Its default of 400,000 epochs would take days; see bench_ordinal for this number.
        estimator = OfflineEmbedding(n=n_items, d=n_dims, max_epochs=max_epochs, random_state=0, verbose=0)
        estimator.fit(train, heldout)
        return estimator.embedding_

    return fit


PEERS = {
    "cblearn CKL scipy": lambda: cblearn("CKL", "scipy"),
    "cblearn CKL torch": lambda: cblearn("CKL", "torch"),
    "cblearn STE scipy": lambda: cblearn("STE", "scipy"),
    "cblearn STE torch": lambda: cblearn("STE", "torch"),
    # One start, as everywhere here; its default is ten.
    "cblearn SOE scipy": lambda: cblearn("SOE", "scipy", n_init=1),
    "cblearn SOE torch": lambda: cblearn("SOE", "torch", n_init=1),
    "salmon CKL": lambda: salmon(200),
}


def main(name, source, target):
    given = np.load(source)
    fit = PEERS[name]()
    started = time.perf_counter()
    embedding = fit(given["train"], given["heldout"], int(given["n_items"]), int(given["n_dims"]))
    np.savez(target, embedding=np.asarray(embedding, dtype=np.float64), seconds=time.perf_counter() - started)


if __name__ == "__main__":
    main(*sys.argv[1:])
