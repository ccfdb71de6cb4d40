"""The numbers of the study: every arm over seeds and test subjects, and what a weight changes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Float

from experiments.kept_networks import End
from experiments.physics_weight.arms import Arm, Equation, Point, arm_of, weight_name
from experiments.physics_weight.images import ON_NOISY_PAIR, ON_OTHER_PAIR, ON_PAIR
from experiments.physics_weight.networks import VALIDATION, Learner
from experiments.physics_weight.scores import MAE, METRICS, score
from experiments.physics_weight.study import fit_t1rho
from experiments.run import Result
from experiments.spin_lock import SPIN_LOCK_TIMES
from experiments.trainings import training_rows
from jaxqmri.analysis import CrossedMean, crossed_change, crossed_mean, holm
from jaxqmri.report import compared

FIT, ALL_IMAGES = "fit of the same two images", "fit of all four images"
CONSTANT, STANDARD = "mean of the training subjects", "what errors are counted from"
RIVALS = (FIT, ALL_IMAGES, CONSTANT, STANDARD)
LABELS_ALONE, CHOSEN = weight_name(0.0), "weight chosen on validation"
CHANGE, P = "change of ", ", p"
Scores = Float[np.ndarray, "seeds subjects"]
Ends = Mapping[Arm, End]


def all_rows(
    points: Sequence[Point],
    ends: Ends,
    weights: Sequence[float],
    seeds: Sequence[int],
    learner: Learner,
) -> list[Result]:
    """Every row of the study."""
    rows: list[Result] = []
    for point in points:
        for weight in weights:
            rows += _training_rows(point, ends, weight, seeds)
        rows += weight_rows(point, ends, weights, seeds)
    rows += rival_rows(points, learner)
    return rows + corrected(rows, points, weights)


def weight_rows(
    point: Point, ends: Ends, weights: Sequence[float], seeds: Sequence[int]
) -> list[Result]:
    """Every weight of a condition, the one that validation chooses, and what each changes."""
    alone = _scores(point, ends, dict.fromkeys(seeds, 0.0))
    by_name = {weight_name(w): _scores(point, ends, dict.fromkeys(seeds, w)) for w in weights}
    by_name[CHOSEN] = _scores(point, ends, chosen(point, ends, weights, seeds))
    rows: list[Result] = []
    for name, found in by_name.items():
        for metric, unit in METRICS.items():
            rows += _row(name, point, metric, unit, crossed_mean(found[metric]), found[metric])
        if name == LABELS_ALONE:
            continue
        versus, _ = compared((name, point.input), (LABELS_ALONE, point.input))
        for metric in METRICS:
            change = crossed_change(found[metric], alone[metric])
            rows += _row(versus, point, f"{CHANGE}{metric}", "%", change, found[metric])
    return rows


def chosen(
    point: Point, ends: Ends, weights: Sequence[float], seeds: Sequence[int]
) -> dict[int, float]:
    """Of each seed the weight of the least error by the validation subjects' labels."""

    def error(weight: float, seed: int) -> float:
        return float(ends[arm_of(point.condition, weight, seed)].predicted[VALIDATION][0])

    return {seed: min(weights, key=lambda weight: error(weight, seed)) for seed in seeds}


def rival_rows(points: Iterable[Point], learner: Learner) -> list[Result]:
    """What needs no network, and what the maps leave that errors are counted from."""
    known: dict[Equation, dict[str, dict[str, np.ndarray]]] = {}
    rows: list[Result] = []
    for point in points:
        equation = point.condition.equation
        if equation not in known:
            known[equation] = _rivals(equation, learner)
        for name, found in known[equation].items():
            for metric, unit in METRICS.items():
                values = found[metric][None]
                rows += _row(name, point, metric, unit, crossed_mean(values), values)
    return rows


def corrected(
    rows: Iterable[Result], points: Sequence[Point], weights: Sequence[float]
) -> list[Result]:
    """P values of the changes of the MAE after Holm, over all weights and points of a column."""
    known = {(one.model, one.input): one for one in rows if one.metric == f"{CHANGE}{MAE}{P}"}
    found: list[Result] = []
    for column in dict.fromkeys(point.column for point in points):
        own = [
            known[key]
            for point in points
            if point.column == column
            for weight in weights
            if (key := (compared((weight_name(weight), ""), (LABELS_ALONE, ""))[0], point.input))
            in known
        ]
        values = holm([math.nan if one.ours is None else one.ours for one in own])
        found += [
            Result(one.model, f"{CHANGE}{MAE}{P} after Holm", "", one.input, ours=float(value))
            for one, value in zip(own, values, strict=True)
        ]
    return found


def _rivals(equation: Equation, learner: Learner) -> dict[str, dict[str, np.ndarray]]:
    study, settings, images = learner.study, learner.settings, learner.images(equation)
    rows, bounds = learner.tested(equation), settings.t1rho_bounds
    signals, noise = images.signals[rows], learner.noise(rows)
    standard = images.standard[rows]
    learnt_from = np.isin(study.owner, learner.parts.train)
    mean = np.full(rows.size, np.nanmean(images.label[learnt_from]), np.float32)
    everywhere = (ON_PAIR, ON_NOISY_PAIR, ON_OTHER_PAIR)

    def fitted(some: np.ndarray, times: Sequence[float]) -> np.ndarray:
        return np.asarray(fit_t1rho(some, times, bounds).params.t1rho)

    of_pairs = learner.inputs(equation)
    of_all = fitted(signals, SPIN_LOCK_TIMES)
    predicted = {
        FIT: {name: fitted(pair, times) for name, (pair, times) in of_pairs.items()},
        ALL_IMAGES: dict.fromkeys(everywhere, of_all),
        CONSTANT: dict.fromkeys(everywhere, mean),
        STANDARD: dict.fromkeys(everywhere, standard),
    }
    truth, owner = study.truth[rows], study.owner[rows]
    return {
        name: score(maps, standard, truth, signals, noise, owner)
        for name, maps in predicted.items()
    }


def _scores(point: Point, ends: Ends, weights: Mapping[int, float]) -> dict[str, Scores]:
    """Scores of one network for each seed, by its weight."""
    each = [ends[arm_of(point.condition, w, seed)].predicted for seed, w in weights.items()]
    return {metric: np.stack([one[metric] for one in each]) for metric in METRICS}


def _training_rows(point: Point, ends: Ends, weight: float, seeds: Sequence[int]) -> list[Result]:
    each = [ends[arm_of(point.condition, weight, seed)] for seed in seeds]
    arm = (weight_name(weight), point.input)
    errors = [float(one.predicted[VALIDATION][0]) for one in each]
    return [
        Result(arm[0], VALIDATION, "ms", arm[1], n=len(seeds), ours=float(np.mean(errors))),
        *training_rows(arm, [one.curve for one in each], [one.settled for one in each], unit=""),
    ]


def _row(
    model: str, point: Point, metric: str, unit: str, found: CrossedMean, values: Scores
) -> list[Result]:
    """A number and, of a change, its p value; none where nobody knows, as of the truth of data."""
    if not np.isfinite(found.value):
        return []
    change, spread = metric.startswith(CHANGE), None
    if len(values) > 1 and not change:
        spread = float(np.std(values.mean(axis=1), ddof=1))
    row = Result(
        model, metric, unit, point.input, n=values.size, ours=found.value, ours_sd=spread,
        low=found.low, high=found.high,
    )  # fmt: skip
    return [row, Result(model, f"{metric}{P}", "", point.input, ours=found.p)] if change else [row]
