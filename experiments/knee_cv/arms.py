"""All that is compared: the paper's networks and the competitors, fold by fold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float

from experiments import run as shared
from experiments.folds import split_people
from experiments.knee_cv import competitors
from experiments.knee_cv.comparisons import CALIBRATED, COMPETITORS, CONSTANT, LOOKUP
from experiments.knee_cv.fits import fit_signals
from experiments.knee_cv.learning import LIMITS
from experiments.knee_cv.paper import INPUTS, PD
from experiments.knee_cv.results import Maps, Study
from experiments.knee_cv.settings import Settings
from experiments.knee_cv.slices import Slices
from experiments.knee_cv.subjects import Task
from experiments.run import Result, Run
from experiments.trainings import Arm, training_rows

if TYPE_CHECKING:
    from experiments.knee_cv.networks import Learner
    from jaxqmri.training import Point, Split

BALANCE = ("sex", "kl_grade")


class Learnt(NamedTuple):
    """What was learnt from training subjects, by model and input.

    Attributes
    ----------
    maps
        Predictions for all subjects, each by what has not seen the subject.
    rows
        Steps to the plateau of each network, and how many of its folds reached it.
    curves
        The checks of each network's folds.
    settled
        Whether each fold reached its plateau. A network with one that did not supports no claim.
    learner
        What trained them; None where nothing was trained.
    """

    maps: dict[Arm, Maps]
    rows: list[Result]
    curves: dict[Arm, tuple[tuple[Point, ...], ...]]
    settled: dict[Arm, tuple[bool, ...]]
    learner: Learner | None


def splits_of(study: Study, settings: Settings, seed: int) -> list[Split]:
    """Folds of subjects, the same for everything that is compared.

    Raises
    ------
    InputError
        If the subjects are too few, or their table's folds make no sense.
    """
    people = [
        {"participant_id": f"sub-{entities['sub']}", **person}
        for entities, person in zip(study.entities, study.participants, strict=True)
    ]
    part = settings.learning.validation
    return split_people(people, BALANCE, settings.folds, part, seed)[0]


def learn_all(
    run: Run[Settings],
    study: Study,
    tasks: Sequence[Task],
    splits: Sequence[Split],
    targets: Float[np.ndarray, " v"],
    sigma: float,
) -> Learnt:
    """Fit the competitors and train the networks; what an earlier session has kept is read."""
    settings = run.settings
    maps = compete(study, targets, splits, settings.t1rho_bounds)
    if not settings.networks or not settings.inputs:
        return Learnt(maps, [], {}, {}, None)
    from tqdm import tqdm

    from experiments.knee_cv.networks import Learner

    shared.say("")
    slices = Slices.of(study, tasks, settings.scaling)
    learner = Learner(
        run, study, slices, targets, splits, settings.learning, settings.physics_weight, sigma
    )
    rows, curves, settled = [], {}, {}
    arms = [(model, name) for name in settings.inputs for model in settings.networks]
    with tqdm(desc="train", unit="fold", total=len(arms) * len(splits), dynamic_ncols=True) as bar:

        def said(arm: Arm, fold: int, point: Point) -> None:
            bar.set_postfix_str(f"{', '.join(arm)}, fold {fold + 1}: {point.metric:.2f} ms")

        def done() -> None:
            bar.update()
            run.tick()

        for arm, found in learner.learn(arms, said, done):
            maps[arm] = estimates(found.t1rho, LIMITS)
            curves[arm], settled[arm] = found.curves, found.settled
            rows += training_rows(arm, found.curves, found.settled, settings.learning)
    return Learnt(maps, rows, curves, settled, learner)


def estimates(t1rho: Float[np.ndarray, " v"], limits: tuple[float, float]) -> Maps:
    """Predictions as maps: a number is an estimate, at a bound where it is one of the limits."""
    from jaxqmri import Status

    status = np.where(np.isfinite(t1rho), Status.CONVERGED, Status.NOT_CONVERGED)
    status[np.isin(t1rho, limits)] = Status.AT_BOUND
    return Maps(t1rho, status.astype(np.uint8))


def compete(
    study: Study,
    targets: Float[np.ndarray, " v"],
    splits: Sequence[Split],
    bounds: tuple[float, float] = (1.0, 100.0),
) -> dict[Arm, Maps]:
    """The competitors at every input, each fold's by its training and validation subjects.

    Calibration by muscle is there for inputs with a PD-weighted image, where every subject has
    its muscle drawn.
    """
    owner = study.owner
    undrawn = [
        entities["sub"]
        for entities, subject in zip(study.entities, study.subjects, strict=True)
        if np.isnan(subject.muscle).any()
    ]
    if undrawn:
        shared.say(f"no {CALIBRATED}: no muscle is drawn for sub-{', sub-'.join(undrawn)}")
    found: dict[Arm, Maps] = {}
    for name in INPUTS:
        signals = study.images(name)
        values = {
            model: np.full(targets.shape, np.nan)
            for model in COMPETITORS
            if model != CALIBRATED or (name.startswith(PD) and not undrawn)
        }
        for split in splits:
            seen = np.isin(owner, np.concatenate([split.train, split.validation]))
            test = np.isin(owner, split.test)
            known = seen & np.isfinite(targets)
            values[CONSTANT][test] = competitors.constant(targets[known])
            lookup = competitors.median_lookup(signals[known], targets[known])
            values[LOOKUP][test] = lookup(signals[test])
            if CALIBRATED in values:
                shown = study.muscle(name)
                gain = competitors.calibrate_gain(
                    signals[known], targets[known], owner[known], shown, study.times(name)[1]
                )
                corrected = signals[test] / np.stack(
                    [gain(shown)[owner[test]], np.ones(test.sum())], -1
                )
                fitted = fit_signals(corrected, study.times(name), bounds)
                values[CALIBRATED][test] = fitted.t1rho
        found |= {(model, name): estimates(each, bounds) for model, each in values.items()}
    return found
