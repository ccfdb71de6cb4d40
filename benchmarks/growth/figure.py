"""One panel for each axis, with a straight line of linear growth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.growth.axes import Point
from experiments.pages import mark_simulated
from jaxqmri.report.figures import CYCLE, INK, SOFT
from jaxqmri.report.panels import panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TWO_DECADES = 100

TITLES = {
    "voxels": "More voxels",
    "images": "More images a voxel",
    "parameters": "More parameters",
    "devices": "More CPU devices",
    "trainings": "More trainings in one program",
    "subjects": "More subjects of a dataset",
}


def drawn(points: Sequence[Point]) -> Figure:
    """Seconds against size, both logarithmic: points are medians, bars reach over all repeats.

    The dashed line is what the first point would become if cost grew in proportion, or on more
    devices fell in inverse proportion.
    """
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    axes_found = list(dict.fromkeys(each["axis"] for each in points))
    figure, places = panels([TITLES[axis] for axis in axes_found], "", "seconds", height=2.2)
    for axis, panel in zip(axes_found, places, strict=True):
        here = [each for each in points if each["axis"] == axis]
        for index, method in enumerate(dict.fromkeys(each["method"] for each in here)):
            line = [each for each in here if each["method"] == method]
            sizes = np.array([each["size"] for each in line], float)
            medians = np.array([each["median_s"] for each in line])
            ends = [(min(each["seconds"]), max(each["seconds"])) for each in line]
            spread = np.abs(np.array(ends).T - medians)
            colour = CYCLE[index]
            panel.errorbar(
                sizes, medians, spread, fmt="o-", ms=4, lw=1.4, color=colour, label=method
            )
            power = -1 if axis == "devices" else 1
            linear = medians[0] * (sizes / sizes[0]) ** power
            label = "in proportion" if index == 0 else None
            panel.plot(sizes, linear, "--", lw=1.0, color=SOFT, label=label)
        panel.set_xscale("log", base=10 if axis == "voxels" else 2)
        panel.set_yscale("log")
        if axis != "voxels":
            ticks = [each["size"] for each in here]
            panel.set_xticks(ticks, [str(tick) for tick in ticks])
            panel.xaxis.set_minor_locator(NullLocator())
        panel.set_xlabel(axis, fontsize=9.5, color=INK)
        low, high = panel.get_ylim()
        if high < TWO_DECADES * low:  # powers of ten alone would be one tick or none
            panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        panel.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        panel.yaxis.set_minor_locator(NullLocator())
        panel.legend(frameon=False, fontsize=8, labelcolor=INK)
    mark_simulated(figure)
    return figure
