"""Which rows a report reads, and what it says when there are none."""

import pytest

from triadic.reports import ingredients
from triadic.reports.frames import chance, enough, scoped
from triadic.schema.errors import BadInput, NotFound
from triadic.schema.lab import Lab


def test_each_kind_of_figure_is_a_scope_of_its_own(measured):
    parts = scoped(measured, "ingredient_frame", "both", metric=None)
    assert [(s.origin, s.metric, s.reference, len(f)) for s, f in parts] == [
        ("published", "procrustes_r2", "paper, Table 4", 75),
        ("measured", "cka_debiased", "vice", 30),
        ("measured", "procrustes_r2", "vice", 30),
    ]


def test_what_is_not_there_is_said_with_what_is(suite, tmp_path):
    with pytest.raises(BadInput, match="no origin 'invented': use one of published, measured, both"):
        scoped(suite, "ingredient_frame", "invented")
    with pytest.raises(NotFound, match="triadic run MODEL"):
        scoped(suite, "ingredient_frame", "measured")
    with pytest.raises(NotFound, match=r"no alignment figures for published cka.*procrustes_r2 against paper, Table 4"):
        scoped(suite, "ingredient_frame", "published", metric="cka")
    with pytest.raises(NotFound, match="triadic ingest published"):
        scoped(Lab.create(tmp_path / "new").store, "ingredient_frame")


def test_with_both_origins_a_reference_chooses_among_the_measured(measured):
    parts = scoped(measured, "ingredient_frame", "both", reference="vice")
    assert [scope.reference for scope, _ in parts] == ["paper, Table 4", "vice"]
    with pytest.raises(NotFound, match="against nobody"):
        scoped(measured, "ingredient_frame", "measured", reference="nobody")


def test_at_chance_means_in_a_note_what_it_means_in_the_view(suite):
    ((scope, frame),) = scoped(suite, "ingredient_frame")
    (low,) = suite.row("SELECT count(*) FILTER (at_chance) FROM alignment_score WHERE origin = 'published'")
    (note,) = chance(suite, scope, frame)
    assert f"{low} of {len(frame)} models are at chance" in note
    assert (low, len(frame)) == (19, 75)


def test_there_is_no_note_on_chance_where_nobody_flipped_coins(measured):
    for scope, frame in scoped(measured, "ingredient_frame", "measured", metric=None):
        assert chance(measured, scope, frame) == []


def test_this_labs_own_stand_beside_the_published_as_soon_as_they_are_enough(measured):
    parts = scoped(measured, "ingredient_frame", "both", metric=None)
    assert enough(parts, 30) == (parts, [])
    kept, (note,) = enough(parts, 31)
    assert [scope.origin for scope, _ in kept] == ["published"]
    assert "2 kinds of figures with 30 at most, 31 are needed" in note
    own = [part for part in parts if part[0].origin == "measured"]
    assert enough(own, 31) == (own, [])  # nothing else to show: the report says what is missing
    assert set(ingredients.report(measured, n_resamples=0).frame("correlations").origin) == {"published", "measured"}
    with measured.transaction() as con:
        con.execute("DELETE FROM metric WHERE embedding_id NOT IN (SELECT embedding_id FROM metric LIMIT 2)")
    found = ingredients.report(measured, n_resamples=0)
    assert set(found.frame("correlations").origin) == {"published"}
    assert any("too few yet: 1 kind of figure" in note for note in found.notes)
