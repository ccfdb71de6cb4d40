"""A few voxels up close: samples, fitted signal and residuals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxqmri.report.figures import CYCLE, INK, LINE, SOFT, WIDTH, add_axes, new_figure
from jaxqmri.report.fitted import FittedSeries, by_name, digits_of
from jaxqmri.report.page import Html, figure, paragraph
from jaxqmri.report.tables import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def voxel_blocks(series: FittedSeries, known: np.ndarray) -> list[Html]:
    """What the page shows of single voxels and of their mean residuals."""
    chosen = choose_voxels(series, known)
    drawing = draw_voxels(series, chosen)
    blocks = [
        paragraph(
            "The first five lie at the 5th, 25th, 50th, 75th and 95th percentile of "
            f"{series.labels.get(series.main, series.main)} among the well-known voxels; the last "
            "has the largest residual of them."
        ),
        figure(drawing, "Samples, fitted signal, and residuals (below).", alt="Six voxel fits"),
    ]
    misfit = draw_misfit(series, known)
    blocks.append(
        figure(
            misfit,
            "Residual of each sample over the well-known voxels: mean (dot) and middle half of "
            "the voxels (bar), as a share of the voxel's largest sample. Means that bend away "
            "from zero along the axis are signal that the equation does not describe.",
            alt="Mean residual of each sample",
        )
    )
    return blocks


def choose_voxels(series: FittedSeries, known: np.ndarray) -> list[tuple[int, int, int]]:
    """Five voxels along the distribution of the main parameter, and the worst described one."""
    places = np.argwhere(known)
    places = places[:: max(1, len(places) // 100_000)]
    values = series.maps[series.main][tuple(places.T)]
    order = np.argsort(values, kind="stable")
    picks = [order[round(q * (len(order) - 1))] for q in (0.05, 0.25, 0.5, 0.75, 0.95)]
    if series.result.rmse is not None:
        rmse = np.asarray(series.result.rmse)[tuple(places.T)]
        picks.append(np.argmax(np.nan_to_num(rmse)))
    chosen = dict.fromkeys(tuple(int(i) for i in places[pick]) for pick in picks)
    return [(i, j, k) for i, j, k in chosen]


def _at(structure: Any, places: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[tuple(places.T)] for name, values in by_name(structure).items()}


def draw_voxels(series: FittedSeries, chosen: Sequence[tuple[int, int, int]]) -> Figure:
    """Samples and fitted signal of each chosen voxel, residuals below."""
    places = np.asarray(chosen)
    parameters = _at(series.result.params, places)
    errors = None if series.result.std is None else _at(series.result.std, places)
    measured = np.asarray(series.images[tuple(places.T)], dtype=np.float64)
    at_samples = np.asarray(series.signals(parameters, None))
    residuals = measured - at_samples
    order = np.argsort(series.positions, kind="stable")
    x, curves = series.positions[order], at_samples[:, order]
    if series.smooth:
        low, high = float(x[0]), float(x[-1])
        x = np.linspace(low, high + 0.04 * (high - low), 80)
        curves = np.asarray(series.signals(parameters, x))

    wide, high, strip = 2.72, 1.55, 0.5
    lines = -(-len(chosen) // 3)
    step = high + strip + 0.95
    drawing = new_figure(WIDTH, lines * step)
    for i, place in enumerate(chosen):
        line, column = divmod(i, 3)
        left, top = 0.62 + column * (wide + 0.62), (lines - line) * step - 0.3
        axes = add_axes(drawing, (left, top - high, wide, high))
        axes.plot(x, curves[i], color=CYCLE[0], linewidth=1.6)
        axes.plot(series.positions, measured[i], "o", color=INK, markersize=3.8)
        axes.set_xticklabels([])
        if min(measured[i].min(), curves[i].min()) >= 0:
            axes.set_ylim(bottom=0)
        value = parameters[series.main][i]
        spread = "" if errors is None else f" ± {number(errors[series.main][i], digits_of(value))}"
        unit = series.units.get(series.main, "")
        text = f"{series.labels.get(series.main, series.main)} {number(value, digits_of(value))}"
        axes.set_title(
            f"{text}{spread} {unit}   voxel {place[0]}, {place[1]}, {place[2]}",
            loc="left",
            fontsize=8.5,
            color=INK,
            pad=4,
        )
        below = add_axes(drawing, (left, top - high - strip - 0.08, wide, strip), series.axis)
        below.axhline(0, color=SOFT, linewidth=0.8)
        below.vlines(series.positions, 0, residuals[i], color=CYCLE[1], linewidth=1.4)
        below.plot(series.positions, residuals[i], "o", color=CYCLE[1], markersize=2.6)
        largest = 1.25 * float(np.abs(residuals[i]).max()) or 1.0
        below.set_ylim(-largest, largest)
        below.set_xlim(axes.get_xlim())
    return drawing


def draw_misfit(series: FittedSeries, known: np.ndarray, most: int = 4096) -> Figure:
    """Mean and middle half of the residuals of each sample, over ``most`` of the voxels."""
    places = np.argwhere(known)
    places = places[np.linspace(0, len(places) - 1, min(most, len(places))).astype(int)]
    measured = np.asarray(series.images[tuple(places.T)], dtype=np.float64)
    predicted = np.asarray(series.signals(_at(series.result.params, places), None))
    scale = np.abs(measured).max(axis=1, keepdims=True)
    share = 100 * (measured - predicted) / np.where(scale > 0, scale, 1.0)
    low, high = np.percentile(share, (25, 75), axis=0)
    drawing = new_figure(WIDTH, 2.3)
    axes = add_axes(drawing, (0.75, 0.5, WIDTH - 0.85, 1.7), series.axis, "residual (%)")
    axes.axhline(0, color=SOFT, linewidth=0.8)
    axes.grid(axis="y", color=LINE, linewidth=0.7)
    axes.vlines(series.positions, low, high, color=CYCLE[0], linewidth=4, alpha=0.4)
    axes.plot(series.positions, share.mean(axis=0), "o", color=CYCLE[0], markersize=4.5)
    return drawing
