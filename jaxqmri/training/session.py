"""Trainings from their first step to their plateau, watched, kept on disk and resumed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import jax

from jaxqmri.training.checkpoints import Checkpoints
from jaxqmri.training.loop import Terms, Trainer, TrainState, Variables
from jaxqmri.training.plateau import Plateau, PlateauRule, check
from jaxqmri.training.side_by_side import Layout


class Point(NamedTuple):
    """One check of a training: after how many steps, the mean loss since the last, the metric."""

    step: int
    loss: float
    metric: float


class Trained(NamedTuple):
    """What a training ended with.

    Attributes
    ----------
    variables
        Those of the check with the best metric.
    plateau
        What was seen of the metric; ``plateau.reached`` says whether more training would not have
        helped.
    curve
        Every check.
    """

    variables: Variables
    plateau: Plateau
    curve: tuple[Point, ...]


class Training(NamedTuple):
    """One training: what it learns from, how it is watched, where it is kept.

    Attributes
    ----------
    data
        What the trainer samples from.
    validate
        Metric of a network that has learnt ``Variables`` on subjects it was not trained on,
        smaller is better.
    seed
        Random seed of weights and samples.
    checkpoints
        Where to keep the training. A training found there goes on: it ends as it would have
        without the interruption.
    progress
        Called with every new point of the curve.
    """

    data: Any
    validate: Callable[[Variables], float]
    seed: int = 0
    checkpoints: Checkpoints | None = None
    progress: Callable[[Point], None] | None = None


class Course(NamedTuple):
    """How all trainings of one kind go: until when, and how often they are kept.

    Attributes
    ----------
    checks
        Largest number of checks; one is made after each of the trainer's runs.
    rule
        When the plateau is reached.
    save_every
        Seconds between two checkpoints at least; a check in between is not kept.
    """

    checks: int = 100
    rule: PlateauRule = PlateauRule()
    save_every: float = 0.0


def train(
    trainer: Trainer,
    trainings: Iterable[Training],
    course: Course | None = None,
    *,
    side_by_side: int = 1,
) -> Iterator[tuple[int, Trained]]:
    """Train networks until the metric on the inner validation part has reached its plateau.

    Every network ends as it would alone. Where one has reached its plateau the next takes its
    place.

    Parameters
    ----------
    trainer
        Network, optimiser, loss and sampling.
    trainings
        Data of equal shapes. They are taken one by one, so that a generator need hold the data of
        those alone that are being trained.
    course
        When to stop and how often to keep; ``Course()`` when None.
    side_by_side
        How many at a time: as many as there are CPU cores made into devices, or what a GPU holds.

    Yields
    ------
    number, trained
        Which of ``trainings`` has ended, counted from 0, with its best network and how it got
        there; its checkpoints are closed.

    Raises
    ------
    ValueError
        If ``side_by_side`` is below 1.
    """
    if side_by_side < 1:
        raise ValueError(f"side_by_side must be at least 1, got {side_by_side}")
    course = Course() if course is None else course
    waiting = enumerate(trainings)
    going: list[_Going | None] = [None] * side_by_side
    layout: Any = None
    states: Any = None
    data: Any = None
    while True:
        for place, each in enumerate(going):
            if each is not None and each.over(course):
                going[place] = None
                yield each.number, each.ended()
        for place in [place for place, each in enumerate(going) if each is None]:
            number, training = next(waiting, (0, None))
            if training is None:
                break
            going[place], state = _start(number, training, trainer)
            if layout is None:
                layout = trainer.layout(side_by_side, training.data)
                states, data = layout.stacked(state), layout.stacked(training.data)
            states = layout.placed(states, place, state)
            data = layout.placed(data, place, training.data)
        under_way = [each for each in going if each is not None]
        if not under_way:
            return
        if any(each.over(course) for each in under_way):
            continue  # what was kept of it is all there is to it
        states, terms = trainer.run_several(states, data)
        for place, each in enumerate(going):
            if each is not None:
                each.check(layout, states, place, terms, course)


class _Going:
    """A training that is under way: what was seen of it so far."""

    def __init__(
        self,
        number: int,
        training: Training,
        best: Variables,
        plateau: Plateau,
        curve: tuple[Point, ...],
    ) -> None:
        self.number, self.training = number, training
        self.best, self.plateau, self.curve = best, plateau, curve
        self.saved = time.monotonic()

    def over(self, course: Course) -> bool:
        """Whether the plateau is reached, or the last check made."""
        return self.plateau.reached or self.plateau.checks >= course.checks

    def check(
        self, layout: Layout, states: TrainState, place: int, terms: Terms, course: Course
    ) -> None:
        """Look at the metric, keep the best, save if it is time, and tell."""
        training = self.training
        seen = (states.variables, states.step, terms["loss"])
        variables, counted, loss = layout.taken(seen, place)
        step = int(counted)
        point = Point(step, float(loss), layout.agreed(float(training.validate(variables))))
        self.plateau, is_best = check(self.plateau, point.metric, course.rule)
        if is_best:
            self.best = variables
        self.curve = (*self.curve, point)
        due = layout.agreed(time.monotonic() - self.saved) >= course.save_every
        if training.checkpoints is not None and due:
            self.saved = time.monotonic()
            state = layout.taken(states, place)
            training.checkpoints.save(step, (state, self.best), _record(self.plateau, self.curve))
        if training.progress is not None:
            training.progress(point)

    def ended(self) -> Trained:
        """Let its checkpoints go; what it ended with."""
        if self.training.checkpoints is not None:
            self.training.checkpoints.close()
        return Trained(self.best, self.plateau, self.curve)


def _start(number: int, training: Training, trainer: Trainer) -> tuple[_Going, TrainState]:
    """A training from its first step, or from what was kept of it, with its state."""
    state = trainer.init(jax.random.key(training.seed))
    best, plateau, curve = state.variables, Plateau(), ()
    kept = None
    if training.checkpoints is not None:
        kept = training.checkpoints.latest((state, best))
    if kept is not None:
        (state, best), record = kept
        plateau, curve = _from_record(record)
    return _Going(number, training, best, plateau, curve), state


def _record(plateau: Plateau, curve: tuple[Point, ...]) -> dict[str, Any]:
    return {"plateau": _as_text(plateau), "curve": [_as_text(point) for point in curve]}


def _as_text(values: Any) -> dict[str, str]:
    """Numbers as Python writes them: exact, and JSON has no infinity."""
    return {name: repr(value) for name, value in values._asdict().items()}


def _from_record(record: Mapping[str, Any]) -> tuple[Plateau, tuple[Point, ...]]:
    seen = record["plateau"]
    plateau = Plateau(
        best=float(seen["best"]),
        reference=float(seen["reference"]),
        since=int(seen["since"]),
        checks=int(seen["checks"]),
        reached=seen["reached"] == "True",
    )
    points = (Point(int(p["step"]), float(p["loss"]), float(p["metric"])) for p in record["curve"])
    return plateau, tuple(points)
