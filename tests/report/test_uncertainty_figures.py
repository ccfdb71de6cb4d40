"""Figures of uncertainty show the numbers of the analysis, and what they do not know."""

import numpy as np
import pytest

from jaxqmri import analysis
from jaxqmri.report.figures import CYCLE, SOFT, png_bytes
from jaxqmri.report.tables import number
from jaxqmri.report.uncertainty import coverage_plot, reliability_diagrams, sparsification_plot
from jaxqmri.report.uncertainty_maps import uncertainty_maps

SUBJECTS = 12
OWNERS = np.arange(36) // 3
AT = np.repeat(np.arange(36), 50)
RNG = np.random.default_rng(0)
SCALE = RNG.lognormal(0, 0.4, AT.size) * RNG.lognormal(0, 0.5, SUBJECTS)[OWNERS][AT]
TARGET = RNG.normal(42, 3, AT.size)
PIXELS = analysis.Pixels.of(TARGET, TARGET + RNG.laplace(0, SCALE), SCALE, AT, OWNERS)
FOLDS = np.arange(SUBJECTS) % 3
CONSTANT = PIXELS._replace(uncertainty=analysis.held_out_constant(PIXELS, FOLDS))


LAPLACE = float(np.sqrt(2.0))  # standard deviation over scale


def diagram(pixels, factor=LAPLACE):
    means = analysis.slice_means(pixels)
    return analysis.reliability_diagram(
        factor * means.uncertainty, means.absolute_error, means.subjects
    )


def line(axes, label):
    (found,) = (line for line in axes.lines if line.get_label() == label)
    return np.stack([found.get_xdata(), found.get_ydata()])


def test_reliability_has_every_filled_bin_and_the_score():
    found = {"head": diagram(PIXELS), "constant": diagram(CONSTANT)}
    figure = reliability_diagrams(found, "ms", ideal=1 / LAPLACE)
    for axes, shown in zip(figure.axes, found.values(), strict=True):
        filled = shown.counts > 0
        dots = np.concatenate([line(axes, "_sure"), line(axes, "_few")], axis=1)
        dots = dots[:, np.argsort(dots[0])]
        assert dots[0] == pytest.approx(shown.uncertainty[filled])
        assert dots[1] == pytest.approx(shown.error[filled])
        few = np.isnan(shown.low[filled])
        assert line(axes, "_few").shape[1] == few.sum()
        heights = np.array([patch.get_height() for patch in axes.patches])
        assert heights / heights.max() == pytest.approx(shown.counts / shown.counts.max())
        told = axes.texts[0].get_text()
        assert f"UCE {number(shown.calibration_error.value, 2)} (" in told
        assert "36 slices" in told
        rise = line(axes, "perfect law")
        assert rise[1, 1] / rise[0, 1] == pytest.approx(1 / LAPLACE)
    first, second = figure.axes
    assert first.get_xlim() == first.get_ylim() == second.get_xlim()


def test_reliability_draws_no_second_line_where_equality_is_perfect():
    (axes,) = reliability_diagrams({"head": diagram(PIXELS, 1.0)}, "ms").axes
    assert not [line for line in axes.lines if line.get_label() == "perfect law"]
    equal = line(axes, "equal")
    assert equal[0] == pytest.approx(equal[1])


def test_sparsification_has_curve_oracle_and_random():
    found = {name: analysis.sparsification(p) for name, p in (("head", PIXELS), ("c", CONSTANT))}
    (axes,) = sparsification_plot(found).axes
    curves = [line for line in axes.lines if line.get_label().split("\n")[0] in found]
    for drawn, curve in zip(curves, found.values(), strict=True):
        assert drawn.get_xdata() == pytest.approx(100 * curve.removed)
        assert drawn.get_ydata() == pytest.approx(curve.error)
        assert f"AUSE {number(curve.ause.value, 2)} (" in drawn.get_label()
        assert f"gain {number(curve.gain.value, 2)} (" in drawn.get_label()
    # one oracle and one random line, for both share their prediction
    assert line(axes, "_oracle")[1] == pytest.approx(found["head"].oracle)
    assert line(axes, "_random")[1] == pytest.approx(found["head"].random)
    (band,) = axes.collections
    ends = band.get_paths()[0].vertices[:, 1]
    assert ends.min() == pytest.approx(found["head"].low.min())


def test_predictions_that_differ_have_an_oracle_each():
    worse = PIXELS._replace(prediction=2 * PIXELS.prediction - PIXELS.target)
    found = {name: analysis.sparsification(p) for name, p in (("head", PIXELS), ("worse", worse))}
    (axes,) = sparsification_plot(found).axes
    oracles = [line for line in axes.lines if line.get_label() == "_oracle"]
    assert [line.get_color() for line in oracles] == list(CYCLE[:2])
    for drawn, curve in zip(oracles, found.values(), strict=True):
        assert drawn.get_ydata() == pytest.approx(curve.oracle)


def test_coverage_has_share_distance_and_width():
    rows = analysis.coverage(PIXELS)
    figure = coverage_plot({"law": rows, "constant": analysis.coverage(CONSTANT)}, "ms")
    share, distance, width = figure.axes[:3]
    for axes, expected in (
        (share, [100 * row.found.value for row in rows]),
        (distance, [100 * (row.found.value - row.level) for row in rows]),
        (width, [row.width.value for row in rows]),
    ):
        drawn = axes.containers[0].lines[0]
        assert drawn.get_ydata() == pytest.approx(expected)
    bars = share.containers[0].lines[2][0].get_segments()
    ends = [[row.found.low, row.found.high] for row in rows]
    assert np.array(bars)[:, :, 1] == pytest.approx(100 * np.array(ends))
    nominal = [line.get_ydata()[0] for line in share.lines if line.get_color() == SOFT]
    assert nominal == pytest.approx([50, 80, 90, 95])
    names = [text.get_text() for text in figure.axes[3].get_legend().get_texts()]
    assert names == ["law", "constant"]


def test_levels_out_of_reach_have_no_dot():
    # eight calibration subjects reach 8/9
    figure = coverage_plot({"conformal": analysis.cross_conformal(PIXELS, FOLDS)}, "ms")
    for axes in figure.axes[:3]:
        assert axes.containers[0].lines[0].get_xdata() == pytest.approx([0, 1])
        assert len(axes.get_xticks()) == 4


def test_maps_show_the_region_before_and_after():
    shape = (20, 16, 3)
    target, prediction = np.full(shape, 42.0), np.full(shape, 43.0)
    uncertainty = np.where(np.arange(20)[:, None, None] < 8, 3.0, 1.0) * np.ones(shape)
    region = np.zeros(shape, bool)
    region[4:16, 4:12] = True
    figure = uncertainty_maps(
        target, prediction, uncertainty, region, 2.0, np.diag([1.5, 1.5, 7.0, 1.0]), "T1ρ", "ms"
    )
    titles = [axes.get_title("left") for axes in figure.axes if axes.get_title("left")]
    assert titles == [
        "T1ρ, target (ms)",
        "T1ρ, predicted (ms)",
        "region, 67 % kept (≤ 2.00 ms)",  # 8 of 12 rows
        "|error|, region (ms)",
        "uncertainty (ms)",
        "|error|, refined region (ms)",
    ]
    pictures = {axes.get_title("left"): axes.images[0] for axes in figure.axes if axes.images}
    shown = {title: np.ma.filled(image.get_array(), np.nan) for title, image in pictures.items()}
    assert np.isfinite(shown["|error|, region (ms)"]).sum() == 12 * 8
    assert np.isfinite(shown["|error|, refined region (ms)"]).sum() == 8 * 8
    limits = [pictures[title].get_clim() for title in (titles[3], titles[4], titles[5])]
    assert limits[0] == limits[1] == limits[2]
    assert pictures[titles[0]].get_clim() == pictures[titles[1]].get_clim()
    with pytest.raises(ValueError, match="region is empty"):
        uncertainty_maps(
            target, prediction, uncertainty, np.zeros(shape, bool), 2.0, np.eye(4), "T1ρ", "ms"
        )


def test_what_is_missing_can_be_drawn_and_nothing_is_refused():
    nothing = PIXELS.of_subjects(np.zeros(SUBJECTS, bool))
    single = PIXELS.of_subjects(np.arange(SUBJECTS) == 0)
    for pixels in (nothing, single):
        for figure in (
            reliability_diagrams({"a": diagram(pixels)}, "ms"),
            sparsification_plot({"a": analysis.sparsification(pixels)}),
            coverage_plot({"a": analysis.coverage(pixels)}, "ms"),
        ):
            assert png_bytes(figure).startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="at least one panel"):
        reliability_diagrams({}, "ms")
    with pytest.raises(ValueError, match="at least one curve"):
        sparsification_plot({})
    with pytest.raises(ValueError, match="at least one level"):
        coverage_plot({"a": []}, "ms")
