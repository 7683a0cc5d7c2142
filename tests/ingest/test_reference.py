"""References: selected by THINGS id, reduced by the 95% rule, refused whole when anything is missing."""

import numpy as np
import pytest

from triadic.compute.metrics import procrustes_r2, rsa_spearman_euclidean
from triadic.ingest.concepts import ingest_concepts
from triadic.ingest.reference import (
    N_THINGS,
    about_reference,
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
    with pytest.raises(BadInput, match="--keep-dims"):
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
    with pytest.raises(Unavailable, match=r"https://osf\.io/4pgk8.*reference FILE --name spose-49"):
        reference_from_web(lab, "spose-49", "things-128", tmp_path)


ANIMALS = ["lion", "tiger", "wolf", "trout", "eagle"]
POINTS = np.array([[0, 0], [1, 0], [2, 1], [6, 0], [0, 5]], float)
DISTANCES = np.linalg.norm(POINTS[:, None] - POINTS, axis=-1)


@pytest.fixture
def animals(lab, tmp_path):
    """A lab with a set of five animals."""
    (tmp_path / "animals.txt").write_text("\n".join(ANIMALS))
    ingest_concepts(lab, tmp_path / "animals.txt")
    return lab


def table(tmp_path, text, name="own.csv"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / name


def matrix(tmp_path, values, header=ANIMALS, order=range(5)):
    """A CSV whose header repeats the words of its first column, rows in another order."""
    rows = [",".join([ANIMALS[i], *(f"{values[i, j]:.10g}".replace("nan", "") for j in range(5))]) for i in order]
    return table(tmp_path, "\n".join([",".join(["", *header]), *rows]))


def shape_of(lab, embedding_id):
    """Distances between the concepts in a reference: what turning it does not change."""
    vectors = read_embedding(lab, embedding_id)
    return np.linalg.norm(vectors[:, None] - vectors, axis=-1)


@pytest.mark.parametrize(
    "text",
    [
        "word,x,y\nLION,0,0\nTiger,1,0\neagle,0,5\nwolf,2,1\nzebra,9,9\ntrout,6,0\n",
        ";concept;group;x;y\n0;lion;cat;0,0;0\n1;tiger;cat;1,0;0\n2;wolf;;2;1\n3;trout;fish;6;0\n4;eagle;;0;5\n",
        "lion 0 0\ntiger 1 0\nwolf 2 1\ntrout 6 0\neagle 0 5\n",
        "0,0\n1,0\n2,1\n6,0\n0,5\n",
    ],
    ids=["in any order", "with other columns", "without a header", "without words"],
)
def test_vectors_by_word_are_those_of_the_concepts(animals, tmp_path, text):
    said = []
    words = "lion" in text.lower()
    path = table(tmp_path, text)
    found = reference_from_file(animals, path, None if words else "animals", n_dims=2, tell=said.append)
    assert column(animals, "concept_set_id, role, name", found) == ("animals", "reference", "own")
    assert np.allclose(shape_of(animals, found), DISTANCES)
    assert any("zebra" in line for line in said) == ("zebra" in text)
    assert any("group" in line for line in said) == ("group" in text)
    # Only a scale that is people's own softmax is one to simulate people from as it is.
    (parent,) = column(animals, "parent_id", found)
    assert (parent is None) == words


@pytest.mark.parametrize(
    ("values", "kind", "guess"),
    [
        (DISTANCES, None, "distance"),
        (10 - DISTANCES, None, "similarity"),
        (10 - DISTANCES + np.diag([np.nan] * 5), "similarity", None),
        (np.where(np.tri(5, k=-1, dtype=bool), DISTANCES, np.nan), "distance", None),
    ],
    ids=["distances", "similarities", "blank diagonal", "one half"],
)
def test_pairs_become_a_space_with_their_distances(animals, tmp_path, values, kind, guess):
    said = []
    path = matrix(tmp_path, values, [each.upper() for each in ANIMALS], order=[3, 1, 4, 0, 2])
    found = reference_from_file(animals, path, kind=kind, n_dims=2, tell=said.append)
    between = shape_of(animals, found)
    if np.isnan(np.diag(values)).all() and kind == "similarity":  # nobody says how alike a thing is to itself
        wanted = (10 - DISTANCES)[~np.eye(5, dtype=bool)].max() - (10 - DISTANCES)
        between, wanted = between[0, 1:], wanted[0, 1:]
        assert np.corrcoef(between, wanted)[0, 1] > 0.9
    else:
        assert np.allclose(between, DISTANCES)
    assert guess is None or any(f"read as a {guess} matrix" in line for line in said)


def test_pairs_of_an_array_are_named_by_a_file_or_by_the_order_of_the_set(animals, tmp_path):
    order = [4, 2, 0, 1, 3]
    (tmp_path / "order.txt").write_text("\n".join(ANIMALS[i] for i in order))
    named = save(tmp_path, DISTANCES[np.ix_(order, order)], "named.npy")
    placed = save(tmp_path, DISTANCES, "placed.npy")
    by_words = reference_from_file(animals, named, words=tmp_path / "order.txt", n_dims=2)
    by_place = reference_from_file(animals, placed, "animals", n_dims=2)
    assert np.allclose(shape_of(animals, by_words), DISTANCES)
    assert np.allclose(shape_of(animals, by_place), DISTANCES)
    assert column(animals, "algorithm", by_words) == ("classical-scaling",)


def test_feature_norms_in_long_form_are_a_matrix_of_concepts_and_features(animals, tmp_path):
    rows = ["lion,fur,3", "lion,roars,1", "tiger,fur,2", "wolf,fur,1", "trout,swims,4", "eagle,flies,5", "zebra,fur,1"]
    path = table(tmp_path, "Concept,Feature,Frequency\n" + "\n".join(rows))
    found = reference_from_file(animals, path, n_dims=4)
    fur, roars, swims, flies = np.array([[3, 2, 1, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 4, 0], [0, 0, 0, 0, 5]], float)
    wanted = np.stack([fur, roars, swims, flies], 1)
    assert np.allclose(shape_of(animals, found), np.linalg.norm(wanted[:, None] - wanted, axis=-1))
    counted = "concept,feature\n" + "\n".join(f"{row.rsplit(',', 1)[0]}" for row in rows + rows[:1])
    found = reference_from_file(animals, table(tmp_path, counted, "counted.csv"), n_dims=4)
    assert shape_of(animals, found)[0, 1] == pytest.approx(np.hypot(1, 1))  # fur twice and once, roars once


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("word,x\nlion,1\ntiger,2\nwolf,3\n", "lacks 2 of the 5 concepts of animals: trout, eagle"),
        ("word,x\nlion,1\nLion,2\nwolf,3\n", "'lion' in more than one row|'Lion' in more than one row"),
        ("word,x,y\nlion,1,1\ntiger,2,\nwolf,3,1\ntrout,1,1\neagle,1,2\n", "row 3 has no y"),
        ("word,x\nlion,1\ntiger,2\nwolf,3a\ntrout,1\neagle,2\n", "row 4: '3a' is no number"),
        ("word,x\nlion,1\ntiger,inf\nwolf,3\ntrout,1\neagle,2\n", "row 3 holds inf"),
        ("word,x\n,1\ntiger,2\n", "row 2 has no word"),
        ("word,note\nlion,a\ntiger,b\n", "no column of numbers beside word"),
        ("concept,feature,m,n\nlion,fur,1,2\n", "which of m, n to take"),
        ("concept,feature,value\nlion,fur,1\nlion,fur,2\n", "row 3: lion has fur twice"),
    ],
)
def test_a_table_that_is_no_reference_gets_one_line_and_stores_nothing(animals, tmp_path, text, line):
    before = animals.store.value("SELECT count(*) FROM embedding")
    with pytest.raises(BadInput, match=line) as said:
        reference_from_file(animals, table(tmp_path, text), "animals")
    assert "\n" not in str(said.value)
    assert animals.store.value("SELECT count(*) FROM embedding") == before


def test_pairs_that_are_no_similarities_get_one_line(animals, tmp_path):
    lopsided = DISTANCES.copy()
    lopsided[0, 3] = 99
    for values, kind, line in (
        (lopsided, None, "is not symmetric: lion and trout have 99 and 6"),
        (DISTANCES + 1 - 2 * np.eye(5), None, "say --kind similarity or --kind distance"),
        (DISTANCES + np.diag([np.nan] * 5), None, "blank diagonal"),
        (DISTANCES + np.eye(5), "similarity", "nearer to"),
        (np.zeros((5, 5)), "distance", "all pairs are the same"),
    ):
        with pytest.raises(BadInput, match=line):
            reference_from_file(animals, matrix(tmp_path, values), kind=kind)
    with pytest.raises(BadInput, match="is square"):
        reference_from_file(animals, table(tmp_path, "word,x\nlion,1\ntiger,2\n"), kind="distance")


def test_things_rows_are_found_by_word_where_the_ids_name_them(lab, vice, things_folder, tmp_path):
    (tmp_path / "few.txt").write_text("lion\ntiger\npolar bear\n")
    ingest_concepts(lab, tmp_path / "few.txt")
    with pytest.raises(BadInput, match="none for tiger, polar bear"):
        reference_from_file(lab, vice, "few")
    found = reference_from_file(lab, vice, "few", n_dims=2, ids=things_folder / "unique_id.txt")
    ids = (things_folder / "unique_id.txt").read_text().split()
    rows = np.load(vice)[[ids.index(name) for name in ("lion", "tiger", "polar_bear")]]
    assert np.allclose(shape_of(lab, found), np.linalg.norm(rows[:, None] - rows, axis=-1))


def test_it_says_what_was_made_and_what_is_next(animals, tmp_path):
    found = reference_from_file(animals, matrix(tmp_path, DISTANCES), n_dims=2)
    made, after = about_reference(animals, found)
    assert made == "reference own: 5 concepts of animals, dimensions: 2, 100% of the variance"
    assert "triadic run MODEL --concepts animals" in after
    assert "triadic align" in after


def test_a_reference_nearly_on_a_line_keeps_two_dimensions(animals, tmp_path):
    """On a line every cosine is 1 or -1, and resamples of the concepts have no correlation with anything."""
    rows = "\n".join(f"{word},{10 * at**2},{at % 2}" for at, word in enumerate(ANIMALS))
    found = reference_from_file(animals, table(tmp_path, "word,x,y\n" + rows))
    assert column(animals, "n_dims", found) == (2,)
