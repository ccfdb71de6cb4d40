"""The runs of the knee study, and how they are joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from experiments.knee_cv.agreement import HIDDEN
from experiments.knee_cv.claims import judge
from experiments.knee_cv.cohort import changed_since, cohort_of
from experiments.knee_cv.comparisons import COMPARED, COMPETITORS
from experiments.knee_cv.paper import INPUTS, NETWORKS, NLLS
from experiments.knee_cv.predictions import PREDICTIONS
from experiments.knee_cv.results import CARTILAGE, METRICS
from experiments.knee_cv.retest import RETEST
from experiments.knee_cv.settings import ABLATIONS, CALIBRATIONS, GROUPS, Settings
from experiments.run import Command, Result
from experiments.several import Joining, Judging, Plan
from experiments.several.collect import Collected
from experiments.trainings import short_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "knee_cv"
PLAN = Plan(NAME, cohort_of, ABLATIONS, GROUPS, tuple(CALIBRATIONS), seeds=True)


def judge_run(results: Sequence[Result], command: Command[Settings], simulated: bool) -> Judging:
    """Hold every claim against the rows of a run."""
    short, calibrated = short_of(results), simulated and PLAN.is_calibrated(command.settings)
    return Judging(short, *judge(results, short, calibrated=calibrated))


def _figures(collected: Collected) -> dict[str, tuple[Figure, str]]:
    from experiments.knee_cv.gain_figure import gain_figure

    return gain_figure(collected)


JOINING = Joining(
    PLAN,
    title="Knee T1ρ from a PD-weighted image",
    question="Does the U-Net lead because tissue around cartilage shows the scan's gain?",
    calibrated_on="the paper's NLLS",
    changed_since=changed_since,
    judge=judge_run,
    predictions=PREDICTIONS,
    region=CARTILAGE,
    models=(*NETWORKS, NLLS, *COMPETITORS),
    networks=NETWORKS,
    inputs=INPUTS,
    metrics={*METRICS, *HIDDEN, *RETEST, *COMPARED},
    figures=_figures,
)
