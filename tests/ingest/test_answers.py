"""People's answers: every one arrives once whatever the file's form, fits, becomes a reference; bad rows are named."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from triadic.compute.answers import AnswerSet
from triadic.compute.settings import FitSettings
from triadic.compute.stages.embed import embed
from triadic.compute.triplets import sample_triplets
from triadic.ingest.answers import ingest_answers
from triadic.ingest.concepts import ingest_concepts
from triadic.ingest.raters import remove_rater, rename_rater
from triadic.ingest.reference import reference_from_fit
from triadic.schema.embeddings import read_embedding
from triadic.schema.errors import BadInput, Conflict, NotFound
from triadic.schema.lookup import find_triplet_set
from triadic.schema.store import query
from triadic.tests.compute.simulated_raters import simulate_odd_one_out

ROWS = [[0, 1, 2], [2, 1, 0], [5, 3, 4], [1, 0, 2], [127, 3, 9]]
WORDS = ["lion", "tiger", "wolf", "bok choy", "banjo"]
HUMAN = Path(os.environ.get("TRIADIC_HUMAN", Path(__file__).resolve().parents[3] / "shared" / "human"))


def write(tmp_path, text, name="triplets.txt"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def words(lab, tmp_path):
    """A lab with a set of five words."""
    ingest_concepts(lab, write(tmp_path, "\n".join(WORDS), "five.txt"))
    return lab


def rows_of(answers):
    """Chosen pairs as sets with their odd one: the order within a pair says nothing."""
    return sorted((tuple(sorted(row[:2])), row[2]) for row in np.asarray(answers).tolist())


def answered(lab, run_id):
    """The answers of a run in words, as they were shown: anchor, first option, second option, choice."""
    rows = lab.store.read(
        "SELECT anchor, if(flipped, right_item, left_item) AS first, if(flipped, left_item, right_item) AS second, choice "
        "FROM judgment WHERE run_id = ?",
        [run_id],
    )
    return sorted(rows.itertuples(index=False, name=None))


def counts(lab):
    tables = ("response", "triplet", "triplet_set", "triplet_set_event", "run", "run_event", "rater")
    return [lab.store.value(f"SELECT count(*) FROM {table}") for table in tables]


@pytest.mark.parametrize("separator", [" ", "\t", ","])
def test_every_odd_one_out_comes_back_as_it_was(lab, tmp_path, separator):
    path = write(tmp_path, "\n".join(separator.join(map(str, row)) for row in ROWS))
    found = ingest_answers(lab, path)
    answers = AnswerSet.read(lab, found.run_id)
    assert answers.framing == "odd-one-out"
    assert rows_of(answers.triplets) == rows_of(ROWS)
    assert lab.store.row("SELECT kind FROM rater WHERE rater_id = 'people'") == ("human",)
    # 0, 1, 2 was answered three times: one question, three repeats.
    assert (found.n_answers, found.n_questions) == (5, 3)
    repeats = lab.store.read(
        "SELECT repeat FROM response WHERE run_id = ? AND triplet_no = 0 ORDER BY 1", [found.run_id]
    )
    assert list(repeats["repeat"]) == [0, 1, 2]


def test_twice_changes_nothing_and_floats_are_whole_numbers(lab, tmp_path):
    path = write(tmp_path, "0.000e+00 1.000e+00 2.000e+00\n3 4 5\n")
    first = ingest_answers(lab, path).run_id
    before = counts(lab)
    assert ingest_answers(lab, path).run_id == first
    assert counts(lab) == before
    np.save(tmp_path / "same.npy", np.array([[0, 1, 2], [3, 4, 5]]))
    others = ingest_answers(lab, tmp_path / "same.npy", "others")
    assert rows_of(AnswerSet.read(lab, others.run_id).triplets) == [((0, 1), 2), ((3, 4), 5)]
    assert others.triplet_set == "triplets"  # the same questions are the same set, which has its name


FORMS = {
    "words": "anchor,left,right,choice\nLION,tiger,wolf,Tiger\nlion,wolf,tiger,tiger\nbanjo,Bok_Choy,wolf,bok choy\n",
    "sides": "anchor;left;right;choice\nlion;tiger;wolf;left\nlion;wolf;tiger;Right\nbanjo;bok choy;wolf;LEFT\n",
    "numbers": "head\tleft\tright\tresponse\nlion\ttiger\twolf\t0\nlion\twolf\ttiger\t1\nbanjo\tbok choy\twolf\t0\n",
    "extra": 'id,head,left,right,winner,loser\n1,lion,tiger,wolf,tiger,wolf\n\n2,lion,wolf,tiger,tiger,wolf\n3,"banjo",bok choy,wolf,bok choy,wolf\n',
}


@pytest.mark.parametrize("form", FORMS)
def test_anchored_answers_come_back_as_they_were_shown(words, tmp_path, form):
    found = ingest_answers(words, write(tmp_path, FORMS[form], "form.csv"))
    assert found.concept_set_id == "five"
    assert (found.framing, found.n_answers, found.n_questions) == ("anchored", 3, 2)
    assert answered(words, found.run_id) == [
        ("banjo", "bok choy", "wolf", "bok choy"),
        ("lion", "tiger", "wolf", "tiger"),
        ("lion", "wolf", "tiger", "tiger"),
    ]
    assert rows_of(AnswerSet.read(words, found.run_id).triplets) == [((0, 1), 2), ((0, 1), 2), ((3, 4), 2)]


def test_columns_are_named_where_they_are_called_otherwise(words, tmp_path):
    path = write(tmp_path, "q,x,y,took,left\nlion,tiger,wolf,wolf,9\n", "other.csv")
    with pytest.raises(BadInput, match="has the columns q, x, y, took, left: answers are anchor, left, right, choice"):
        ingest_answers(words, path)
    columns = {"anchor": "q", "left": "x", "right": "y", "choice": "took"}
    assert answered(words, ingest_answers(words, path, columns=columns).run_id) == [("lion", "tiger", "wolf", "wolf")]
    for given, line in (({"anchor": "none"}, "has no column none"), ({"middle": "x"}, "middle is none of")):
        with pytest.raises(BadInput, match=line):
            ingest_answers(words, path, columns=given)


def test_near_and_far_say_nothing_of_the_order_shown(words, tmp_path):
    path = write(tmp_path, "anchor,near,far\nlion,wolf,tiger\nlion,tiger,wolf\n", "near.csv")
    found = ingest_answers(words, path)
    assert answered(words, found.run_id) == [("lion", "tiger", "wolf", "tiger"), ("lion", "tiger", "wolf", "wolf")]


@pytest.mark.parametrize("odd", ["wolf", "C", "2"])
def test_the_odd_one_in_words_is_that_in_positions(words, tmp_path, odd):
    found = ingest_answers(words, write(tmp_path, f"a,b,c,odd\nlion,tiger,wolf,{odd}\nbanjo,lion,tiger,a\n", "odd.csv"))
    assert found.framing == "odd-one-out"
    assert rows_of(AnswerSet.read(words, found.run_id).triplets) == [((0, 1), 2), ((0, 1), 4)]


def test_a_row_without_a_choice_is_no_answer_and_is_kept(words, tmp_path):
    path = write(tmp_path, "anchor,left,right,choice\nlion,tiger,wolf,\nlion,tiger,banjo,tiger\n", "gaps.csv")
    found = ingest_answers(words, path)
    assert (found.n_answers, found.n_without_choice) == (2, 1)
    assert "1 of them without a choice" in found.lines()[0]
    reasons = words.store.read("SELECT invalid_reason FROM response WHERE choice IS NULL").invalid_reason
    assert reasons.tolist() == ["empty"]


def test_participants_are_raters_beside_the_pool_and_are_not_counted_twice(words, tmp_path):
    text = "who,anchor,left,right,choice\nP1,lion,tiger,wolf,tiger\nP2,lion,wolf,tiger,wolf\nP1,lion,tiger,wolf,wolf\n"
    path = write(tmp_path, text, "study.csv")
    pool = ingest_answers(words, path).run_id
    found = ingest_answers(words, path, by="who")
    assert (found.run_id, found.participants) == (pool, ["people-P1", "people-P2"])
    runs = words.store.read("SELECT rater_id, run_id FROM judge_run").set_index("rater_id").run_id
    assert set(runs.index) == {"people", "people-P1", "people-P2"}
    assert answered(words, runs["people-P2"]) == [("lion", "wolf", "tiger", "wolf")]
    both = answered(words, runs["people-P1"]) + answered(words, runs["people-P2"])
    assert sorted(both) == answered(words, pool)
    assert words.store.read("SELECT DISTINCT triplet_set_id FROM judge_run").shape == (1, 1)
    assert words.store.read(query("triadic.compute.stages", "people"), ["five"]).run_id.tolist() == [pool]
    unnamed = write(tmp_path, text.replace("P2", ""), "unnamed.csv")
    for by, line in (("whom", "has no column whom"), ("who", "row 3 has no who")):
        with pytest.raises(BadInput, match=line):
            ingest_answers(words, unnamed, by=by)


def test_an_imported_set_has_its_files_name_and_is_never_the_main_one(words, tmp_path):
    ingest_answers(words, write(tmp_path, FORMS["words"], "study.csv"))
    with pytest.raises(NotFound):
        find_triplet_set(words)
    assert find_triplet_set(words, "Study").n_triplets == 2
    other = ingest_answers(words, write(tmp_path, "a,b,c,odd\nlion,tiger,wolf,a\n", "study.csv"), "others")
    assert other.triplet_set.startswith("study-")


def test_unknown_words_are_named_with_their_rows_and_nothing_is_stored(words, tmp_path):
    before = counts(words)
    text = "anchor,left,right,choice\nlion,tigr,wolf,wolf\n\nlyon,tiger,wolf,wolf\n" + "".join(
        f"lion,{word},wolf,wolf\n" for word in "efghi"
    )
    with pytest.raises(BadInput) as said:
        ingest_answers(words, write(tmp_path, text, "bad.csv"), concept_set_id="five")
    assert "'tigr' (row 2), 'lyon' (row 4), 'e' (row 5), 'f' (row 6), 'g' (row 7) and 2 more are not in" in str(
        said.value
    )
    assert counts(words) == before


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ("lion,tiger,tiger,tiger", "row 3 is lion, tiger, tiger: the three concepts must differ"),
        ("lion,tiger,wolf,banjo", "row 3: choice is 'banjo', and the options are tiger, wolf"),
        ("lion,tiger,wolf,2", "row 3: choice is '2'"),
        ("lion,,wolf,wolf", "row 3 lacks a word"),
        ("lion,tiger,wolf,wolf,9", "row 3 has 5 cells and the header 4"),
    ],
)
def test_bad_rows_of_words_are_named(words, tmp_path, row, match):
    before = counts(words)
    with pytest.raises(BadInput, match=match) as said:
        ingest_answers(words, write(tmp_path, f"anchor,left,right,choice\nlion,tiger,wolf,wolf\n{row}\n", "bad.csv"))
    assert "\n" not in str(said.value)
    assert counts(words) == before


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("0 1 2\n0 1 128\n", r"row 2 is \[0, 1, 128\]: the concept set things-128 has positions 0 … 127"),
        ("0 1 -1\n", "row 1"),
        ("0 1 1\n", "must differ"),
        ("0 1\n", "three columns"),
        ("0 1 2\n0 1\n", "three columns"),
        ("0 1 2.5\n", "whole numbers"),
        ("a b c\n", "no rows"),
        ("a,b,c\nlion,tiger,wolf\n", "has the columns a, b, c"),
        ("0 1 nan\n", "whole numbers"),
    ],
)
def test_bad_rows_of_positions_are_named(lab, tmp_path, text, match):
    with pytest.raises(BadInput, match=match) as caught:
        ingest_answers(lab, write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_unknown_and_taken_names_are_refused(lab, tmp_path):
    path = write(tmp_path, "0 1 2\n")
    with pytest.raises(NotFound, match="no file"):
        ingest_answers(lab, tmp_path / "none.txt")
    with pytest.raises(NotFound, match="concept set"):
        ingest_answers(lab, path, concept_set_id="things-999")
    with pytest.raises(BadInput, match="no header"):
        ingest_answers(lab, path, by="who")
    model = lab.store.value("SELECT rater_id FROM rater WHERE kind = 'llm' LIMIT 1")
    with pytest.raises(Conflict, match="another --rater"):
        ingest_answers(lab, path, model)
    ingest_answers(lab, path)
    rename_rater(lab, "people", "panel")
    assert ingest_answers(lab, path, "Panel").rater_id == "people"
    remove_rater(lab, "panel")
    with pytest.raises(Conflict, match="rater panel was removed"):
        ingest_answers(lab, path)


def test_people_become_a_reference_by_the_same_road(lab, tmp_path):
    rng = np.random.default_rng(0)
    space = rng.gamma(0.6, 1.2, (128, 4)) * (rng.random((128, 4)) < 0.5)
    answers = simulate_odd_one_out(space, sample_triplets(128, 30_000, rng), rng)
    np.save(tmp_path / "people.npy", answers)
    judged = ingest_answers(lab, tmp_path / "people.npy").run_id
    with pytest.raises(NotFound, match="no fit of people in this lab: `triadic embed people` makes one"):
        reference_from_fit(lab, "people")
    fitted = embed(lab, judged, FitSettings(algorithm="spose", n_dims=4))
    reference = reference_from_fit(lab, fitted, "people-spose")
    assert reference_from_fit(lab, fitted, "people-spose") == reference
    said = []
    assert reference_from_fit(lab, "People", "people-spose", tell=said.append) == reference  # by the rater's name
    assert said == ["the fit of People: spose-4-hard, 4D, odd-one-out, imported, 30,000 answers"]
    role, parent, kept, rater = lab.store.row(
        "SELECT role, parent_id, variance_kept, rater_id FROM embedding WHERE embedding_id = ?", [reference]
    )
    assert (role, parent, rater) == ("reference", fitted, "people")
    assert kept >= 0.95
    vectors = read_embedding(lab, reference)
    human = space - space.mean(axis=0)
    shared = np.linalg.svd(vectors.T @ human, compute_uv=False).sum()
    assert shared**2 / ((vectors**2).sum() * (human**2).sum()) > 0.9
    with pytest.raises(BadInput, match="--keep-dims between 1 and"):
        reference_from_fit(lab, fitted, "people-spose", n_dims=99)
    with pytest.raises(NotFound, match="no fit 0000"):
        reference_from_fit(lab, "0" * 16)


def test_coins_make_no_reference(lab, tmp_path):
    rng = np.random.default_rng(1)
    np.save(tmp_path / "coins.npy", sample_triplets(128, 4_000, rng))
    judged = ingest_answers(lab, tmp_path / "coins.npy", "coins").run_id
    fitted = embed(lab, judged, FitSettings(algorithm="spose", n_dims=4))
    for name in (fitted, "coins"):
        with pytest.raises(BadInput, match="of coins is at chance"):
            reference_from_fit(lab, name)


def test_answers_of_real_people_arrive_with_their_participants(empty_lab):
    """3,800 answers of 19 people to questions about 30 reptiles and tools."""
    answers, space = HUMAN / "reptile_tool_human_triplets_clean.csv", HUMAN / "human_reptile_tool_embedding_df.csv"
    if not answers.is_file():
        pytest.skip("left out: no human answers here (set TRIADIC_HUMAN to a folder with them)")
    ingest_concepts(empty_lab, space, "reptile-tool", "concept")
    columns = {"anchor": "head_html", "left": "left_html", "right": "right_html", "choice": "winner_html"}
    found = ingest_answers(empty_lab, answers, columns=columns, by="puid")
    assert (found.n_answers, len(found.participants)) == (3800, 19)
    asked = pd.read_csv(answers)
    wanted = zip(asked.head_html, asked.left_html, asked.right_html, asked.winner_html, strict=True)
    assert answered(empty_lab, found.run_id) == sorted(wanted)
