"""Every figure draws, in every format, twice the same; one can be had alone."""

from pathlib import Path

import pytest
from PIL import Image

from triadic.reports import benchmarks, figures, ingredients, regression, stages
from triadic.reports.report import Report
from triadic.schema.errors import BadInput, NotFound

PAPER = ["2a", "2b", "2c", "2d", "2e", "3", "4a", "4b", "5", "6", *map(str, range(7, 14))]


@pytest.fixture(scope="module")
def reports(suite):
    return [
        ingredients.report(suite, n_resamples=0),
        regression.report(suite, n_bootstrap=0),
        stages.report(suite),
        benchmarks.report(suite, n_resamples=100),
    ]


def test_every_figure_of_the_paper_has_one(reports):
    drawn = {name for report in reports for name in report.figures}
    assert {f"figure_{number}" for number in PAPER} <= drawn


def test_they_draw_to_svg_and_pdf_which_scale_and_to_png(reports, tmp_path):
    written = [path for report in reports for path in figures.save(report, tmp_path)]
    assert len(written) == 3 * sum(len(report.figures) for report in reports)
    heads = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF-"}
    for path in written:
        assert path.read_bytes().startswith(heads[path.suffix])
        assert path.stat().st_size > 4_000
        if path.suffix == ".svg":
            assert b"<image" not in path.read_bytes()  # lines and letters, no pixels
        elif path.suffix == ".pdf":
            assert b"/Subtype /Image" not in path.read_bytes()
        else:
            assert Image.open(path).info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_one_figure_can_be_had_without_the_rest(reports, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stage = reports[2]
    assert figures.save_one(stage, "figure_6", tmp_path / "pairs.SVG").read_bytes().startswith(b"<?xml")
    assert figures.save_one(stage, "figure_5") == Path("figure_5.pdf")
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["figure_5.pdf", "pairs.SVG"]
    with pytest.raises(NotFound, match="no figure 'figure_9' in report stages: use one of figure_5, figure_6"):
        figures.save_one(stage, "figure_9")
    with pytest.raises(BadInput, match="2 figures, name one with --figure: use one of figure_5, figure_6"):
        figures.save_one(stage)
    with pytest.raises(BadInput, match=r"a.jpg is no figure: end it in .svg, .pdf, .png"):
        figures.save_one(stage, "figure_5", Path("a.jpg"))
    with pytest.raises(NotFound, match="it has none"):
        figures.save_one(Report("bare", "Nothing to draw", []), "any")


def test_a_figure_and_a_table_are_files_from_the_command_line(suite, call, tmp_path):
    lab = suite.path.parent
    assert call("report", "ranking", "--lab", lab, "--output", tmp_path / "r.pdf")[0] == 0
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF-")
    call("report", "stages", "--lab", lab, "--figure", "figure_6", "--output", tmp_path / "pairs.svg")
    assert (tmp_path / "pairs.svg").read_bytes().startswith(b"<?xml")
    call("report", "ranking", "--lab", lab, "--table", "ranking", "--output", tmp_path / "r.csv")
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 76
    code, _, err = call("report", "quality", "--lab", lab, "--output", tmp_path / "q.png")
    assert code != 0
    assert "0 figures" in err
    assert not (tmp_path / "q.png").exists()


def test_the_same_numbers_give_the_same_file(reports, tmp_path):
    single = Report("one", "One figure", [], figures={"figure_6": reports[2].figures["figure_6"]})
    first, second = (figures.save(single, tmp_path / name) for name in ("a", "b"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_points_and_n_are_those_of_the_rows(suite, reports):
    figure = reports[3].figures["figure_8"]()  # BBH
    (n,) = suite.row(
        "SELECT count(*) FROM benchmark_frame WHERE origin = 'published' AND is_comparable AND benchmark = 'BBH'"
    )
    assert sum(len(points.get_offsets()) for points in figure.axes[0].collections) == n
    assert figure.axes[0].get_title().endswith(f"n = {n}")


def test_measured_figures_do_not_overwrite_published_ones(measured, tmp_path):
    report = ingredients.report(measured, origin="both", n_resamples=0)
    names = list(report.figures)
    assert len(names) == len(set(names)) == 10
