"""The runs of the knee T2 study, and how they are joined."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from experiments.fingerprint import changed_since
from experiments.knee_t2.claims import ERRORS, judge
from experiments.knee_t2.clusters import NULL_COHORT
from experiments.knee_t2.cohort import cohort_of, fingerprint
from experiments.knee_t2.metrics import (
    ATLAS,
    CHANGE,
    COVERAGE,
    DICE,
    ERROR,
    NETWORK,
    NETWORK_2,
    OVER_SUBREGIONS,
    READER_1,
    READER_2,
    SPEARMAN,
    SUBSET,
    TEST,
    VALUE,
    against,
    of,
)
from experiments.knee_t2.predictions import PREDICTIONS
from experiments.knee_t2.settings import ABLATIONS, GROUPS, Settings
from experiments.run import Command, Result
from experiments.several import Joining, Judging, Plan
from experiments.trainings import Arm, short_of

NAME = "knee_t2"
PLAN = Plan(NAME, cohort_of, ABLATIONS, GROUPS)
INPUTS = (
    *(against(reader, visits) for reader in (READER_1, READER_2) for visits in (TEST, SUBSET)),
    NULL_COHORT,
)


def judge_run(results: Sequence[Result], command: Command[Settings], simulated: bool) -> Judging:
    """Hold every claim against the rows of a run."""
    del command, simulated
    short = compared_short(results)
    rows, judged = judge(results, short)
    return Judging(short, rows, judged)


def compared_short(results: Sequence[Result]) -> frozenset[Arm]:
    """Networks of which a training stopped short of its plateau, with all they are held against."""
    models = {model for model, _ in short_of(results)}
    return frozenset((model, source) for model in models for source in INPUTS)


JOINING = Joining(
    PLAN,
    title="Cartilage T2 of twelve subregions over four years",
    question="What do agreement and change rest on?",
    calibrated_on="the overlap of two readers",
    changed_since=partial(changed_since, fingerprint=fingerprint),
    judge=judge_run,
    predictions=PREDICTIONS,
    region=None,
    models=(NETWORK, NETWORK_2, READER_2, READER_1, ATLAS),
    inputs=INPUTS,
    metrics={
        DICE, ERRORS, of(CHANGE, f"{ERROR}, {OVER_SUBREGIONS}"),
        of(VALUE, f"{SPEARMAN}, {OVER_SUBREGIONS}"), of(CHANGE, f"{SPEARMAN}, {OVER_SUBREGIONS}"),
        COVERAGE,
    },
)  # fmt: skip
