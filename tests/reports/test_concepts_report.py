"""`report concepts`: a concept that was moved is found, with what moved around it, and judged by the draws that there are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import ortho_group

from triadic.compute.metrics import procrustes_r2
from triadic.reports.concepts import report
from triadic.reports.output import render
from triadic.schema.embeddings import vector_rows
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.tables import (
    Concept,
    ConceptSet,
    Embedding,
    EmbeddingRow,
    Rater,
    RaterEvent,
    Refit,
    Response,
    Run,
    Triplet,
    TripletSet,
)

N, MOVED = 20, 7
WORDS = [f"w{i:02}" for i in range(N)]
HUMAN = np.random.default_rng(0).normal(size=(N, 3))
PLANTED = HUMAN.copy()
PLANTED[MOVED] = [4.0, -4.0, 4.0]
TURN = ortho_group.rvs(3, random_state=0)
ASKED = [np.random.default_rng([1, i]).choice(N, 3, replace=False) for i in range(300)]


def place(lab, name, vectors, role="fitted", kind="llm", concepts="set", answers="hard"):
    """An embedding of a rater: a fit with its runs, or a reference."""
    insert = lab.store.insert
    insert(ConceptSet, [ConceptSet(concept_set_id=concepts, digest="d", n_concepts=N, source="test")])
    insert(
        Concept,
        [
            Concept(concept_set_id=concepts, position=i, word=word, category="even" if i % 2 == 0 else "odd")
            for i, word in enumerate(WORDS)
        ],
    )
    insert(Rater, [Rater(rater_id=name, kind=kind)])
    embedding_id = f"{role}-{name}-{concepts}-{answers}"
    about = {"concept_set_id": concepts, "rater_id": name, "algorithm": "CKL", "n_dims": vectors.shape[1]}
    if role == "fitted":
        run = {"rater_id": name, "concept_set_id": concepts, "triplet_set_id": "t", "config_hash": "h", "versions": {}}
        judged = {**run, "run_id": f"judge-{name}", "stage": "judge"}
        insert(Run, [Run(**judged, config={"framing": "anchored", "answer": "score"})])
        made = {**run, "run_id": embedding_id, "stage": "embed", "parent_run_id": f"judge-{name}"}
        insert(Run, [Run(**made, config={"answers": answers, "temperature": 1.0})])
        about |= {"run_id": embedding_id, "n_train": 250, "n_heldout": 50, "name": f"ckl-3-{answers}"}
    insert(Embedding, [{"embedding_id": embedding_id, "role": role, "name": name, **about}])
    insert(EmbeddingRow, vector_rows(embedding_id, vectors))
    return embedding_id


def draw(lab, embedding_id, kind, spaces, seed=0):
    """Refits (b, n, d) of a fit."""
    insert = lab.store.insert
    rows = {"embedding_id": embedding_id, "kind": kind, "seed": seed, "converged": True}
    at = [(draw, position) for draw in range(len(spaces)) for position in range(len(spaces[draw]))]
    insert(Refit, [{**rows, "draw": d, "position": p, "vector": spaces[d][p].tolist()} for d, p in at])


def answer(lab, name, vectors, noise=0.0):
    """The answers of a rater by distances, some of them wrong."""
    rng = np.random.default_rng(len(name))
    insert = lab.store.insert
    insert(TripletSet, [TripletSet(triplet_set_id="t", concept_set_id="set", scheme="uniform", n_triplets=len(ASKED))])
    names = ("anchor", "left_item", "right_item")
    triplets = [dict(zip(names, map(int, question), strict=True)) for question in ASKED]
    insert(Triplet, [Triplet(triplet_set_id="t", triplet_no=i, **row) for i, row in enumerate(triplets)])
    rows = []
    for number, (anchor, left, right) in enumerate(ASKED):
        to_left, to_right = (np.linalg.norm(vectors[anchor] - vectors[option]) for option in (left, right))
        odds = to_right - to_left
        wrong = rng.random() < noise
        rows.append((number, "left" if (odds > 0) != wrong else "right", -odds if wrong else odds))
    insert(
        Response,
        pa.table(
            {
                "run_id": [f"judge-{name}"] * len(rows),
                "triplet_no": pa.array([row[0] for row in rows], pa.int32()),
                "flipped": [False] * len(rows),
                "repeat": pa.array([0] * len(rows), pa.int16()),
                "choice": [row[1] for row in rows],
                "logprob_left": [row[2] for row in rows],
                "logprob_right": [0.0] * len(rows),
            }
        ),
    )
    return {number: (choice, odds) for number, choice, odds in rows}


@pytest.fixture
def planted(empty_lab):
    """People as reference, and a model that has all their concepts where they have them, but one."""
    with empty_lab.store.transaction():
        place(empty_lab, "people", HUMAN, "reference", "human")
        place(empty_lab, "model", 5 * PLANTED @ TURN + 2)
        answer(empty_lab, "model", PLANTED)
    return empty_lab


def nearest_words(rows, concept, k):
    order = sorted(
        (other for other in range(N) if other != concept), key=lambda o: np.linalg.norm(rows[o] - rows[concept])
    )
    return [WORDS[other] for other in order[:k]]


def test_the_concept_that_was_moved_is_the_furthest(planted):
    found = report(planted.store, "model")
    table = found.frame("concepts")
    assert table.concept[0] == WORDS[MOVED]
    assert table.residual.is_monotonic_decreasing
    assert table.share_of_error[0] > 4 * table.share_of_error[1]
    assert table.share_of_error.sum() == pytest.approx(1)
    assert len(table) == N
    r2 = procrustes_r2(HUMAN, PLANTED)
    assert (table.residual**2).mean() == pytest.approx(1 - r2, abs=1e-12)
    centred = HUMAN - HUMAN.mean(0)
    distances = np.linalg.norm(centred, axis=1) / np.sqrt((centred**2).sum() / N)
    assert table.set_index("concept").from_centre[WORDS].to_numpy() == pytest.approx(distances)
    assert any(note.startswith(f"R² = {r2:.3f}") for note in found.notes)
    assert "people" in render(found)


@pytest.mark.parametrize("k", [1, 4, 9])
def test_neighbours_lost_and_gained_are_those_that_were_counted(planted, k):
    found = report(planted.store, "model", neighbours=k)
    changes, table = found.frame("changes"), found.frame("neighbours").set_index("concept")
    for concept, word in enumerate(WORDS):
        before, after = (nearest_words(rows, concept, k) for rows in (HUMAN, PLANTED))
        of = changes[changes.concept == word]
        lost, gained = of[of.change == "lost"], of[of.change == "gained"]
        assert lost.neighbour.tolist() == [each for each in before if each not in after]
        assert gained.neighbour.tolist() == [each for each in after if each not in before]
        assert table.loc[word].n_lost == len(lost) == len(gained)
        for row in of.itertuples():
            places = [nearest_words(rows, concept, N - 1).index(row.neighbour) + 1 for rows in (HUMAN, PLANTED)]
            assert [row.place_in_other, row.place_in_model] == places
        assert table.loc[word].lost.removesuffix(" …") in ", ".join(lost.neighbour)


def test_of_a_small_set_no_more_than_half_are_neighbours(planted):
    found = report(planted.store, "model", neighbours=15)
    assert any("among the 9 nearest" in note and "15 were asked for" in note for note in found.notes)


def test_intervals_and_chance_are_those_of_the_draws(planted):
    rng = np.random.default_rng(0)
    boots = PLANTED + 0.3 * rng.normal(size=(40, N, 3))
    coins = rng.normal(size=(99, N, 5))
    with planted.store.transaction():
        draw(planted, "fitted-model-set-hard", "bootstrap_answers", boots)
        draw(planted, "fitted-model-set-hard", "coin_flips", coins)
    found = report(planted.store, "model")
    table = found.frame("concepts").set_index("concept").loc[WORDS]

    def left_over(model):
        a, b = HUMAN - HUMAN.mean(0), model - model.mean(0)
        a, b = a / np.sqrt((a**2).sum() / N), b / np.sqrt((b**2).sum() / N)
        a = np.pad(a, [(0, 0), (0, b.shape[1] - 3)])
        u, s, vt = np.linalg.svd(b.T @ a)
        return np.linalg.norm(a - s.sum() / N * b @ u @ vt, axis=1)

    drawn, flipped = (np.array([left_over(space.astype(np.float32)) for space in each]) for each in (boots, coins))
    figure = left_over(PLANTED)
    moved = drawn - drawn.mean(0) + figure
    assert table.residual.to_numpy() == pytest.approx(figure)
    assert table.low.to_numpy() == pytest.approx(np.maximum(0, np.quantile(moved, 0.025, axis=0)), abs=1e-5)
    assert table.high.to_numpy() == pytest.approx(np.quantile(moved, 0.975, axis=0), abs=1e-5)
    assert table.chance.to_numpy() == pytest.approx(flipped.mean(0), abs=1e-5)
    p = (1 + (flipped <= figure).sum(0)) / 100
    assert table.p.to_numpy() == pytest.approx(p)
    assert table.at_chance.tolist() == (p > 0.05).tolist()
    assert table.at_chance[WORDS[MOVED]]
    assert not table.at_chance.all()
    categories = found.frame("categories").set_index("category")
    odd = np.arange(N) % 2 == 1
    assert categories.loc["odd"].residual == pytest.approx(figure[odd].mean())
    assert categories.loc["odd"].chance == pytest.approx(flipped[:, odd].mean(), abs=1e-5)
    mean = drawn[:, odd].mean(1)
    assert categories.loc["odd"].high == pytest.approx(
        np.quantile(mean - mean.mean(), 0.975) + figure[odd].mean(), abs=1e-5
    )
    assert categories.n.tolist() == [10, 10]
    assert categories.index[0] == "odd"  # the moved one is number 7
    lost = found.frame("neighbours")
    assert ((lost.lost_low >= 0) & (lost.lost_low <= lost.n_lost) & (lost.n_lost <= lost.lost_high)).all()
    assert lost.lost_by_chance.mean() == pytest.approx(9 * (1 - 9 / 19), abs=0.3)  # unrelated spaces share 9/19


def test_without_draws_there_is_no_interval_and_the_way_to_one_is_told(planted):
    found = report(planted.store, "model")
    assert not {"low", "high", "chance", "p", "at_chance"} & set(found.frame("concepts").columns)
    text = render(found)
    assert "`triadic align model --bootstraps 100`" in text
    assert "`triadic align model --coin-flips 200`" in text


def test_few_coins_decide_nothing(planted):
    draw(planted, "fitted-model-set-hard", "coin_flips", np.random.default_rng(0).normal(size=(19, N, 3)))
    table = report(planted.store, "model").frame("concepts")
    assert "at_chance" not in table
    assert (table.p * 20 - (table.p * 20).round()).abs().max() < 1e-9  # (1 + how many) of 20


def test_triplets_and_anchors_are_those_of_the_answers(planted):
    found = report(planted.store, "model")
    expected, agreeing = [], {}
    given = answer_sheet(PLANTED)
    for number, (anchor, left, right) in enumerate(ASKED):
        margin = np.linalg.norm(HUMAN[anchor] - HUMAN[right]) - np.linalg.norm(HUMAN[anchor] - HUMAN[left])
        choice, odds = given[number]
        agreeing.setdefault(WORDS[anchor], []).append((margin > 0) == (choice == "left"))
        if (margin > 0) != (choice == "left"):
            expected.append((number, WORDS[left if choice == "left" else right], abs(odds), abs(margin)))
    sure, far = (np.mean([row[column] for row in expected]) for column in (2, 3))
    expected.sort(key=lambda row: -row[2] / sure * row[3] / far)
    triplets = found.frame("triplets")
    assert triplets.triplet_no.tolist() == [row[0] for row in expected]
    assert triplets.choice.tolist() == [row[1] for row in expected]
    assert triplets.weight.tolist() == pytest.approx([row[2] / sure * row[3] / far for row in expected])
    assert (triplets.choice != triplets.other_choice).all()
    anchors = found.frame("anchors").set_index("anchor")
    assert len(anchors) == len(agreeing)
    for word, right in agreeing.items():
        assert anchors.loc[word].n_answers == len(right)
        assert anchors.loc[word].agreement == pytest.approx(np.mean(right))
        assert anchors.loc[word].low - 1e-9 <= np.mean(right) <= anchors.loc[word].high + 1e-9
    assert anchors.agreement.is_monotonic_increasing


def answer_sheet(vectors):
    sheet = {}
    for number, (anchor, left, right) in enumerate(ASKED):
        odds = np.linalg.norm(vectors[anchor] - vectors[right]) - np.linalg.norm(vectors[anchor] - vectors[left])
        sheet[number] = ("left" if odds > 0 else "right", odds)
    return sheet


def test_two_raters_are_laid_over_one_another_draw_by_draw(planted):
    rng = np.random.default_rng(3)
    shared = 0.5 * rng.normal(size=(30, N, 3))
    with planted.store.transaction():
        place(planted, "second", HUMAN @ TURN)
        sheet = answer(planted, "second", HUMAN, noise=0.2)
        draw(planted, "fitted-model-set-hard", "bootstrap_answers", PLANTED + shared)
        draw(planted, "fitted-second-set-hard", "bootstrap_answers", (HUMAN + shared) @ TURN)
    found = report(planted.store, "model", other="second")
    table = found.frame("concepts")
    assert table.concept[0] == WORDS[MOVED]
    assert found.title == "model and second, concept by concept"
    alone = report(planted.store, "model").frame("concepts").set_index("concept")
    paired = table.set_index("concept")
    width, widths = ((frame.high - frame.low).mean() for frame in (paired, alone))
    assert width < widths  # what both share drops out
    assert any("both raters' answers" in note for note in found.notes)
    triplets, given = found.frame("triplets"), answer_sheet(PLANTED)
    assert set(triplets.triplet_no) == {number for number in sheet if sheet[number][0] != given[number][0]}
    assert triplets.other_preference.notna().all()


def test_the_fit_with_most_answers_is_taken_and_of_equal_ones_that_to_choices(planted):
    with planted.store.transaction() as con:
        place(planted, "model", HUMAN, answers="graded")
    assert any("ckl-3-hard" in note for note in report(planted.store, "model").notes)
    with planted.store.transaction() as con:
        con.execute("UPDATE embedding SET n_train = 999 WHERE embedding_id = 'fitted-model-set-graded'")
    found = report(planted.store, "model")
    assert any("ckl-3-graded" in note and "1,049 answers" in note for note in found.notes)
    assert found.frame("concepts").residual.max() < 1e-9


def test_a_renamed_rater_goes_by_its_name(planted):
    planted.store.insert(RaterEvent, [RaterEvent(rater_id="model", action="renamed", name="Mine")])
    assert report(planted.store, "Mine").title == "Mine and people, concept by concept"


def test_what_is_not_there_is_named_with_the_way_to_it(planted, empty_lab):
    store = planted.store
    with pytest.raises(NotFound, match="no model or rater 'nobody'"):
        report(store, "nobody")
    with pytest.raises(NotFound, match="no embedding of people here"):
        report(store, "people")
    with pytest.raises(NotFound, match=r"no reference 'wordnet' for the concepts of model \(there are people\)"):
        report(store, "model", reference="wordnet")
    with pytest.raises(NotFound, match="no embedding of people"):
        report(store, "model", other="people")
    with pytest.raises(BadInput, match="laid over itself"):
        report(store, "model", other="model")
    with pytest.raises(BadInput, match="give one of them"):
        report(store, "model", other="second", reference="people")
    with pytest.raises(BadInput, match="choose 1 or more"):
        report(store, "model", neighbours=0)
    place(planted, "lonely", HUMAN, concepts="other")
    with pytest.raises(NotFound, match="no reference for the concepts other: `triadic ingest reference`"):
        report(store, "lonely")
    with pytest.raises(BadInput, match="share no concept set and kind of fit"):
        report(store, "model", other="lonely")


def test_a_rater_without_answers_to_show_still_has_its_concepts(planted):
    with planted.store.transaction() as con:
        con.execute("DELETE FROM response")
    found = report(planted.store, "model")
    assert found.frame("triplets").empty
    assert found.frame("anchors").empty
    assert "no question that model and people both answered" in render(found)
    assert isinstance(found.frame("concepts"), pd.DataFrame)


def test_the_figure_has_an_arrow_for_every_concept(planted):
    from matplotlib.quiver import Quiver

    (axes,) = report(planted.store, "model").figures["concepts"]().axes
    arrows = [each for each in axes.get_children() if isinstance(each, Quiver)]
    assert sum(each.N for each in arrows) == N
    longest = max(arrows, key=lambda each: np.hypot(each.U, each.V).max())
    assert np.hypot(longest.U, longest.V).max() > 0.5
    assert WORDS[MOVED] in {text.get_text() for text in axes.texts}
    assert "people" in axes.get_xlabel()
