"""One training from its first step to its plateau, watched, kept on disk and resumed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxqmri.training.checkpoints import Checkpoints
from jaxqmri.training.loop import Trainer, TrainState, Variables
from jaxqmri.training.plateau import Plateau, PlateauRule, check


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


def train(
    trainer: Trainer,
    data: Any,
    validate: Callable[[Variables], float],
    *,
    seed: int = 0,
    checks: int = 100,
    calls_per_check: int = 1,
    rule: PlateauRule | None = None,
    checkpoints: Checkpoints | None = None,
    save_every: float = 0.0,
    progress: Callable[[Point], None] | None = None,
) -> Trained:
    """Train until the metric on the inner validation part has reached its plateau.

    Parameters
    ----------
    trainer
        Network, optimiser, loss and sampling.
    data
        What the trainer samples from.
    validate
        Metric of a network that has learnt ``Variables`` on subjects it was not trained on,
        smaller is better.
    seed
        Random seed of weights and samples.
    checks
        Largest number of checks.
    calls_per_check
        Calls of ``trainer.run`` between checks.
    rule
        When the plateau is reached; ``PlateauRule()`` when None.
    checkpoints
        Where to keep the training. A training found there goes on: it ends as it would have
        without the interruption.
    save_every
        Seconds between two checkpoints at least; a check in between is not kept.
    progress
        Called with every new point of the curve.

    Returns
    -------
    Trained
        The best network, and how it got there.
    """
    rule = PlateauRule() if rule is None else rule
    state = trainer.init(jax.random.key(seed))
    # donated memory must not be shared between the state and the best variables
    best = jax.tree.map(jnp.copy, state.variables)
    plateau, curve = Plateau(), ()
    kept = None if checkpoints is None else checkpoints.latest((state, best))
    if kept is not None:
        (state, best), record = kept
        plateau, curve = _from_record(record)
    saved = time.monotonic()
    while not plateau.reached and plateau.checks < checks:
        state, loss = _advance(trainer, state, data, calls_per_check)
        point = Point(int(state.step), loss, float(validate(state.variables)))
        plateau, is_best = check(plateau, point.metric, rule)
        if is_best:
            best = jax.tree.map(jnp.copy, state.variables)
        curve = (*curve, point)
        if checkpoints is not None and time.monotonic() - saved >= save_every:
            saved = time.monotonic()
            checkpoints.save(point.step, (state, best), _record(plateau, curve))
        if progress is not None:
            progress(point)
    return Trained(best, plateau, curve)


def _advance(trainer: Trainer, state: TrainState, data: Any, calls: int) -> tuple[Any, float]:
    losses = []
    for _ in range(calls):
        state, terms = trainer.run(state, data)
        losses.append(terms["loss"])
    return state, float(jnp.mean(jnp.stack(losses)))


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
