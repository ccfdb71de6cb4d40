"""Figures of a cohort hold every series, few or many."""

import numpy as np
import pytest

from jaxqmri.report.cohort import interval_plot, spread_plot
from jaxqmri.report.figures import png_bytes


@pytest.mark.parametrize("count", [2, 5, 1000])
def test_every_dot_is_inside_the_axes(count):
    middle = np.random.default_rng(0).normal(40.0, 2.0, count)
    middle[-1] = 90.0
    high = middle + 5.0
    high[0] = 5_000.0  # its line is cut
    names = [f"sub-{k:04d}" for k in range(count)]
    drawing = interval_plot(names, middle, middle - 5.0, high, "T2 (ms)", middle > 80.0)
    (axes,) = drawing.axes
    shown = np.concatenate([line.get_ydata() for line in axes.lines if line.get_marker() == "o"])
    np.testing.assert_allclose(np.sort(shown), np.sort(middle))
    low, top = axes.get_ylim()
    assert low < middle.min()
    assert middle.max() < top
    assert top < 200.0 or count < 50
    named = [text.get_text() for text in (*axes.texts, *axes.get_xticklabels())]
    assert names[-1] in named
    assert png_bytes(drawing)


@pytest.mark.parametrize("values", [np.full(20, 40.0), np.linspace(30.0, 50.0, 1000)])
def test_histogram_holds_every_series(values):
    (axes,) = spread_plot(values, "T2 (ms)").axes
    assert axes.get_ylabel() == "series"
    counts = axes.patches[0].get_data().values
    assert counts.sum() == values.size
