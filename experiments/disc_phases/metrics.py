"""Names of the numbers of the disc study, and one row of them."""

from __future__ import annotations

from experiments.run import Result
from jaxqmri.analysis import Interval

NETWORK = "WRN and SVM"
DETECTOR = "detector"
COLUMN = "detector, one column"
LEARNT = "level, age and network"
SHUFFLED = "level, age and network of other discs"
PATIENTS, TEXT = "patients apart", "as the text allows"
TEST, FIVE_FOLDS = "test set", "folds"
FRESH = "fresh patients"
LEVELS = ("L1/2", "L2/3", "L3/4", "L4/5", "L5/S1")
COUPLED = f"{PATIENTS}, {FIVE_FOLDS}, coupling "  # how cohorts of other couplings are named
MACRO, WEIGHTED, MICRO = "macro", "weighted", "micro"
AUC, PRECISION, RECALL, F1, ACCURACY = "AUC", "precision", "recall", "F1", "accuracy"
FOLD_AUC = "AUC, mean of the folds"
AP, AP_STRICT = "average precision at 0.5", "average precision at 0.5 to 0.95"
LOWEST = "lowest of the levels"
NAMED_RIGHT = "discs found and named right"
MAXIMUM, MINIMUM, MEAN = PARTS = ("maximum", "minimum", "mean")
ERROR, CORRELATION = "mean absolute error of T1rho", "Pearson's r of T1rho"


def average(metric: str, over: str) -> str:
    """A measure averaged over the phases: ``AUC, macro``."""
    return f"{metric}, {over}"


def evaluated(how: str, which: str) -> str:
    """An evaluation, as an input is named."""
    return f"{how}, {which}"


def row(
    model: str,
    source: str | None,
    metric: str,
    region: str | None,
    unit: str,
    found: Interval | float,
    *,
    n: int | None = None,
    sd: float | None = None,
    paper: float | None = None,
    paper_sd: float | None = None,
) -> Result:
    """One number of a model."""
    interval = found if isinstance(found, Interval) else Interval(found)
    return Result(
        model, metric, unit, source, region, None, n,
        ours=interval.value, ours_sd=sd, low=interval.low, high=interval.high, paper=paper,
        paper_sd=paper_sd,
    )  # fmt: skip


def coupled(coupling: float) -> str:
    """Patients apart on a cohort of another coupling, as an input is named."""
    return f"{COUPLED}{coupling:g}"


NULL = f"{coupled(0.0)}, mean of cohorts"
