"""Figures of uncertainty: whether it is as large as the errors, in their order, and covers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxqmri.analysis import Coverage, ReliabilityDiagram, Sparsification
from jaxqmri.report.figures import CYCLE, INK, LINE, SOFT, WIDTH, add_axes, new_figure, quantity
from jaxqmri.report.panels import panels
from jaxqmri.report.tables import Estimate, Real

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

IDEAL = 1.0
BAND = 0.16  # opacity
FOOT = 0.13  # of a panel's height, for how full the bins are
DODGE = 0.11  # between methods at one level, in levels


def reliability_diagrams(
    diagrams: Mapping[str, ReliabilityDiagram],
    unit: str,
    *,
    ideal: Real = IDEAL,
    items: str = "slices",
    columns: int = 3,
) -> Figure:
    """Mean error over mean uncertainty of each bin, the line of equality beside it.

    Below the line of equality an uncertainty is larger than the error, above it smaller. Bars are
    95 % intervals over subjects; an open dot rests on too few for one. The grey columns at the foot
    are as high as their bins are full. The calibration error stands in each panel.

    Parameters
    ----------
    diagrams
        By the method's name, a panel each.
    unit
        Of errors and uncertainties.
    ideal
        Error over uncertainty of a perfect law. Other than 1 where a standard deviation is held
        against a mean absolute error: ``sqrt(1 / 2)`` for Laplace's law, whose line is then drawn.
    items
        What is binned.
    columns
        Panels in a row, at most.

    Returns
    -------
    Figure
        All panels have the same axes, so that they can be compared.
    """
    figure, axes = panels(
        list(diagrams),
        quantity("mean uncertainty of the bin", unit),
        quantity("mean error of the bin", unit),
        columns=columns,
        height=2.6,
    )
    reach = max(_reach(diagram) for diagram in diagrams.values())
    for panel, diagram in zip(axes, diagrams.values(), strict=True):
        panel.set_xlim(0, reach)
        panel.set_ylim(0, reach)
        panel.set_aspect("equal", anchor="SW")
        panel.plot([0, reach], [0, reach], color=SOFT, linewidth=1, ls=":", label="equal")
        if ideal != IDEAL:
            line = [0, float(ideal) * reach]
            panel.plot([0, reach], line, color=CYCLE[1], linewidth=1, ls="--", label="perfect law")
        _columns(panel, diagram, reach)
        _dots(panel, diagram)
        score = Estimate(*_of(diagram.calibration_error)).text()
        panel.text(
            0.03, 0.97, f"UCE {score}\n{diagram.counts.sum()} {items}",
            transform=panel.transAxes, va="top", fontsize=8.5, color=INK,
        )  # fmt: skip
    axes[0].legend(frameon=False, fontsize=8.5, labelcolor=INK, loc="lower right", borderaxespad=1)
    return figure


def sparsification_plot(curves: Mapping[str, Sparsification]) -> Figure:
    """Error of the pixels that are left, over the share of the most uncertain ones removed.

    The first method, which is judged, has its 95 % interval over subjects. Dashed is the oracle,
    which removes the largest errors first, and dotted the expectation of removal at random: once in
    grey for methods that share their predictions, in each method's colour otherwise. The legend has
    the area between curve and oracle (AUSE), and that between random removal and curve (gain).

    Parameters
    ----------
    curves
        By the method's name.

    Raises
    ------
    ValueError
        If there is no curve.
    """
    if not curves:
        raise ValueError("a figure of sparsification needs at least one curve")
    figure = new_figure(WIDTH, 3.9)
    axes = add_axes(
        figure, (0.7, 0.55, WIDTH - 4.0, 3.2),
        "most uncertain pixels removed (%)", "relative error of the rest (%)",
    )  # fmt: skip
    found = list(curves.values())
    shared = all(_same_prediction(found[0], other) for other in found[1:])
    x = 100 * found[0].removed
    axes.fill_between(x, found[0].low, found[0].high, color=CYCLE[0], alpha=BAND, linewidth=0)
    for index, (name, curve) in enumerate(curves.items()):
        colour, x = CYCLE[index % len(CYCLE)], 100 * curve.removed
        area, gain = (Estimate(*_of(part)).text() for part in (curve.ause, curve.gain))
        label = f"{name}\nAUSE {area}\ngain {gain}"
        axes.plot(x, curve.error, color=colour, linewidth=1.8, label=label)
        if not shared:
            _bounds(axes, curve, colour)
    if shared:
        _bounds(axes, found[0], SOFT)
    axes.plot([], [], color=SOFT, linestyle="--", linewidth=1.2, label="oracle")
    axes.plot([], [], color=SOFT, linestyle=":", linewidth=1.4, label="at random")
    axes.set_xlim(0, 100)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.legend(
        frameon=False, fontsize=8.5, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.01, 1.02),
        labelspacing=0.8,
    )  # fmt: skip
    return figure


def coverage_plot(methods: Mapping[str, Sequence[Coverage]], unit: str) -> Figure:
    """What intervals hold against what they should, and how wide they are.

    Left, the share found beside a short line at the nominal one; middle, how far the two are
    apart; right, the mean width, without which any level can be met. Bars are 95 % intervals over
    subjects. A level that is out of reach, whose intervals are infinite, has no dot.

    Parameters
    ----------
    methods
        Levels by the method's name, in any order.
    unit
        Of the widths.

    Raises
    ------
    ValueError
        If no method has a level.
    """
    levels = sorted({row.level for rows in methods.values() for row in rows})
    if not levels:
        raise ValueError("a figure of coverage needs at least one level")
    titles = [
        "targets inside (%)",
        "found \N{MINUS SIGN} nominal (% points)",
        quantity("mean width", unit),
    ]
    figure, (*axes, key) = panels([*titles, ""], "nominal level (%)", "", columns=4, height=2.5)
    share, distance, width = axes
    for place, level in enumerate(levels):
        share.plot([place - 0.35, place + 0.35], [100 * level] * 2, color=SOFT, lw=1, zorder=0.9)
    distance.axhline(0, color=SOFT, linewidth=1, zorder=0.9)
    for index, (name, rows) in enumerate(methods.items()):
        colour = CYCLE[index % len(CYCLE)]
        shift = (index - (len(methods) - 1) / 2) * DODGE
        bounded = [row for row in rows if np.isfinite(row.width.value)]
        nominal = np.array([100 * row.level for row in bounded])
        places = np.array([levels.index(row.level) for row in bounded]) + shift
        found = 100 * np.array([row.found for row in bounded]).reshape(-1, 3)
        widths = np.array([row.width for row in bounded]).reshape(-1, 3)
        _bars(share, places, found, colour, name)
        _bars(distance, places, found - nominal[:, None], colour, name)
        _bars(width, places, widths, colour, name)
    for panel in axes:
        panel.set_xticks(range(len(levels)), [f"{100 * level:g}" for level in levels])
        panel.set_xlim(-0.5, len(levels) - 0.5)
        panel.grid(axis="y", color=LINE, linewidth=0.8)
        panel.set_axisbelow(True)
    share.set_ylim(top=101.5)
    width.set_ylim(bottom=0)
    key.set_axis_off()
    key.legend(
        *width.get_legend_handles_labels(), frameon=False, fontsize=8.5, labelcolor=INK,
        loc="upper left", bbox_to_anchor=(-0.25, 1.0), handletextpad=0.3,
    )  # fmt: skip
    return figure


def _reach(diagram: ReliabilityDiagram) -> float:
    values = np.concatenate([diagram.uncertainty, diagram.error, diagram.high])
    finite = values[np.isfinite(values)]
    return 1.06 * float(finite.max()) if finite.size and finite.max() > 0 else 1.0


def _columns(axes: Axes, diagram: ReliabilityDiagram, reach: float) -> None:
    """How full the bins are, as columns at the foot of the panel."""
    most = max(int(diagram.counts.max()), 1)
    heights = FOOT * reach * diagram.counts / most
    widths = np.maximum(np.diff(diagram.edges), 0.01 * reach)  # a constant has bins of no width
    centres = 0.5 * (diagram.edges[1:] + diagram.edges[:-1])
    axes.bar(centres, heights, 0.92 * widths, color=LINE, linewidth=0, zorder=0)


def _dots(axes: Axes, diagram: ReliabilityDiagram) -> None:
    filled = diagram.counts > 0
    u, e = diagram.uncertainty[filled], diagram.error[filled]
    bars = np.stack([e - diagram.low[filled], diagram.high[filled] - e])
    axes.errorbar(u, e, yerr=bars, fmt="-", color=CYCLE[0], linewidth=0.9, elinewidth=1.5)
    sure = np.isfinite(bars).all(axis=0)
    axes.plot(u[sure], e[sure], "o", ms=4.5, color=CYCLE[0], label="_sure")
    axes.plot(u[~sure], e[~sure], "o", ms=4.5, color=CYCLE[0], mfc="white", label="_few")


def _bounds(axes: Axes, curve: Sparsification, colour: str) -> None:
    x = 100 * curve.removed
    axes.plot(x, curve.oracle, color=colour, linestyle="--", linewidth=1.2, label="_oracle")
    level = np.full_like(x, curve.random)
    axes.plot(x, level, color=colour, linestyle=":", linewidth=1.4, label="_random")


def _same_prediction(first: Sparsification, other: Sparsification) -> bool:
    return first.oracle.shape == other.oracle.shape and np.allclose(
        first.oracle, other.oracle, equal_nan=True
    )


def _bars(axes: Axes, x: np.ndarray, rows: np.ndarray, colour: str, name: str) -> None:
    value, low, high = rows.T
    style: dict[str, Any] = {"fmt": "o", "ms": 4.5, "color": colour, "elinewidth": 1.5}
    axes.errorbar(x, value, yerr=np.stack([value - low, high - value]), label=name, **style)


def _of(interval: Sequence[float]) -> tuple[float, None, float, float]:
    """Value, no standard deviation, and the ends."""
    value, low, high = interval
    return value, None, low, high
