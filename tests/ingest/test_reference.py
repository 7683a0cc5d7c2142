"""References: selected by THINGS id, reduced by the 95% rule, refused whole when anything is missing."""

import numpy as np
import pytest

from triadic.compute.metrics import procrustes_r2, rsa_spearman_euclidean
from triadic.ingest.concepts import ingest_concepts
from triadic.ingest.reference import (
    N_THINGS,
    reference_from_file,
    reference_from_web,
    wordnet_reference,
)
from triadic.ingest.wordnet import classical_scaling, hypernym_chains, wu_palmer
from triadic.schema.embeddings import read_embedding
from triadic.schema.errors import BadInput, NotFound, Unavailable


def column(lab, what, embedding_id):
    return lab.store.row(f"SELECT {what} FROM embedding WHERE embedding_id = ?", [embedding_id])


def save(tmp_path, matrix, name="human.npy"):
    path = tmp_path / name
    np.save(path, matrix) if path.suffix == ".npy" else np.savetxt(path, matrix)
    return path


def test_the_human_embedding_gives_26_dimensions(lab, vice):
    found = reference_from_file(lab, vice, "things-128")
    name, role, dims, kept, parent = column(lab, "name, role, n_dims, variance_kept, parent_id", found)
    assert (name, role, dims) == ("vice", "reference", 26)
    assert kept >= 0.95
    assert read_embedding(lab, parent).shape == (128, 42)
    assert reference_from_file(lab, vice, "things-128") == found
    assert column(lab, "source_bytes, length(source_sha256)", parent) == (vice.stat().st_size, 64)


def test_rows_are_selected_by_things_id_however_the_file_is_ordered(lab, vice, things_folder, tmp_path):
    straight = read_embedding(lab, reference_from_file(lab, vice, "things-128"))
    ids = [line.split("\t")[1] for line in (things_folder / "things_concepts.tsv").read_text("utf-8").splitlines()[1:]]
    order = np.random.default_rng(0).permutation(len(ids))
    shuffled = save(tmp_path, np.load(vice)[order])
    (tmp_path / "ids.txt").write_text("\n".join(np.array(ids)[order]), encoding="utf-8")
    back = reference_from_file(lab, shuffled, "things-128", "shuffled", ids=tmp_path / "ids.txt")
    assert np.allclose(read_embedding(lab, back), straight)
    table = reference_from_file(lab, vice, "things-128", "by-table", ids=things_folder / "things_concepts.tsv")
    assert np.allclose(read_embedding(lab, table), straight)


def test_wordnet_against_the_human_embedding(lab, vice):
    """Independent script: R² 0.47, RSA 0.34, with the two concepts that lack a synset unrelated to everything.

    With their own synsets, and the mouse an animal, it is 0.488 and 0.375.
    """
    human = read_embedding(lab, reference_from_file(lab, vice, "things-128", n_dims=30))
    taxonomy = read_embedding(lab, wordnet_reference(lab, "things-128"))
    assert procrustes_r2(human, taxonomy) == pytest.approx(0.488, abs=0.002)
    assert rsa_spearman_euclidean(human, taxonomy) == pytest.approx(0.375, abs=0.002)


def test_wu_palmer_is_a_similarity():
    ids = list(hypernym_chains())
    similarity = wu_palmer(ids)
    assert np.array_equal(similarity, similarity.T)
    assert (np.diag(similarity) == 1).all()
    assert (similarity > 0).all()
    assert (similarity <= 1).all()
    near, far = similarity[ids.index("badger"), ids.index("bear")], similarity[ids.index("badger"), ids.index("bench")]
    assert near > far


def test_wu_palmer_by_hand():
    """badger and bear share 12 of their 14 and 13 synsets: 2·12 / (14 + 13)."""
    ids = list(hypernym_chains())
    assert wu_palmer(ids)[ids.index("badger"), ids.index("bear")] == pytest.approx(24 / 27)


def test_classical_scaling_recovers_points_from_their_distances():
    points = np.random.default_rng(1).normal(size=(20, 4))
    distances = np.linalg.norm(points[:, None] - points, axis=-1)
    found, kept = classical_scaling(distances, 4)
    assert np.allclose(np.linalg.norm(found[:, None] - found, axis=-1), distances)
    assert kept == pytest.approx(1)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_references_must_be_complete(lab, tmp_path, bad):
    matrix = np.random.default_rng(0).normal(size=(N_THINGS, 5))
    matrix[7, 2] = bad
    with pytest.raises(BadInput, match="NaN or infinity, first in row 7"):
        reference_from_file(lab, save(tmp_path, matrix), "things-128")


def test_wrong_shapes_and_files_get_one_line(lab, tmp_path):
    with pytest.raises(BadInput, match="has 500 rows"):
        reference_from_file(lab, save(tmp_path, np.ones((500, 5))), "things-128")
    with pytest.raises(NotFound):
        reference_from_file(lab, tmp_path / "nowhere.npy", "things-128")
    (tmp_path / "text.txt").write_text("not numbers at all")
    with pytest.raises(BadInput, match="not an embedding"):
        reference_from_file(lab, tmp_path / "text.txt", "things-128")
    with pytest.raises(BadInput, match="--dims"):
        reference_from_file(lab, save(tmp_path, np.ones((N_THINGS, 5))), "things-128", n_dims=9)


def test_concepts_without_a_things_id_are_named(empty_lab, tmp_path):
    (tmp_path / "own.csv").write_text("word\nhouse\nboat\nsky\n")
    ingest_concepts(empty_lab, tmp_path / "own.csv")
    with pytest.raises(BadInput, match="has none for house, boat, sky"):
        reference_from_file(empty_lab, save(tmp_path, np.ones((N_THINGS, 5))), "own")
    with pytest.raises(BadInput, match="house"):
        wordnet_reference(empty_lab, "own")
    own = reference_from_file(empty_lab, save(tmp_path, np.eye(3)[:, :2]), "own", n_dims=2)
    assert read_embedding(empty_lab, own).shape == (3, 2)


def test_text_of_49_columns_is_read_like_an_array(lab, tmp_path):
    matrix = np.random.default_rng(0).random((N_THINGS, 49))
    array = read_embedding(lab, reference_from_file(lab, save(tmp_path, matrix), "things-128", "array"))
    text = read_embedding(lab, reference_from_file(lab, save(tmp_path, matrix, "spose.txt"), "things-128", "text"))
    assert np.allclose(array, text)


def test_without_a_network_the_way_round_is_told(lab, tmp_path, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens there, so nothing leaves this machine
    with pytest.raises(Unavailable, match=r"https://osf\.io/4pgk8.*--path FILE --name spose-49"):
        reference_from_web(lab, "spose-49", "things-128", tmp_path)
