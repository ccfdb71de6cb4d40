"""Figures of agreement show every subject, the numbers of the analysis, and comparable axes."""

import numpy as np
import pytest

from jaxqmri import analysis
from jaxqmri.report.agreement import bland_altman, predicted_on_true
from jaxqmri.report.figures import png_bytes, save_png
from jaxqmri.report.tables import number

RNG = np.random.default_rng(1)
TRUE = RNG.normal(45.0, 5.0, 20)
PAIRS = {
    "PD+10": (TRUE, 30.0 + 0.3 * TRUE + RNG.normal(0, 1, 20)),
    "0+50": (TRUE, TRUE + RNG.normal(0, 1, 20)),
}
GROUPS = ["OA"] * 14 + ["healthy"] * 6


def dots(axes):
    return np.concatenate([np.asarray(part.get_offsets()) for part in axes.collections])


def horizontal(axes):
    return [line.get_ydata()[0] for line in axes.lines]


def test_bland_altman_shows_each_subject_the_bias_and_the_limits():
    figure = bland_altman(PAIRS, "T1ρ (ms)")
    for axes, (y, p) in zip(figure.axes, PAIRS.values(), strict=True):
        assert dots(axes) == pytest.approx(np.stack([(y + p) / 2, p - y], -1))
        found = analysis.bland_altman(y, p)
        expected = [found.bias.value, found.lower.value, found.upper.value, 0.0]
        assert horizontal(axes) == pytest.approx(expected)
        bands = [patch.get_bbox() for patch in axes.patches]
        assert [band.y0 for band in bands] == pytest.approx(
            [found.bias.low, found.lower.low, found.upper.low]
        )
    assert [axes.get_title("left") for axes in figure.axes] == list(PAIRS)


def test_spread_with_the_population_denominator():
    y, p = PAIRS["0+50"]
    (axes,) = bland_altman({"0+50": (y, p)}, "T1ρ (ms)", ddof=0).axes
    assert horizontal(axes)[2] - horizontal(axes)[0] == pytest.approx(1.96 * np.std(p - y))


def test_panels_can_be_compared():
    for figure in (bland_altman(PAIRS, "T1ρ (ms)"), predicted_on_true(PAIRS, "T1ρ (ms)")):
        first, second = figure.axes
        assert first.get_ylim() == second.get_ylim()
        assert first.get_xlim() == second.get_xlim()


def test_predicted_on_true_has_the_slope_with_its_interval():
    figure = predicted_on_true(PAIRS, "T1ρ (ms)")
    for axes, (y, p) in zip(figure.axes, PAIRS.values(), strict=True):
        assert dots(axes) == pytest.approx(np.stack([y, p], -1))
        slope = analysis.regression(y, p).slope
        line = next(line for line in axes.lines if line.get_label() == "_regression")
        rise, run = np.ptp(line.get_ydata()), np.ptp(line.get_xdata())
        assert rise / run == pytest.approx(slope.value)
        told = axes.texts[0].get_text()
        shown = [number(end, 2) for end in slope]
        assert f"slope {shown[0]} ({shown[1]} to {shown[2]})" in told
        (identity,) = (line for line in axes.lines if line.get_label() == "_identity")
        assert list(identity.get_xdata()) == list(identity.get_ydata())


@pytest.mark.parametrize("figure", [bland_altman, predicted_on_true])
def test_groups_have_colours_and_a_legend(figure):
    axes = figure(PAIRS, "T1ρ (ms)", groups=GROUPS).axes[0]
    assert [part.get_offsets().shape[0] for part in axes.collections] == [14, 6]
    assert [entry.get_text() for entry in axes.get_legend().get_texts()] == ["OA", "healthy"]
    with pytest.raises(ValueError, match="20 subjects, but 3 groups"):
        figure(PAIRS, "T1ρ (ms)", groups=GROUPS[:3])


@pytest.mark.parametrize("figure", [bland_altman, predicted_on_true])
def test_missing_and_constant_predictions_can_be_drawn(figure, tmp_path):
    lacking = TRUE.copy()
    lacking[0] = np.nan
    drawn = figure({"a": (TRUE, lacking), "b": (TRUE, np.full(20, 45.0))}, "T1ρ (ms)")
    save_png(drawn, tmp_path / "agreement.png")
    assert (tmp_path / "agreement.png").read_bytes().startswith(b"\x89PNG")
    empty = figure({"none": (np.full(3, np.nan), np.full(3, np.nan))}, "T1ρ (ms)")
    assert png_bytes(empty).startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="at least one panel"):
        figure({}, "T1ρ (ms)")
