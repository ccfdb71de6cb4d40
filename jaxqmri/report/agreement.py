"""Figures of agreement: one dot for each subject, a method's means against the reference's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxqmri import analysis
from jaxqmri.report.figures import CYCLE, INK, LINE, SOFT
from jaxqmri.report.panels import panels
from jaxqmri.report.tables import Estimate, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Pairs = Mapping[str, tuple[Any, Any]]


def bland_altman(
    pairs: Pairs,
    label: str,
    *,
    groups: Sequence[str] | None = None,
    names: tuple[str, str] = ("prediction", "reference"),
    ddof: int = 1,
    columns: int = 3,
) -> Figure:
    """Difference against mean, with the bias, the 95 % limits of agreement and their intervals.

    Parameters
    ----------
    pairs
        For each panel's title a pair ``(reference, prediction)``, each of shape ``(subjects,)``:
        one number a subject, not a voxel. Subjects that lack one have no dot.
    label
        Name and unit of both.
    groups
        Group of each subject, told apart by colour.
    names
        What prediction and reference are called.
    ddof
        Of the standard deviation of the differences.
    columns
        Panels in a row, at most.

    Returns
    -------
    Figure
        All panels have the same axes, so that they can be compared.
    """
    figure, axes = panels(
        list(pairs),
        f"mean of both, {label}",
        f"{names[0]} \N{MINUS SIGN} {names[1]}",
        columns=columns,
    )
    for panel, (reference, prediction) in zip(axes, pairs.values(), strict=True):
        y, p = np.asarray(reference, np.float64), np.asarray(prediction, np.float64)
        _dots(panel, (y + p) / 2, p - y, groups)
        found = analysis.bland_altman(y, p, ddof=ddof)
        for line, style in ((found.bias, "-"), (found.lower, "--"), (found.upper, "--")):
            panel.axhline(line.value, color=SOFT, linewidth=1.1, linestyle=style, zorder=1)
            if np.isfinite(line.low):
                panel.axhspan(line.low, line.high, color=LINE, linewidth=0, zorder=0)
            _annotate(panel, line.value)
        panel.axhline(0, color=LINE, linewidth=1.0, zorder=0.5)
    _share_limits(axes)
    _legend(axes[0], groups)
    return figure


def predicted_on_true(
    pairs: Pairs,
    label: str,
    *,
    groups: Sequence[str] | None = None,
    names: tuple[str, str] = ("prediction", "reference"),
    columns: int = 3,
) -> Figure:
    """Predicted over reference subject means, the least-squares line beside that of identity.

    A method that predicts near the cohort's mean has a flat line, however small its errors are.
    The slope stands in each panel with its 95 % interval over subjects.

    Parameters
    ----------
    pairs
        For each panel's title a pair ``(reference, prediction)``, each of shape ``(subjects,)``.
        Subjects that lack one have no dot.
    label
        Name and unit of both axes.
    groups, names, columns
        As in :func:`bland_altman`.
    """
    figure, axes = panels(
        list(pairs), f"{names[1]}, {label}", f"{names[0]}, {label}", columns=columns, height=2.6
    )
    for panel, (reference, prediction) in zip(axes, pairs.values(), strict=True):
        y, p = np.asarray(reference, np.float64), np.asarray(prediction, np.float64)
        _dots(panel, y, p, groups)
        known = np.isfinite(y) & np.isfinite(p)
        found = analysis.regression(y, p)
        if np.isfinite(found.slope.value):
            ends = np.array([y[known].min(), y[known].max()])
            line = found.intercept.value + found.slope.value * ends
            panel.plot(ends, line, color=INK, linewidth=1.4, label="_regression")
        slope = Estimate(found.slope.value, low=found.slope.low, high=found.slope.high)
        panel.text(
            0.03, 0.97, f"slope {slope.text()}\nr {number(found.correlation.value, 2)}",
            transform=panel.transAxes, va="top", fontsize=8.5, color=INK,
        )  # fmt: skip
    _share_limits(axes)
    for panel in axes:
        limits = panel.get_xlim()
        both = [max(limits[0], panel.get_ylim()[0]), min(limits[1], panel.get_ylim()[1])]
        panel.plot(both, both, color=SOFT, linewidth=1, linestyle=":", zorder=0, label="_identity")
    _legend(axes[0], groups, loc="lower right")
    return figure


def _dots(axes: Axes, x: np.ndarray, y: np.ndarray, groups: Sequence[str] | None) -> None:
    for colour, chosen in _of_groups(groups, x.size):
        axes.scatter(x[chosen], y[chosen], s=20, color=colour, alpha=0.85, linewidth=0)


def _of_groups(groups: Sequence[str] | None, size: int) -> Iterator[tuple[str, np.ndarray]]:
    if groups is None:
        yield CYCLE[0], np.ones(size, bool)
        return
    if len(groups) != size:
        raise ValueError(f"{size} subjects, but {len(groups)} groups")
    names = np.asarray(groups)
    for index, name in enumerate(dict.fromkeys(groups)):
        yield CYCLE[index % len(CYCLE)], names == name


def _annotate(axes: Axes, value: float) -> None:
    if np.isfinite(value):
        axes.annotate(
            number(value, 1), (1.01, value), xycoords=("axes fraction", "data"), va="center",
            fontsize=8, color=INK,
        )  # fmt: skip


def _share_limits(axes: Sequence[Axes]) -> None:
    for limits, change in (("get_xlim", "set_xlim"), ("get_ylim", "set_ylim")):
        ends = np.array([getattr(panel, limits)() for panel in axes])
        for panel in axes:
            getattr(panel, change)(ends[:, 0].min(), ends[:, 1].max())


def _legend(axes: Axes, groups: Sequence[str] | None, **place: Any) -> None:
    from matplotlib.lines import Line2D

    if groups is None:
        return
    entries = [
        Line2D([], [], marker="o", ls="", ms=4.5, color=CYCLE[index % len(CYCLE)], label=name)
        for index, name in enumerate(dict.fromkeys(groups))
    ]
    axes.legend(
        handles=entries, frameon=False, fontsize=8.5, labelcolor=INK, handletextpad=0.2, **place
    )
