"""When physics helps, by how much, and when it hurts: one paragraph, computed from the rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from experiments.physics_weight.arms import (
    EQUATION,
    LABEL_NOISE,
    OBEYED,
    SUBJECTS,
    UNLABELLED,
    weight_name,
)
from experiments.physics_weight.networks import VALIDATION
from experiments.physics_weight.results import CHANGE, FIT, LABELS_ALONE, Point
from experiments.physics_weight.scores import MAE, NOISY_MAE, OTHER_TIMES_MAE, RESIDUAL
from experiments.run import Result
from jaxqmri.report import compared, number

LEAD = {
    SUBJECTS: "By number of training subjects, whose own images are held to the equation",
    UNLABELLED: "With the images of all training subjects held to it, labelled or not",
    LABEL_NOISE: "By error of the labels",
    EQUATION: "By whether images obey the equation",
}

RANGES = {
    SUBJECTS: "over numbers of training subjects",
    UNLABELLED: "with everybody's images",
    LABEL_NOISE: "over errors of the labels",
    EQUATION: "over images that obey the equation or not",
}

Rows = Mapping[tuple[str, str | None, str], Result]  # by model, input and metric


class Effect(NamedTuple):
    """What one weight changes of a metric, in percent of what labels alone reach."""

    point: Point
    weight: float
    value: float
    low: float
    high: float

    @property
    def helps(self) -> bool:
        """Whether its interval lies below zero."""
        return self.high < 0

    @property
    def hurts(self) -> bool:
        """Whether its interval lies above zero."""
        return self.low > 0

    def text(self) -> str:
        """``−3.1 % (−5.0 to −1.2) with w = 10``."""
        value, low, high = (number(each, 1) for each in (self.value, self.low, self.high))
        return f"{value} % ({low} to {high}) {_with(self.weight)}"


def by_name(results: Iterable[Result]) -> Rows:
    """Rows by model, input and metric."""
    return {(one.model, one.input, one.metric): one for one in results}


def effect(rows: Rows, point: Point, weight: float, metric: str = MAE) -> Effect | None:
    """What a weight changes; None where it was not run."""
    versus, _ = compared((weight_name(weight), point.input), (LABELS_ALONE, point.input))
    row = rows.get((versus, point.input, f"{CHANGE}{metric}"))
    if row is None or row.ours is None:
        return None
    low, high = (math.nan if end is None else end for end in (row.low, row.high))
    return Effect(point, weight, row.ours, low, high)


def effects(rows: Rows, point: Point, weights: Sequence[float], metric: str = MAE) -> list[Effect]:
    """Of every weight that was run beside labels alone."""
    found = (effect(rows, point, weight, metric) for weight in weights if weight > 0)
    return [one for one in found if one is not None]


def chosen(rows: Rows, point: Point, weights: Sequence[float]) -> float:
    """The weight of the least error on the validation subjects, by the labels there are."""

    def error(weight: float) -> float:
        row = rows.get((weight_name(weight), point.input, VALIDATION))
        return math.inf if row is None or row.ours is None else row.ours

    return min(weights, key=error)


def paragraph(results: Iterable[Result], points: Sequence[Point], weights: Sequence[float]) -> str:
    """The conclusion.

    Parameters
    ----------
    results
        Every row of the run.
    points
        Every condition of every column.
    weights
        Those that were trained, 0 first.
    """
    rows = by_name(results)
    told = [_ranges(rows, points, weights)]
    for name, lead in LEAD.items():
        own = [point for point in points if point.column == name]
        if own:
            told.append(f"{lead}: {_helps(rows, own, weights)}; {_hurts(rows, own, weights)}.")
    base = next((point for point in points if point.name == OBEYED), points[0])
    return " ".join([*told, _elsewhere(rows, base, weights), _residuals(rows, base, weights)])


def _ranges(rows: Rows, points: Sequence[Point], weights: Sequence[float]) -> str:
    """The least and the largest change of every column."""
    told = []
    for name, what in RANGES.items():
        found = [
            one.value
            for point in points
            if point.column == name
            for one in effects(rows, point, weights)
        ]
        if found:
            told.append(f"{number(min(found), 1)} to {number(max(found), 1)} % {what}")
    return f"Against labels alone the MAE changes by {', '.join(told)}."


def _helps(rows: Rows, points: Sequence[Point], weights: Sequence[float]) -> str:
    """Where a weight helps, the one that helps most, and what validation would have chosen."""
    told, without = [], []
    for point in points:
        found = [one for one in effects(rows, point, weights) if one.helps]
        if not found:
            without.append(point.name)
            continue
        best = min(found, key=lambda one: one.value)
        text = f"at {point.name}, {best.text()}"
        weight = chosen(rows, point, weights)
        if weight != best.weight:
            other = effect(rows, point, weight)
            gain = "0" if other is None else number(other.value, 1)
            text += f", where validation subjects choose {weight_name(weight)}, {gain} %"
        told.append(text)
    nowhere = f"no weight helps at {', '.join(without)}" if without else ""
    helps = f"physics helps {'; '.join(told)}" if told else ""
    return "; ".join(each for each in (helps, nowhere) if each)


def _hurts(rows: Rows, points: Sequence[Point], weights: Sequence[float]) -> str:
    """Where a weight costs most."""
    found = [one for point in points for one in effects(rows, point, weights) if one.hurts]
    if not found:
        return "none costs anything that can be told"
    worst = max(found, key=lambda one: one.value)
    return f"it costs most at {worst.point.name}, {worst.text()}"


def _elsewhere(rows: Rows, base: Point, weights: Sequence[float]) -> str:
    """What weights change in images unlike those that networks are trained on."""
    told = []
    for metric, what in (
        (NOISY_MAE, "at half the SNR"),
        (OTHER_TIMES_MAE, "from the unseen spin-lock time"),
    ):
        found = effects(rows, base, weights, metric)
        if found:
            best, worst = (end(found, key=lambda one: one.value) for end in (min, max))
            told.append(f"{what} from {best.text()} to {worst.text()}")
    if not told:
        return ""
    count = base.condition.subjects
    return f"With {count} training subjects the change of the MAE ranges {'; '.join(told)}."


def _residuals(rows: Rows, base: Point, weights: Sequence[float]) -> str:
    found = [
        f"{number(row.ours, 2)} {_by(name)}"
        for name in (LABELS_ALONE, weight_name(weights[-1]), FIT)
        if (row := rows.get((name, base.input, RESIDUAL))) is not None
    ]
    if not found:
        return ""
    return (
        "The image that nobody was given lies, in units of its noise, so far from what the map "
        f"says of it: {', '.join(found)}."
    )


def _by(name: str) -> str:
    return "by labels alone" if name == LABELS_ALONE else f"by {name}"


def _with(weight: float) -> str:
    name = weight_name(weight)
    return f"by {name}" if math.isinf(weight) else f"with {name}"
