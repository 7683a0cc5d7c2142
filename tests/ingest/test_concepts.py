"""Concept sets: the paper's 128, any CSV with a word column, one clear line for everything else."""

import pytest

from triadic.ingest.concepts import about_concepts, concept_set_name, ingest_concepts
from triadic.ingest.csvfile import shipped
from triadic.ingest.reference import wordnet_reference
from triadic.ingest.wordnet import hypernym_chains
from triadic.schema.errors import BadInput, Conflict, NotFound
from triadic.schema.lookup import read_concepts
from triadic.schema.vocabulary import DEFAULT_SET


def csv_of(tmp_path, text, name="set.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_papers_128_ship_with_the_package(empty_lab):
    assert ingest_concepts(empty_lab) == 128
    assert ingest_concepts(empty_lab) == 0
    concepts = read_concepts(empty_lab, DEFAULT_SET)
    assert concepts.position.tolist() == list(range(128))
    assert concepts.word.is_unique
    assert concepts.things_unique_id.notna().all()
    assert concepts.category.value_counts()["food"] == 31


def test_any_csv_with_a_word_column_will_do(empty_lab, tmp_path):
    path = csv_of(tmp_path, "\ufeffname,kind\nrot,colour\n blau ,colour\ngrün,colour\n")
    assert ingest_concepts(empty_lab, path, column="name") == 3
    assert read_concepts(empty_lab, "set").word.tolist() == ["rot", "blau", "grün"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name\na\nb\nc\n", "has no column word; its columns are: name"),
        ("word\na\n\nb\nc,\n", None),
        ("word,x\na,1\n,2\nc,3\n", "line 3 has no word"),
        ("word\na\nb\nA\n", "'A' stands twice"),
        ("word\na\nb\n", "a triplet needs three concepts"),
        ("word\n", "has a header and no rows"),
        ("", "has no column word"),
    ],
)
def test_bad_files_get_one_line(empty_lab, tmp_path, text, line):
    path = csv_of(tmp_path, text)
    if line is None:
        assert ingest_concepts(empty_lab, path) == 3
        return
    with pytest.raises(BadInput, match=line):
        ingest_concepts(empty_lab, path)
    assert empty_lab.store.row("SELECT count(*) FROM concept") == (0,)


def test_a_name_keeps_its_words(empty_lab, tmp_path):
    ingest_concepts(empty_lab, csv_of(tmp_path, "word\na\nb\nc\n"))
    with pytest.raises(Conflict, match="--name"):
        ingest_concepts(empty_lab, csv_of(tmp_path, "word\na\nb\nd\n"))


def test_missing_and_binary_files(empty_lab, tmp_path):
    with pytest.raises(NotFound, match=r"nowhere\.csv"):
        ingest_concepts(empty_lab, tmp_path / "nowhere.csv")
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00word")
    with pytest.raises(BadInput, match="UTF-8"):
        ingest_concepts(empty_lab, tmp_path / "x.csv")


# Category → the synsets of which one stands above each of its concepts, and the concepts for which none does, with why.
AGREES = {
    "animal": ({"animal"}, {}),
    "clothing": (
        {"clothing"},
        {"bow1": "a knot", "bracelet2": "jewelry", "button1": "a fastener", "visor": "a brim"},
    ),
    "container": (
        {"container"},
        {"cooker": "a utensil", "doily": "linen", "honeypot": "THINGS itself links the shrub of that name"},
    ),
    "food": (
        {"food", "nutriment", "baked_goods", "foodstuff", "produce", "beverage", "edible_fruit"},
        {
            "bok_choy": "a plant that is eaten",
            "leek": "a plant that is eaten",
            "milkshake": "a helping",
            "sea_urchin": "an animal that is eaten",
        },
    ),
    "furniture": (
        {"furniture"},
        {"bathtub": "a vessel", "beanbag": "a bag", "coaster": "a covering", "computer_screen": "a device"},
    ),
    "plant": ({"plant", "plant_part"}, {}),
    "vehicle": (
        {"vehicle"},
        {"airbag": "part of one", "exhaust_pipe": "part of one", "odometer": "part of one", "taillight": "part of one"},
    ),
    "other": (set(), {}),
}


@pytest.mark.parametrize("category", AGREES)
def test_categories_agree_with_wordnet(category):
    """A concept under the wrong synset (the computer mouse among the animals) has no synset of its category above it."""
    above = {
        concept: {synset.rpartition(".")[0] for chain in chains for synset in chain[:-1]}
        for concept, chains in hypernym_chains().items()
    }
    wanted, exceptions = AGREES[category]
    concepts = [row["things_unique_id"] for row in shipped("concepts128.csv") if row["category"] == category]
    assert concepts
    outside = {concept for concept in concepts if not above[concept] & wanted}
    if category == "other":  # no category of its own: nothing that belongs to the animals or plants
        assert not [concept for concept in concepts if above[concept] & {"animal", "plant"}]
    else:
        assert outside == set(exceptions)


def test_every_category_is_looked_at():
    assert {row["category"] for row in shipped("concepts128.csv")} == set(AGREES)


def test_the_three_files_name_the_same_128_concepts_once(things_folder):
    ids = [row["things_unique_id"] for row in shipped("concepts128.csv")]
    places = {row["things_unique_id"]: int(row["row"]) for row in shipped("things_rows.csv")}
    assert len(set(ids)) == 128
    assert set(ids) == set(places) == set(hypernym_chains())
    table = (things_folder / "things_concepts.tsv").read_text("utf-8").splitlines()[1:]
    assert [table[places[concept]].split("\t")[1] for concept in ids] == ids


def test_the_mouse_is_the_animal():
    (mouse,) = [row for row in shipped("concepts128.csv") if row["word"] == "mouse"]
    assert (mouse["category"], mouse["things_unique_id"]) == ("animal", "mouse1")
    (chain,) = hypernym_chains()["mouse1"]
    assert chain[-2:] == ["rodent.02329401", "mouse.02330245"]


def test_a_text_with_one_word_a_line_will_do(empty_lab, tmp_path):
    path = csv_of(tmp_path, "lion\nbok choy\n\n polar bear \nbow\n", "animals.txt")
    assert ingest_concepts(empty_lab, path) == 4
    concepts = read_concepts(empty_lab, concept_set_name(path))
    assert concepts.word.tolist() == ["lion", "bok choy", "polar bear", "bow"]
    # A word that is THINGS' only one of that name has its unique id; of two bows it is not known which is meant.
    assert concepts.things_unique_id.dropna().to_dict() == {0: "lion", 1: "bok_choy"}
    with pytest.raises(BadInput, match="line 3"):
        ingest_concepts(empty_lab, csv_of(tmp_path, "a\nb\nA\nc\n", "twice.txt"))
    with pytest.raises(BadInput, match="is empty"):
        ingest_concepts(empty_lab, csv_of(tmp_path, "\n", "none.txt"))


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_a_table_may_have_any_usual_separator(empty_lab, tmp_path, separator):
    path = csv_of(tmp_path, "word,category\na,x\nb,y\nc,y\n".replace(",", separator))
    ingest_concepts(empty_lab, path)
    assert read_concepts(empty_lab, "set").category.tolist() == ["x", "y", "y"]


def test_it_says_what_a_set_lacks_and_which_references_there_can_be(empty_lab, tmp_path):
    ingest_concepts(empty_lab, csv_of(tmp_path, "lion\ngrape\nbanjo\n", "own.txt"))
    own = "\n".join(about_concepts(empty_lab, "own"))
    assert "no categories: what is measured by category is left out" in own
    assert "no WordNet reference: 1 of 3 words" in own
    assert "(grape)" in own
    assert "triadic ingest reference FILE --concepts own" in own
    assert "triadic ingest answers FILE --concepts own" in own
    assert own.endswith("triadic run MODEL --concepts own")
    ingest_concepts(empty_lab, csv_of(tmp_path, "word,category\nlion,animal\nbanjo,thing\nbench,thing\n", "few.csv"))
    few = "\n".join(about_concepts(empty_lab, "few"))
    assert "no categories" not in few
    assert "`triadic ingest reference --wordnet --concepts few`" in few
    assert wordnet_reference(empty_lab, "few")
