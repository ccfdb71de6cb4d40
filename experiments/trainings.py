"""What all trainings share: sizes that networks take, rows that say how they went, plateaus."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from experiments.run import Result, Run
from jaxqmri.io import InputError

if TYPE_CHECKING:
    from experiments.kept_networks import End
    from jaxqmri.training import Point

T = TypeVar("T")
Arm = tuple[str, str]  # model and input
SHORT = "short of its plateau"
STEPS, VALIDATION, RATE, SETTLED = TRAINING = (
    "steps",
    "validation error",
    "learning rate at the end",
    "trainings at their plateau",
)


class Decay(Protocol):
    """How a learning rate falls: multiplied by ``decay_rate`` after every ``decay_checks``."""

    @property
    def decay_rate(self) -> float:
        """Factor."""
        ...

    @property
    def decay_checks(self) -> int:
        """Number of checks."""
        ...


def learn_all(
    run: Run[Any],
    arms: Sequence[T],
    learn: Callable[[Sequence[T], Callable[[T, Point], None], Callable[[], None]], Any],
    told: Callable[[T], str],
) -> dict[T, End]:
    """Train networks under one progress bar.

    Parameters
    ----------
    run
        Told the time after each training.
    arms
        What to train.
    learn
        Trains them: called with the arms, what is to be called with each check, and after each
        training; yields pairs of an arm and what its training ended with.
    told
        An arm for people.

    Returns
    -------
    dict
        In the order of the arms.
    """
    from tqdm import tqdm

    ends: dict[T, End] = {}
    with tqdm(desc="train", unit="network", total=len(arms), dynamic_ncols=True) as bar:

        def said(arm: T, point: Point) -> None:
            bar.set_postfix_str(f"{told(arm)}: {point.metric:.3g}")

        def done() -> None:
            bar.update()
            run.tick()

        for arm, end in learn(arms, said, done):
            ends[arm] = end
    return {arm: ends[arm] for arm in arms}


def training_rows(
    arm: Arm,
    curves: Sequence[Sequence[Point]],
    settled: Sequence[bool],
    decay: Decay | None = None,
    unit: str = "ms",
) -> list[Result]:
    """Mean and SD over the trainings of one model at one input.

    Parameters
    ----------
    arm
        The model and its input.
    curves, settled
        Each training's checks, and whether it reached its plateau.
    decay
        Of its learning rate, where that falls for good.
    unit
        Of the error that it was watched by.
    """
    steps = [float(curve[-1].step) for curve in curves]
    best = [min(point.metric for point in curve) for curve in curves]
    rows = [(STEPS, "", steps), (VALIDATION, unit, best)]
    if decay is not None:
        passed = [len(curve) // decay.decay_checks for curve in curves]
        rows.append((RATE, "% of the first", [100.0 * decay.decay_rate**each for each in passed]))
    rows.append((SETTLED, "%", [100.0 * one for one in settled]))
    model, name = arm
    return [
        Result(
            model, metric, unit, name, n=len(curves), ours=float(np.mean(values)),
            ours_sd=float(np.std(values, ddof=1)) if len(curves) > 1 else None,
        )
        for metric, unit, values in rows
    ]  # fmt: skip


def refuse_odd_sizes(slices: tuple[int, int], size: int, levels: int) -> None:
    """Tell what networks cannot take before anything is fitted or learnt.

    Parameters
    ----------
    slices
        Height and width of the slices, pixels.
    size
        Of a patch.
    levels
        Of the networks: each halves the images of the one before.

    Raises
    ------
    InputError
        If slices are smaller than a patch, or a side does not halve at every level.
    """
    h, w = slices
    step = 2 ** (levels - 1)
    if h % step or w % step or size % step or size > min(h, w):
        raise InputError(
            f"slices of {h} x {w} pixels, patches of {size}: expected multiples of "
            f"{step} for a network of {levels} levels, and patches that fit; "
            "resize the images, or change --features or --size"
        )


def short_of(results: Iterable[Result]) -> frozenset[Arm]:
    """Networks of which a training was stopped short of its plateau, by their rows."""
    return frozenset(
        (row.model, str(row.input))
        for row in results
        if row.metric == SETTLED and row.ours is not None and row.ours < 100
    )


def marked(model: str, inputs: Iterable[str], short: Collection[Arm]) -> str:
    """A model's name, or two that are compared, with the inputs at which one stopped too early."""
    models = model.split(" minus ")
    early = [name for name in inputs if any((one, name) in short for one in models)]
    return f"{model} ({', '.join(early)}: {SHORT})" if early else model
