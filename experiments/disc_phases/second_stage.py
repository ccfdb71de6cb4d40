"""The second and third stage of one cohort: networks, classifiers, and what they found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from experiments.disc_phases.evaluations import Dealt, Judged, arms_of, asked, classified, judge
from experiments.disc_phases.folds import disc_folds, pairs_of, patient_folds
from experiments.disc_phases.metrics import FIVE_FOLDS, NETWORK, PATIENTS, TEST
from experiments.disc_phases.regression import Learner, OneTraining
from experiments.disc_phases.rungs import climb, level_and_age, logistic, rungs
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
        By evaluation.
    learnt
        Probabilities by a logistic regression on level, age and the mean T1rho that networks
        predict, by evaluation with patients apart.
    shuffled
        The same with the T1rho predicted for other discs of the same fold: what a number costs
        that says nothing.
    """

    ends: Mapping[OneTraining, End]
    judged: Mapping[str, Judged]
    learnt: Mapping[str, Probabilities]
    shuffled: Mapping[str, Probabilities]


def deal(study: Study, train: np.ndarray, run: Run[Settings], folds: int | None = None) -> Dealt:
    """Folds of the training patients and of their discs, as many as the settings say."""
    seed, count = run.command.seed, folds or run.settings.folds
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
    wanted = asked(dealt, seed, whole=whole, name=name)
    judged = {
        source: judge(own, predicted, study.phases, settings.smote, seed)
        for source, own in wanted.items()
    }
    known, own_place = level_and_age(study.levels, study.ages), np.arange(len(study.phases))

    def learnt(place: Int[np.ndarray, " d"]) -> dict[str, Probabilities]:
        beside = {n: np.column_stack([known, each[place, -1]]) for n, each in predicted.items()}
        return {
            source: classified(own, beside, study.phases, partial(logistic, seed=seed))
            for source, own in wanted.items()
            if source.startswith(PATIENTS)
        }

    return Found(ends, judged, learnt(own_place), learnt(exchanged(dealt.patients, seed)))


def exchanged(fold: Int[np.ndarray, " d"], seed: int) -> Int[np.ndarray, " d"]:
    """For every disc another of its fold, each once."""
    random, place = np.random.default_rng(seed), np.arange(fold.size)
    for k in np.unique(fold):
        own = np.flatnonzero(fold == k)
        place[own] = random.permutation(own)
    return place


def ladder_of(
    study: Study,
    dealt: Dealt,
    seed: int,
    *,
    smote: bool,
    boxes: Float[np.ndarray, "p 5 4"] | None = None,
) -> dict[str, dict[str, Probabilities]]:
    """Probabilities by the rungs: of the training patients' discs in folds, and of the test set.

    Shapes are those in ``boxes``, or in the boxes drawn.
    """
    ladder = rungs(
        study.levels,
        study.ages,
        study.agreed_grades,
        study.shapes(boxes),
        study.one_reading,
        smote=smote,
    )
    known = np.flatnonzero(dealt.patients >= 0)
    return {
        FIVE_FOLDS: climb(ladder, study.phases, pairs_of(dealt.patients), seed),
        TEST: climb(ladder, study.phases, [(known, dealt.test)], seed),
    }


def training_summary(ends: Iterable[End], source: str) -> list[Result]:
    """How trainings went."""
    curves, settled = zip(*((end.curve, end.settled) for end in ends), strict=True)
    return training_rows((NETWORK, source), list(curves), list(settled))


def _described(study: Study, dealt: Dealt) -> dict[str, Any]:
    test = sorted({study.people[p]["participant_id"] for p in dealt.owner[dealt.test]})
    return {"test_subjects": test, "simulated": study.simulated}
