"""Concept sets: the paper's 128, any CSV with a word column, one clear line for everything else."""

import pytest

from triadic.ingest.concepts import DEFAULT_SET, ingest_concepts
from triadic.schema.errors import BadInput, Conflict, NotFound
from triadic.schema.lookup import read_concepts


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
