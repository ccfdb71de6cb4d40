"""Figures of a cohort: one dot with its interval for each series, and how the dots spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from jaxqmri.report.figures import CYCLE, INK, LINE, SOFT, WIDTH, add_axes, histogram, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMED = 40  # series that the axis has room to name
POINTED_OUT = 8  # outlying series that the figure has room to name
LEFT, TOP, HIGH = 0.75, 0.15, 3.2  # inches


def interval_plot(
    names: Sequence[str],
    middle: Float[np.ndarray, " n"],
    low: Float[np.ndarray, " n"],
    high: Float[np.ndarray, " n"],
    label: str,
    outlying: Bool[np.ndarray, " n"],
) -> Figure:
    """Each series as a dot on its interval, in order; the line is the median of the dots.

    The axis holds every dot and the ends of most intervals: a single one that is very long is cut
    rather than flattening all others.

    Parameters
    ----------
    names
        Of the series.
    middle, low, high
        A series' dot and the ends of its interval.
    label
        Name and unit of the values.
    outlying
        Series in another colour, named where they are few.
    """
    count = len(names)
    foot = 0.55 if count > NAMED else 0.3 + 0.065 * max(map(len, names))
    figure = new_figure(WIDTH, TOP + HIGH + foot)
    axes = add_axes(figure, (LEFT, foot, WIDTH - LEFT - 0.1, HIGH), "", label)
    places = np.arange(1, count + 1)
    crowded = min(1.0, np.sqrt(NAMED / count))
    usual = 0.15 + 0.3 * crowded
    for chosen, colour, alpha in ((~outlying, CYCLE[0], usual), (outlying, CYCLE[1], 0.6)):
        axes.vlines(
            places[chosen], low[chosen], high[chosen],
            color=colour, alpha=alpha, linewidth=max(3.0 * crowded, 0.6),
        )  # fmt: skip
        axes.plot(
            places[chosen], middle[chosen], "o", color=colour, markersize=max(6.0 * crowded, 1.8),
            markeredgewidth=0,
        )  # fmt: skip
    axes.axhline(float(np.median(middle)), color=SOFT, linewidth=1.0, linestyle="--", zorder=0)
    bottom = min(float(np.percentile(low, 2)), float(middle.min()))
    top = max(float(np.percentile(high, 98)), float(middle.max()))
    margin = 0.06 * (top - bottom) or 1.0
    axes.set_ylim(bottom - margin, top + margin)
    axes.set_xlim(0.5 - 0.01 * count, count + 0.5 + 0.01 * count)
    axes.grid(axis="y", color=LINE, linewidth=0.7)
    axes.set_axisbelow(True)
    if count > NAMED:
        axes.set_xlabel("series, in the order of the table", fontsize=9.5, color=INK)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    else:
        axes.set_xticks(places, names, rotation=90)
    if count > NAMED and np.count_nonzero(outlying) <= POINTED_OUT:
        for place in map(int, np.flatnonzero(outlying)):
            axes.annotate(
                names[place], (places[place], middle[place]), xytext=(5, 3),
                textcoords="offset points", fontsize=8, color=INK,
            )  # fmt: skip
    return figure


def spread_plot(values: Float[np.ndarray, " n"], label: str) -> Figure:
    """Histogram of one value a series; as many bins as their number bears."""
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low) or 0.5
    bins = int(np.clip(2 * np.sqrt(values.size), 8, 60))
    limits = (low - margin, high + margin)
    return histogram({label: values}, label, limits, bins=bins, counted="series")
