"""Figures of the study: what each weight changes, and every metric by weight and condition."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from experiments.physics_weight.arms import EQUATION, Column, Point, points_of, weight_name
from experiments.physics_weight.conclusions import Rows, by_name, effect
from experiments.physics_weight.results import CHOSEN, CONSTANT, FIT
from experiments.physics_weight.scores import MAE, METRICS
from experiments.run import Result, labelled
from jaxqmri.report.figures import CYCLE, INK, LINE, SOFT
from jaxqmri.report.panels import panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Triple = tuple[float, float, float]
ABSENT: Triple = (math.nan, math.nan, math.nan)
SPREAD = 0.5  # of the room between two points, that the weights of one share
LABELS, PHYSICS = INK, CYCLE[1]
RIVALS = {FIT: (SOFT, "--"), CONSTANT: (SOFT, ":")}
INTERVALS = "95 % intervals over training seeds and test subjects"
NAMES = {"offset ignored": "offset", "wrong B1": "B1", "PD as TSL 0": "PD"}  # where room is short


def draw_all(
    results: Iterable[Result], columns: Sequence[Column], weights: Sequence[float]
) -> dict[str, tuple[Figure, str]]:
    """All figures with their captions, by name."""
    rows = by_name(results)
    drawn = {
        "change": (
            _changes(rows, columns, [weight for weight in weights if weight > 0]),
            "What each weight of the physics loss changes of the mean absolute error, in percent "
            f"of what labels alone reach: below zero physics helps. Crosses: a weight chosen on "
            f"validation subjects. {INTERVALS}.",
        )
    }
    for number, column in enumerate(columns):
        drawn[figure_name(number)] = (
            _metrics(rows, column, weights),
            f"Every metric by {column.name}. {INTERVALS}; dashed the fit of the same two images, "
            "dotted, where it is not far above, the mean of the training subjects.",
        )
    return drawn


def figure_name(number: int) -> str:
    """Of a column's metrics."""
    return f"metrics_{number + 1}"


def _changes(rows: Rows, columns: Sequence[Column], weights: Sequence[float]) -> Figure:
    titles = [f"by {column.name}" for column in columns]
    figure, places = panels(titles, "", f"change of {MAE} (%)", columns=2, height=2.5)
    for axes, column in zip(places, columns, strict=True):
        axes.axhline(0.0, color=LINE, linewidth=1.2, zorder=0)
        points, style = list(points_of([column])), _style(column)
        for number, weight in enumerate(weights):
            found = [effect(rows, point, weight_name(weight)) for point in points]
            values: list[Triple] = [
                ABSENT if one is None else (one.value, one.low, one.high) for one in found
            ]
            _line(
                axes,
                values,
                number,
                len(weights),
                _colour(weight, weights),
                weight_name(weight),
                style,
            )
        by_validation = [effect(rows, point, CHOSEN) for point in points]
        middle = [math.nan if one is None else one.value for one in by_validation]
        axes.plot(middle, "x", ms=6, color=SOFT, label="chosen", zorder=3)
        _ticks(axes, points)
    places[0].legend(frameon=False, fontsize=8, labelcolor=INK, ncols=2)
    return figure


def _metrics(rows: Rows, column: Column, weights: Sequence[float]) -> Figure:
    points, style = list(points_of([column])), _style(column)
    names = [
        name
        for name in METRICS
        if any((weight_name(0.0), point.input, name) in rows for point in points)
    ]
    titles = [labelled(name, METRICS[name]) for name in names]
    figure, places = panels(titles, column.name, "", columns=3, height=2.2)
    for axes, metric in zip(places, names, strict=True):
        for number, weight in enumerate(weights):
            values = _values(rows, weight_name(weight), points, metric)
            _line(
                axes,
                values,
                number,
                len(weights),
                _colour(weight, weights),
                weight_name(weight),
                style,
            )
        low, high = axes.get_ylim()
        for name, (colour, dashes) in RIVALS.items():
            middle = [value for value, _, _ in _values(rows, name, points, metric)]
            if name == CONSTANT and max(middle) > high + (high - low):
                continue  # a rival far away would flatten what is compared
            for place, value in enumerate(middle):
                axes.plot(
                    [place - 0.4, place + 0.4], [value, value], dashes, color=colour,
                    linewidth=1.1, zorder=0,
                )  # fmt: skip
        _ticks(axes, points)
    places[0].legend(frameon=False, fontsize=7.5, labelcolor=INK, ncols=2)
    return figure


def _values(rows: Rows, model: str, points: Sequence[Point], metric: str) -> list[Triple]:
    found = [rows.get((model, point.input, metric)) for point in points]
    values: list[Triple] = [
        ABSENT if one is None else (_number(one.ours), _number(one.low), _number(one.high))
        for one in found
    ]
    return values


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _line(
    axes: Axes,
    values: Sequence[Triple],
    number: int,
    count: int,
    colour: str | tuple[float, ...],
    label: str,
    style: str,
) -> None:
    middle, low, high = np.array(values).T
    x = np.arange(len(values)) + SPREAD * ((number + 0.5) / count - 0.5)
    ends = np.nan_to_num(np.array([middle - low, high - middle]))
    axes.errorbar(
        x, middle, yerr=ends, fmt=style, ms=3.5, linewidth=1.1, elinewidth=0.9, color=colour,
        label=label,
    )  # fmt: skip


def _colour(weight: float, weights: Sequence[float]) -> str | tuple[float, ...]:
    """Ink for labels alone, red for physics alone, and from pale to dark between."""
    from matplotlib import colormaps

    if weight == 0:
        return LABELS
    if math.isinf(weight):
        return PHYSICS
    between = [each for each in weights if each > 0 and math.isfinite(each)]
    return colormaps["viridis_r"](0.15 + 0.75 * between.index(weight) / max(len(between) - 1, 1))


def _style(column: Column) -> str:
    """Lines join what has an order."""
    return "o" if column.name == EQUATION else "o-"


def _ticks(axes: Axes, points: Sequence[Point]) -> None:
    axes.set_xticks(range(len(points)), [NAMES.get(point.name, point.name) for point in points])
