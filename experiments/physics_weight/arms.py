"""All trainings: columns of arms that differ in one thing, each with every weight and seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from experiments.physics_weight.settings import Settings

Equation = Literal["obeyed", "offset ignored", "wrong B1", "PD as TSL 0"]
OBEYED: Equation = "obeyed"
VIOLATED: tuple[Equation, ...] = ("offset ignored", "wrong B1", "PD as TSL 0")

SUBJECTS, UNLABELLED = "training subjects", "training subjects, all images unlabelled or not"
LABEL_NOISE, EQUATION = "error of the labels", "equation"


class Condition(NamedTuple):
    """What a training is given, but for the weight.

    Attributes
    ----------
    subjects
        Training subjects with labels.
    label_noise
        Errors added to the labels, as a fraction.
    equation
        Whether the images obey the equation of the loss, or how not.
    unlabelled
        Whether images of all training subjects are held to the equation, labelled or not.
    """

    subjects: int
    label_noise: float = 0.0
    equation: Equation = OBEYED
    unlabelled: bool = False


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
            f"subjects-{c.subjects}{'-of-all' if c.unlabelled else ''}",
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


def columns_of(settings: Settings, *, has_pd: bool) -> list[Column]:
    """Every column; without a PD-weighted image nobody can take it for anything."""
    base = Condition(settings.base_subjects)
    most = max(settings.subjects)
    fewer = [n for n in settings.subjects if n < most]
    violated = [name for name in VIOLATED if has_pd or name != "PD as TSL 0"]
    columns = [
        Column(SUBJECTS, tuple((f"{n}", base._replace(subjects=n)) for n in settings.subjects)),
        Column(
            UNLABELLED,
            tuple((f"{n}", base._replace(subjects=n, unlabelled=True)) for n in fewer),
        ),
        Column(
            LABEL_NOISE,
            tuple(
                (f"{100 * each:g} %", base._replace(label_noise=each))
                for each in (0.0, *settings.label_noise)
            ),
        ),
        Column(
            EQUATION, tuple((name, base._replace(equation=name)) for name in (OBEYED, *violated))
        ),
    ]
    return [column for column in columns if column.points]


def without_physics(condition: Condition) -> Condition:
    """What labels alone are given: images without a label do not reach them."""
    return condition._replace(unlabelled=False)


def arms_of(columns: Iterable[Column], weights: Sequence[float], seeds: Iterable[int]) -> list[Arm]:
    """Every training once, however many columns it stands in."""
    return list(
        dict.fromkeys(
            arm_of(condition, weight, seed)
            for column in columns
            for _, condition in column.points
            for seed in seeds
            for weight in weights
        )
    )


def arm_of(condition: Condition, weight: float, seed: int) -> Arm:
    """The training of a condition."""
    return Arm(without_physics(condition) if weight == 0 else condition, weight, seed)


def weight_name(weight: float) -> str:
    """A weight for people."""
    return "physics alone" if weight == float("inf") else f"w = {weight:g}"
