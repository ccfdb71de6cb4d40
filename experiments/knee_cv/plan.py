"""The runs of the knee study, and how they are joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from experiments.knee_cv.agreement import HIDDEN
from experiments.knee_cv.claims import CLAIMS, claim_rows
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
from jaxqmri import report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "knee_cv"


def judge(results: Sequence[Result], command: Command[Settings], simulated: bool) -> Judging:
    """Hold every claim against the rows of a run."""
    short = short_of(results)
    rows = claim_rows(results, short, simulated=simulated)
    return Judging(short, rows, report.judge(CLAIMS, rows))


def _figures(collected: Collected) -> dict[str, tuple[Figure, str]]:
    from experiments.knee_cv.gain_figure import gain_figure

    return gain_figure(collected)


JOINING = Joining(
    Plan(NAME, cohort_of, ABLATIONS, GROUPS, tuple(CALIBRATIONS), seeds=True),
    title="Knee T1ρ from a PD-weighted image",
    question="Does the U-Net lead because tissue around cartilage shows the scan's gain?",
    calibrated_on="the paper's NLLS",
    changed_since=changed_since,
    judge=judge,
    predictions=PREDICTIONS,
    region=CARTILAGE,
    models=(*NETWORKS, NLLS, *COMPETITORS),
    networks=NETWORKS,
    inputs=INPUTS,
    metrics={*METRICS, *HIDDEN, *RETEST, *COMPARED},
    figures=_figures,
)
