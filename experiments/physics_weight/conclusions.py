"""When physics helps, by how much, and when it hurts: one paragraph, computed from the rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from experiments.physics_weight.arms import (
    EQUATION,
    LABEL_NOISE,
    SCANNED,
    SUBJECTS,
    UNLABELLED,
    VIOLATED,
    Point,
    weight_name,
)
from experiments.physics_weight.results import CHANGE, CHOSEN, CONSTANT, FIT, LABELS_ALONE, P
from experiments.physics_weight.scores import MAE, NOISY_MAE, OTHER_TIMES_MAE, RESIDUAL
from experiments.run import Result
from jaxqmri.report import compared, number

LEAD = {
    SUBJECTS: "By number of training subjects, whose own images are held to the equation",
    UNLABELLED: "With the images of all training subjects held to it, labelled or not",
    LABEL_NOISE: "By error of the labels",
    EQUATION: "By what the images obey, with labels made from the undisturbed images",
}
SURE = 0.05  # p value, after Holm, below which a weight is said to help or to cost

Rows = Mapping[tuple[str, str | None, str], Result]  # by model, input and metric


class Effect(NamedTuple):
    """What one network changes of a metric, in percent of what labels alone reach."""

    point: Point
    name: str
    value: float
    low: float
    high: float
    p: float

    @property
    def sure(self) -> bool:
        """Whether a difference can be told."""
        return self.p < SURE

    def text(self) -> str:
        """``−3.1 % (−5.0 to −1.2)``."""
        value, low, high = (number(each, 1) for each in (self.value, self.low, self.high))
        return f"{value} % ({low} to {high})"


def by_name(results: Iterable[Result]) -> Rows:
    """Rows by model, input and metric."""
    return {(one.model, one.input, one.metric): one for one in results}


def effect(rows: Rows, point: Point, name: str, metric: str = MAE) -> Effect | None:
    """What a network changes; None where it was not run.

    The p value of the MAE is that after Holm over the weights and points of the column; of a
    choice by validation, and of other metrics, the plain one.
    """
    versus, _ = compared((name, point.input), (LABELS_ALONE, point.input))
    row = rows.get((versus, point.input, f"{CHANGE}{metric}"))
    if row is None or row.ours is None:
        return None
    plain = rows.get((versus, point.input, f"{CHANGE}{metric}{P}"))
    p = rows.get((versus, point.input, f"{CHANGE}{metric}{P} after Holm"), plain)
    return Effect(point, name, row.ours, _number(row.low), _number(row.high), _number(p and p.ours))


def effects(rows: Rows, point: Point, weights: Sequence[float]) -> list[Effect]:
    """Of every weight beside labels alone."""
    found = (effect(rows, point, weight_name(weight)) for weight in weights if weight > 0)
    return [one for one in found if one is not None]


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
    rows, told = by_name(results), []
    for name, lead in LEAD.items():
        own = [point for point in points if point.column == name]
        if own:
            told.append(f"{lead}: {_chosen(rows, own)}{_fixed(rows, own, weights)}.")
    base = next((point for point in points if point.name == SCANNED), points[0])
    told += [
        _violated(rows, points, weights),
        _elsewhere(rows, base, weights, NOISY_MAE, "With twice the noise"),
        _elsewhere(rows, base, weights, OTHER_TIMES_MAE, "From a spin-lock time never seen"),
    ]
    return " ".join(line for line in told if line)


def _chosen(rows: Rows, points: Sequence[Point]) -> str:
    """What a weight that is chosen on validation subjects changes."""
    found = [one for point in points if (one := effect(rows, point, CHOSEN)) is not None]
    if not found:
        return ""
    each = ", ".join(f"{one.text()} at {one.point.name}" for one in found)
    return f"a weight chosen on validation subjects changes the MAE by {each}; "


def _fixed(rows: Rows, points: Sequence[Point], weights: Sequence[float]) -> str:
    """Where one of the weights helps or costs for sure: the best, and the worst."""
    helps, costs = [], []
    for point in points:
        sure = [one for one in effects(rows, point, weights) if one.sure]
        for found, kept, end in (
            ([one for one in sure if one.value < 0], helps, min),
            ([one for one in sure if one.value > 0], costs, max),
        ):
            if found:
                most = end(found, key=lambda one: one.value)
                kept.append(f"{most.text()} at {point.name} by {most.name}")
    told = [
        f"{what} {', '.join(texts)}"
        for what, texts in (("the most that a weight helps is", helps), ("that it costs", costs))
        if texts
    ]
    return "; ".join(told) or "of no weight can a difference be told"


def _violated(rows: Rows, points: Sequence[Point], weights: Sequence[float]) -> str:
    """What physics makes of the images that nobody was given, where it is wrong."""
    told, apart, last = [], False, weight_name(weights[-1])
    for point in points:
        if point.name in VIOLATED:
            residual, error = (effect(rows, point, last, each) for each in (RESIDUAL, MAE))
            if residual is not None and error is not None:
                apart |= residual.value < 0 < error.value
                told.append(
                    f"by {number(residual.value, 0)} % at {point.name}, the MAE by "
                    f"{number(error.value, 0)} %"
                )
    if not told:
        return ""
    lead = "A small residual does not show that a map is right. " if apart else ""
    return (
        f"{lead}{last.capitalize()} changes the residual of images that no network is given "
        f"{'; '.join(told)}."
    )


def _elsewhere(rows: Rows, base: Point, weights: Sequence[float], metric: str, lead: str) -> str:
    """The error in images unlike those of the trainings, beside what needs no training."""
    told = [
        f"{number(row.ours, 1)} ms by {'labels alone' if name == LABELS_ALONE else name}"
        for name in (LABELS_ALONE, weight_name(weights[-1]), FIT, CONSTANT)
        if (row := rows.get((name, base.input, metric))) is not None
    ]
    return f"{lead} the MAE is {', '.join(told)}." if told else ""


def _number(value: float | None) -> float:
    return math.nan if value is None else value
