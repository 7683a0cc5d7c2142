"""The learning curve of answers in a lab rises to the fit that the embed stage keeps."""

import numpy as np
import pytest

from triadic.compute.simulate import simulate_odd_one_out
from triadic.compute.stages.embed import FitSettings, embed
from triadic.compute.stages.learning import COLUMNS, curve_of_run
from triadic.compute.triplets import sample_triplets
from triadic.ingest.reference import wordnet_reference
from triadic.ingest.responses import ingest_responses
from triadic.schema.embeddings import read_embedding
from triadic.schema.errors import BadInput


def test_the_curve_rises_towards_the_stored_fit(lab, tmp_path):
    reference = wordnet_reference(lab, "things-128")
    rng = np.random.default_rng(0)
    space = read_embedding(lab, reference)[:, :5] * 12
    np.save(tmp_path / "answers.npy", simulate_odd_one_out(space, sample_triplets(128, 6_000, rng), rng))
    judged = ingest_responses(lab, tmp_path / "answers.npy", "taxonomist", "things-128")
    settings = FitSettings(n_dims=5)
    points = curve_of_run(lab, judged, settings, reference_id=reference)
    assert all(tuple(point) == COLUMNS for point in points)
    assert points[-1]["heldout_accuracy"] > points[0]["heldout_accuracy"] + 0.05
    assert points[-1]["r2"] > points[0]["r2"] + 0.05
    fitted = embed(lab, judged, settings)
    stored = lab.store.row("SELECT n_train, heldout_accuracy FROM embedding WHERE embedding_id = ?", [fitted])
    assert (points[-1]["n_answers"], points[-1]["heldout_accuracy"]) == (stored[0], pytest.approx(stored[1]))
    assert curve_of_run(lab, judged, settings, sizes=[500])[0]["r2"] is None
    with pytest.raises(BadInput, match="hard answers"):
        curve_of_run(lab, judged, FitSettings(n_dims=None))
