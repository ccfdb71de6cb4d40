"""The numbers of the study: every arm over seeds and test subjects, and what a weight changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.kept_networks import End
from experiments.physics_weight.arms import Arm, Column, Condition, arm_of, weight_name
from experiments.physics_weight.images import (
    GIVEN,
    UNSEEN,
    UNSEEN_TIME,
    images_of,
    with_more_noise,
)
from experiments.physics_weight.networks import VALIDATION
from experiments.physics_weight.scores import METRICS, NOISY, OTHER_TIMES, PAIR, score
from experiments.physics_weight.settings import Settings
from experiments.physics_weight.split import Parts
from experiments.physics_weight.study import Study, fit_t1rho
from experiments.run import Result
from experiments.spin_lock import SPIN_LOCK_TIMES
from experiments.trainings import training_rows
from jaxqmri.analysis import Interval, crossed_bootstrap
from jaxqmri.report import compared

FIT, CONSTANT = "fit of the same two images", "mean of the training subjects"
LABELS_ALONE = weight_name(0.0)
CHANGE = "change of "
Scores = Float[np.ndarray, "seeds subjects"]


class Point(NamedTuple):
    """One condition of a column."""

    column: str
    name: str
    condition: Condition

    @property
    def input(self) -> str:
        """As rows are named."""
        return f"{self.column}: {self.name}"


def points_of(columns: Iterable[Column]) -> Iterator[Point]:
    """Every condition of every column, in order."""
    for column in columns:
        for name, condition in column.points:
            yield Point(column.name, name, condition)


def arm_rows(
    point: Point,
    ends: Mapping[Arm, End],
    weights: Sequence[float],
    seeds: Sequence[int],
    random_seed: int,
) -> list[Result]:
    """Every weight of a condition, and its difference to labels alone."""
    rows: list[Result] = []
    alone = _scores(point, ends, 0.0, seeds)
    for weight in weights:
        name, found = weight_name(weight), _scores(point, ends, weight, seeds)
        for metric, unit in METRICS.items():
            rows += _row(
                name, point, metric, unit, found[metric], _mean(found[metric], random_seed)
            )
        each = [ends[arm_of(point.condition, weight, seed)] for seed in seeds]
        validation = np.array([float(end.predicted[VALIDATION][0]) for end in each])
        rows.append(
            Result(name, VALIDATION, "ms", point.input, n=len(seeds), ours=float(validation.mean()))
        )
        rows += training_rows(
            (name, point.input), [end.curve for end in each], [end.settled for end in each], unit=""
        )
        if weight == 0:
            continue
        versus, _ = compared((name, point.input), (LABELS_ALONE, point.input))
        for metric, unit in METRICS.items():
            first, second = found[metric], alone[metric]
            less = first - second
            rows += _row(versus, point, metric, unit, less, _mean(less, random_seed))
            relative = crossed_bootstrap(_change, first, second, seed=random_seed)
            rows += _row(versus, point, f"{CHANGE}{metric}", "%", None, relative)
    return rows


def rival_rows(
    points: Iterable[Point], study: Study, parts: Parts, settings: Settings, seed: int
) -> list[Result]:
    """What needs no network: the fit of the same two images, and one number for everybody."""
    tested = np.flatnonzero(np.isin(study.owner, parts.test))
    learnt_from = np.isin(study.owner, parts.train)
    constant = np.full(tested.size, np.nanmean(study.reference[learnt_from]), np.float32)
    noise = study.noise[study.owner[tested]]
    known: dict[str, dict[str, Mapping[str, np.ndarray]]] = {}
    rows: list[Result] = []
    for point in points:
        equation = point.condition.equation
        if equation not in known:
            signals = images_of(study, equation, settings)[tested]
            predicted = {
                FIT: _two_point(signals, noise, settings.t1rho_bounds, seed),
                CONSTANT: dict.fromkeys((PAIR, NOISY, OTHER_TIMES), constant),
            }
            known[equation] = {
                name: score(
                    one, study.reference[tested], study.truth[tested], signals, noise,
                    study.owner[tested],
                )
                for name, one in predicted.items()
            }  # fmt: skip
        for name, found in known[equation].items():
            for metric, unit in METRICS.items():
                values = found[metric][None]
                rows += _row(name, point, metric, unit, values, _mean(values, seed))
    return rows


def _mean(values: Scores, seed: int) -> Interval:
    return crossed_bootstrap(lambda mean: mean, values, seed=seed)


def _change(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How far a mean lies from another, in percent of that."""
    return 100.0 * (first - second) / second


def _two_point(
    signals: Float[np.ndarray, "v 4"],
    noise: Float[np.ndarray, " v"],
    bounds: tuple[float, float],
    seed: int,
) -> dict[str, Float[np.ndarray, " v"]]:
    """T1rho fitted to what a network sees."""
    first, last = GIVEN[0], GIVEN[-1]
    noisier = with_more_noise(signals, noise, seed)
    seen_as = {
        PAIR: (signals[:, [first, last]], SPIN_LOCK_TIMES[last]),
        NOISY: (noisier[:, [first, last]], SPIN_LOCK_TIMES[last]),
        OTHER_TIMES: (signals[:, [first, UNSEEN]], UNSEEN_TIME),
    }
    return {
        name: np.asarray(fit_t1rho(pair, (SPIN_LOCK_TIMES[first], time), bounds).params.t1rho)
        for name, (pair, time) in seen_as.items()
    }


def _scores(
    point: Point, ends: Mapping[Arm, End], weight: float, seeds: Sequence[int]
) -> dict[str, Scores]:
    each = [ends[arm_of(point.condition, weight, seed)].predicted for seed in seeds]
    return {metric: np.stack([one[metric] for one in each]) for metric in METRICS}


def _row(
    model: str, point: Point, metric: str, unit: str, values: Scores | None, found: Interval
) -> list[Result]:
    """A row; none where nobody knows, as of errors to the truth of real data."""
    if not np.isfinite(found.value):
        return []
    n, spread = None, None
    if values is not None:
        n = values.size
        spread = float(np.std(values.mean(axis=1), ddof=1)) if len(values) > 1 else None
    return [
        Result(
            model, metric, unit, point.input, n=n, ours=found.value, ours_sd=spread,
            low=found.low, high=found.high,
        )
    ]  # fmt: skip
