"""All trainings: columns of arms that differ in one thing, each with every weight and seed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from experiments.physics_weight.settings import Settings

Equation = Literal["exact", "as scanned", "offset ignored", "wrong B1", "PD as TSL 0"]
EXACT: Equation = "exact"
SCANNED: Equation = "as scanned"
OFFSET: Equation = "offset ignored"
WRONG_B1: Equation = "wrong B1"
PD_FIRST: Equation = "PD as TSL 0"
VIOLATED: tuple[Equation, ...] = (OFFSET, WRONG_B1, PD_FIRST)

SUBJECTS, UNLABELLED = "training subjects", "training subjects, images of all"
LABEL_NOISE, EQUATION = "error of the labels", "what images obey"


class Condition(NamedTuple):
    """What a training is given, but for the weight.

    Attributes
    ----------
    subjects
        Training subjects with labels.
    imaged
        Training subjects whose images are held to the equation, those with labels among them.
    label_noise
        Errors added to the labels, as a fraction.
    equation
        What the images obey; the equation of the loss is always the same.
    """

    subjects: int
    imaged: int
    label_noise: float = 0.0
    equation: Equation = SCANNED


class Arm(NamedTuple):
    """One training."""

    condition: Condition
    weight: float
    seed: int

    @property
    def label(self) -> str:
        """Its name in files."""
        c = self.condition
        words = [
            f"subjects-{c.subjects}-of-{c.imaged}",
            f"labels-{c.label_noise:g}",
            c.equation.replace(" ", "-"),
            f"w-{self.weight:g}",
            f"seed-{self.seed}",
        ]
        return "_".join(words)


class Column(NamedTuple):
    """Conditions that differ in one thing.

    Attributes
    ----------
    name
        What they differ in.
    points
        How each is called, and the condition.
    """

    name: str
    points: tuple[tuple[str, Condition], ...]


class Point(NamedTuple):
    """One condition of a column."""

    column: str
    name: str
    condition: Condition

    @property
    def input(self) -> str:
        """As rows are named."""
        return f"{self.column}: {self.name}"


def columns_of(settings: Settings, *, has_pd: bool) -> list[Column]:
    """Every column; without a PD-weighted image nobody can take it for anything."""
    base, most = Condition(settings.base_subjects, settings.base_subjects), max(settings.subjects)
    equations: list[Equation] = [EXACT, SCANNED, *VIOLATED]
    if not has_pd:
        equations.remove(PD_FIRST)
    columns = [
        Column(SUBJECTS, tuple((f"{n}", Condition(n, n)) for n in settings.subjects)),
        Column(
            UNLABELLED, tuple((f"{n}", Condition(n, most)) for n in settings.subjects if n < most)
        ),
        Column(
            LABEL_NOISE,
            tuple(
                (f"{100 * each:g} %", base._replace(label_noise=each))
                for each in (0.0, *settings.label_noise)
            ),
        ),
        Column(EQUATION, tuple((name, base._replace(equation=name)) for name in equations)),
    ]
    return [column for column in columns if column.points]


def points_of(columns: Iterable[Column]) -> list[Point]:
    """Every condition of every column, in order."""
    return [
        Point(column.name, name, condition)
        for column in columns
        for name, condition in column.points
    ]


def arms_of(columns: Iterable[Column], weights: Sequence[float], seeds: Sequence[int]) -> list[Arm]:
    """Every training once, however many columns it stands in."""
    return list(
        dict.fromkeys(
            arm_of(point.condition, weight, seed)
            for point in points_of(columns)
            for seed in seeds
            for weight in weights
        )
    )


def arm_of(condition: Condition, weight: float, seed: int) -> Arm:
    """The training of a condition: what does not reach it does not make it another one.

    Images without a label do not reach labels alone, nor do labels reach physics alone.
    """
    if weight == 0:
        condition = condition._replace(imaged=condition.subjects)
    elif math.isinf(weight):
        condition = condition._replace(subjects=condition.imaged, label_noise=0.0)
    return Arm(condition, weight, seed)


def weight_name(weight: float) -> str:
    """A weight for people."""
    return "physics alone" if math.isinf(weight) else f"w = {weight:g}"
