"""Every figure draws, in both formats, twice the same."""

import pytest

from triadic.reports import benchmarks, figures, ingredients, regression, stages
from triadic.reports.report import Report

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


def test_they_draw_to_svg_and_png(reports, tmp_path):
    written = [path for report in reports for path in figures.save(report, tmp_path)]
    assert len(written) == 2 * sum(len(report.figures) for report in reports)
    for path in written:
        head = path.read_bytes()[:200]
        assert head.startswith(b"\x89PNG") if path.suffix == ".png" else b"<?xml" in head
        assert path.stat().st_size > 4_000


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
