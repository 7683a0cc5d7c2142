"""Which rows a report reads, and what it says when there are none."""

import pytest

from triadic.reports.frames import chance, scoped
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
