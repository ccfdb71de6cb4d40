"""The runs of the knee UTE study, and how they are joined."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from experiments.fingerprint import changed_since
from experiments.knee_rmq.claims import WEIGHTS, judge
from experiments.knee_rmq.cohort import cohort_of, fingerprint
from experiments.knee_rmq.estimates import CONSTANT, NO_IMAGES, PRIOR_FIT, REGRESSION, named
from experiments.knee_rmq.metrics import (
    CARTILAGE,
    DICE,
    FALL,
    L1,
    T1_LESS_T1RHO,
    VOXEL_R,
    of,
)
from experiments.knee_rmq.paper import INPUTS, QUANTITIES
from experiments.knee_rmq.predictions import PREDICTIONS
from experiments.knee_rmq.settings import ABLATIONS, GROUPS, Settings
from experiments.run import Command, Result
from experiments.several import Joining, Judging, Plan
from experiments.trainings import short_of

NAME = "knee_rmq"
PLAN = Plan(NAME, cohort_of, ABLATIONS, GROUPS)


def judge_run(results: Sequence[Result], command: Command[Settings], simulated: bool) -> Judging:
    """Hold every claim against the rows of a run."""
    del simulated
    short = short_of(results)
    rows, judged = judge(results, short, seeds=command.settings.seeds)
    return Judging(short, rows, judged)


JOINING = Joining(
    PLAN,
    title="Knee T1, T1ρ and cartilage from few UTE images",
    question="What does a network that is given few images rest on?",
    calibrated_on="the spread of T1 and T1ρ that the paper's correlations and errors imply",
    changed_since=partial(changed_since, fingerprint=fingerprint),
    judge=judge_run,
    predictions=PREDICTIONS,
    region=CARTILAGE,
    models=(named(0.0), *(named(weight) for weight in WEIGHTS), PRIOR_FIT, REGRESSION, CONSTANT),
    inputs=(*INPUTS, NO_IMAGES),
    metrics={
        DICE, of(FALL, T1_LESS_T1RHO),
        *(of(metric, quantity) for metric in (VOXEL_R, L1, FALL) for quantity in QUANTITIES),
    },
)  # fmt: skip
