"""The learning curve of answers in a lab rises to the fit that the embed stage keeps."""

import numpy as np
import pytest

from triadic.compute.settings import FitSettings
from triadic.compute.stages import learning
from triadic.compute.stages.embed import embed
from triadic.compute.stages.learning import COLUMNS, curve_of_run, curves
from triadic.compute.triplets import sample_triplets
from triadic.ingest.answers import ingest_answers
from triadic.ingest.reference import wordnet_reference
from triadic.schema.embeddings import read_embedding
from triadic.schema.errors import BadInput, NotFound
from triadic.tests.compute.simulated_raters import simulate_odd_one_out


@pytest.fixture
def judged(lab, tmp_path):
    """An odd-one-out run of a rater that answers from the WordNet space."""
    rng = np.random.default_rng(0)
    space = read_embedding(lab, wordnet_reference(lab, "things-128"))[:, :5] * 12
    np.save(tmp_path / "answers.npy", simulate_odd_one_out(space, sample_triplets(128, 6_000, rng), rng))
    return ingest_answers(lab, tmp_path / "answers.npy", "taxonomist", "things-128").run_id


def test_the_curve_rises_towards_the_stored_fit(lab, judged):
    reference = wordnet_reference(lab, "things-128")
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


def test_the_order_of_answers_has_a_stream_of_its_own(lab, judged, monkeypatch):
    streams = []

    def watched(estimator, triplets, heldout, rng, *given, **how):
        streams.append(rng.bit_generator.state)
        return []

    monkeypatch.setattr(learning, "learning_curve", watched)
    curve_of_run(lab, judged, FitSettings(n_dims=3), seed=4)
    assert streams == [np.random.default_rng([4, 8]).bit_generator.state]


def test_curves_name_their_reference(lab, judged):
    curve = curves(lab, [judged], FitSettings(n_dims=2, parameters=(("max_steps", 20),)), 0, None)
    assert set(curve.reference) == {"wordnet"}
    assert set(curve.rater) == {"taxonomist"}
    with pytest.raises(NotFound, match="no reference 'vice' for things-128"):
        curves(lab, [judged], FitSettings(), 0, "vice")
