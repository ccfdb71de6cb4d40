"""The runs of the liver study, and how they are joined."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.cohorts import Cohort
from experiments.liver_uncertainty.claims import judge, short_and_dependent
from experiments.liver_uncertainty.doubt import (
    ABOVE_RANDOM,
    AUSE,
    CHANGE,
    CONFORMAL,
    COVERED,
    LEVELS,
    NLL_GAIN,
    RANKS_BY_PATIENT,
    UCE,
    UCE_EXPECTED,
    WIDTH,
)
from experiments.liver_uncertainty.methods import ALL
from experiments.liver_uncertainty.paper import INPUT
from experiments.liver_uncertainty.patients import read_study
from experiments.liver_uncertainty.predictions import PREDICTIONS
from experiments.liver_uncertainty.results import MAE, PIXEL_BIAS, RMRE, ROI, STAGES
from experiments.liver_uncertainty.settings import ABLATIONS, CALIBRATIONS, GROUPS, Settings
from experiments.run import Command, Result, Run
from experiments.several import Joining, Judging, Plan
from experiments.several.plan import OfStudy

NAME = "liver_uncertainty"
MADE_FROM = "made_from"  # checkpoint: fingerprint of the data
LEVEL = 100.0 * LEVELS[-1]


def cohort_of(settings: Settings, seed: int, study: OfStudy) -> Cohort:
    """The digital patients of a run; ``study`` are settings of the simulation."""
    grid, count = settings.simulated_grid, settings.simulated_patients
    return Cohort("liver_t1rho", grid, count, seed, study)


def changed_since(run: Run[Settings]) -> str | None:
    """What of its data is no longer what a complete run was made from, in words.

    A simulated cohort cannot change: its folder is named after all that it is made with.
    """
    if run.command.data is None:
        return None
    study, kept = read_study(run.data, run.settings.skip_incomplete), run.checkpoint(MADE_FROM)
    same = kept.exists() and kept.read_text("utf-8") == study.fingerprint
    return None if same else str(run.data)


PLAN = Plan(NAME, cohort_of, ABLATIONS, GROUPS, tuple(CALIBRATIONS))


def judge_run(results: Sequence[Result], command: Command[Settings], simulated: bool) -> Judging:
    """Hold every claim against the rows of a run."""
    settings, short = command.settings, short_and_dependent(results)
    calibrated = simulated and PLAN.is_calibrated(settings)
    rows, judged = judge(results, short, calibrated=calibrated, seeds=settings.seeds)
    return Judging(short, rows, judged)


JOINING = Joining(
    PLAN,
    title="Liver T1ρ from two images, and its doubt",
    question="What does refining a map rest on, and what its doubt?",
    calibrated_on="the paper's coarse and BM3D rows",
    changed_since=changed_since,
    judge=judge_run,
    predictions=PREDICTIONS,
    region=ROI,
    models=ALL,
    inputs=(INPUT,),
    metrics={
        RMRE, MAE, PIXEL_BIAS, STAGES, f"{STAGES}, retained", "slope of patient means",
        UCE, UCE_EXPECTED, NLL_GAIN, ABOVE_RANDOM, AUSE, RANKS_BY_PATIENT, CHANGE,
        COVERED.format(LEVEL), CONFORMAL + COVERED.format(LEVEL), CONFORMAL + WIDTH.format(LEVEL),
    },
)  # fmt: skip
