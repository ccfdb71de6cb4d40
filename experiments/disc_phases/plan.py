"""The runs of the disc study, and how they are joined."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from experiments.disc_phases.claims import APART, MEAN_AREA, judge
from experiments.disc_phases.cohort import cohort_of, fingerprint
from experiments.disc_phases.metrics import (
    ACCURACY,
    COLUMN,
    COUPLED,
    DETECTOR,
    FIVE_FOLDS,
    FOLD_AUC,
    LEARNT,
    NETWORK,
    PATIENTS,
    TEST,
    TEXT,
    evaluated,
)
from experiments.disc_phases.predictions import PREDICTIONS
from experiments.disc_phases.rungs import GRADE, LEVEL, LEVEL_AGE, READING, SHAPE
from experiments.disc_phases.settings import ABLATIONS, GROUPS, Settings
from experiments.fingerprint import changed_since
from experiments.run import Command, Result
from experiments.several import Joining, Judging, Plan
from experiments.trainings import Arm, short_of

NAME = "disc_phases"
PLAN = Plan(NAME, cohort_of, ABLATIONS, GROUPS)
RESTS_ON = {NETWORK: NETWORK, LEARNT: NETWORK, DETECTOR: DETECTOR, COLUMN: DETECTOR}  # trainings
INPUTS = tuple(evaluated(how, which) for how in (PATIENTS, TEXT) for which in (FIVE_FOLDS, TEST))


def judge_run(results: Sequence[Result], command: Command[Settings], simulated: bool) -> Judging:
    """Hold every claim against the rows of a run."""
    del command, simulated
    short = compared_short(results)
    rows, judged = judge(results, short)
    return Judging(short, rows, judged)


def compared_short(results: Sequence[Result]) -> frozenset[Arm]:
    """Networks of which a training stopped short of its plateau, with all they are judged in.

    Trainings of another coupling's cohorts do not bear on the study's own.
    """
    short = short_of(results)
    arms = {(model, str(one.input)) for model in RESTS_ON for one in results}
    return frozenset(arm for arm in arms if _trained(*arm) in short)


def _trained(model: str, source: str) -> Arm:
    """What of the table of trainings a model's numbers in some input rest on."""
    network = RESTS_ON[model]
    if network == DETECTOR:
        return network, TEST
    return network, source if source.startswith(COUPLED) else APART


JOINING = Joining(
    PLAN,
    title="Phases of disc degeneration seen in T1-weighted images",
    question="What does telling them rest on?",
    calibrated_on="published numbers of discs in each phase and grade, and the readers' kappa",
    changed_since=partial(changed_since, fingerprint=fingerprint),
    judge=judge_run,
    predictions=PREDICTIONS,
    region=None,
    models=(NETWORK, LEARNT, LEVEL, LEVEL_AGE, GRADE, SHAPE, READING),
    inputs=INPUTS,
    metrics={MEAN_AREA, FOLD_AUC, ACCURACY},
)
