"""How a method repeats itself: new digital subjects scanned twice, by networks already trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from experiments.knee_cv.agreement import subject_means
from experiments.knee_cv.paper import INPUTS, NLLS
from experiments.knee_cv.results import ALL_TIMES, CARTILAGE, REFERENCE, Maps, Study
from experiments.knee_cv.slices import Slices
from experiments.knee_cv.subjects import Task
from experiments.run import Result
from experiments.trainings import Arm
from jaxqmri import analysis

if TYPE_CHECKING:
    from experiments.knee_cv.networks import Learner

CV, WITHIN, COEFFICIENT = RETEST = (
    "within-subject CV",
    "within-subject SD",
    "repeatability coefficient",
)
UNITS = {CV: "%", WITHIN: "ms", COEFFICIENT: "ms"}


class Scan(NamedTuple):
    """All new subjects, scanned once."""

    study: Study
    tasks: Sequence[Task]


def retest_rows(
    scans: tuple[Scan, Scan],
    fit: Callable[[Study, str], Maps],
    learner: Learner | None,
    trained: Iterable[Arm],
    seed: int,
) -> list[Result]:
    """Repeatability of each subject's mean T1rho over the cartilage.

    Parameters
    ----------
    scans
        The same subjects, scanned twice and drawn twice.
    fit
        Least squares of one input, or of all spin-lock times.
    learner, trained
        Networks, and the models and inputs that were trained.
    seed
        Of the resampling of subjects.
    """
    means: dict[Arm, list[np.ndarray]] = {}
    for study, tasks in scans:
        maps = {(REFERENCE, ALL_TIMES): fit(study, ALL_TIMES).t1rho}
        maps |= {(NLLS, name): fit(study, name).t1rho for name in INPUTS}
        if learner is not None:
            slices = Slices.of(study, tasks, learner.slices.scaling)
            maps |= {arm: learner.apply(*arm, slices) for arm in trained}
        for arm, t1rho in maps.items():
            means.setdefault(arm, []).append(subject_means(study, t1rho))
    rows = []
    for (model, name), (first, second) in means.items():
        found = analysis.pair_repeatability(first, second, seed=seed)
        for metric, value in zip(
            RETEST, (found.cv, found.within_sd, found.coefficient), strict=True
        ):
            rows.append(
                Result(
                    model,
                    metric,
                    UNITS[metric],
                    name,
                    CARTILAGE,
                    n=found.n,
                    ours=value.value,
                    low=value.low,
                    high=value.high,
                )
            )
    return rows
