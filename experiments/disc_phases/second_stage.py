"""The second and third stage of one cohort: networks, classifiers, and what they found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.disc_phases.evaluations import Dealt, Judged, arms_of, asked, judge
from experiments.disc_phases.folds import disc_folds, pairs_of, patient_folds
from experiments.disc_phases.metrics import FIVE_FOLDS, NETWORK, TEST
from experiments.disc_phases.regression import Learner, OneTraining
from experiments.disc_phases.rungs import climb, rungs
from experiments.disc_phases.settings import Settings
from experiments.disc_phases.study import Study
from experiments.kept_networks import End
from experiments.run import Result, Run
from experiments.trainings import learn_all, training_rows

Probabilities = Float[np.ndarray, "d 3"]


class Found(NamedTuple):
    """What the second and third stage say of one cohort.

    Attributes
    ----------
    ends
        Every training.
    judged
        By evaluation; of the first seed.
    """

    ends: Mapping[OneTraining, End]
    judged: Mapping[str, Judged]


def deal(study: Study, train: np.ndarray, run: Run[Settings]) -> Dealt:
    """Folds of the training patients and of their discs."""
    seed, count = run.command.seed, run.settings.folds
    owner = study.owner
    patients = patient_folds(study.people, train, owner, count, seed, run.data)
    discs = disc_folds(np.flatnonzero(patients >= 0), owner.size, count, seed)
    return Dealt(patients, discs, owner)


def tell_phases(
    run: Run[Settings],
    study: Study,
    dealt: Dealt,
    crops: Float[np.ndarray, "d r s c"],
    *,
    whole: bool = True,
    name: str = "",
) -> Found:
    """Train every network and classifier, and ask them.

    Parameters
    ----------
    run
        Where trainings are kept; told the time.
    study, dealt
        All discs, and their folds.
    crops
        What networks see of each.
    whole
        Also what judges as the text allows, and the test set.
    name
        Of the cohort, before the trainings' labels.
    """
    settings, seed = run.settings, run.command.seed
    learner = Learner(run, crops, study.t1rho, _described(study, dealt))
    arms = arms_of(dealt, settings.aside, seed, whole=whole, name=name)
    ends = learn_all(run, arms, learner.learn, lambda arm: arm.label)
    predicted = {arm.label: end.predicted["t1rho"] for arm, end in ends.items()}
    judged = {
        source: judge(wanted, predicted, study.phases, settings.smote, seed)
        for source, wanted in asked(dealt, seed, whole=whole, name=name).items()
    }
    return Found(ends, judged)


def ladder_of(study: Study, dealt: Dealt, seed: int) -> dict[str, dict[str, Probabilities]]:
    """Probabilities by the rungs: of the training patients' discs in folds, and of the test set."""
    ladder = rungs(study.levels, study.ages, study.agreed_grades, study.shapes(), study.one_reading)
    known = np.flatnonzero(dealt.patients >= 0)
    return {
        FIVE_FOLDS: climb(ladder, study.phases, pairs_of(dealt.patients), seed),
        TEST: climb(ladder, study.phases, [(known, dealt.test)], seed),
    }


def training_summary(found: Found, source: str) -> list[Result]:
    """How all trainings of a cohort went."""
    ends = list(found.ends.values())
    return training_rows(
        (NETWORK, source), [end.curve for end in ends], [end.settled for end in ends]
    )


def _described(study: Study, dealt: Dealt) -> dict[str, Any]:
    test = sorted({study.people[p]["participant_id"] for p in dealt.owner[dealt.test]})
    return {"test_subjects": test, "simulated": study.simulated}
