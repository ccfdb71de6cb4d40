"""Names of the numbers of the knee T2 study, and one row of them."""

from __future__ import annotations

from experiments.run import Result
from jaxqmri.analysis import Interval

NETWORK, NETWORK_2, ATLAS = "U-Net", "U-Net of reader 2", "atlas"
READER_1, READER_2 = "reader 1", "reader 2"
TEST, SUBSET = "all test visits", "one visit each"
FOLDERS = {READER_1: "reader1", READER_2: "reader2"}
TRAINED_ON = {NETWORK: "reader1", NETWORK_2: "reader2"}

DICE, JACCARD = "Dice", "Jaccard"
VALUE, CHANGE = "T2", "change of T2"
SPEARMAN, PEARSON, ERROR = "Spearman's r", "Pearson's r", "mean absolute error"
BIAS, P, LIMITS_LOW, LIMITS_HIGH = "bias", "p of the bias", "lower limit", "upper limit"
RMS_CV, CV = "RMS-CV, as the paper", "RMS-CV, of two readings"
OVER_SUBREGIONS = "mean over the twelve subregions"
LARGEST = "largest of the subregions'"
MEAN = "mean"
VOXELS = "voxels"
COVERAGE, COVERAGE_ERROR = "share of the plate in clusters", "error of that share"
EXCEEDING = "subjects who change by more than its error"
MS, PERCENT = "ms", "%"


def against(reader: str, visits: str = TEST) -> str:
    """What a reading is compared with, as an input is named."""
    return f"against {reader}, {visits}"


def of(quantity: str, measure: str) -> str:
    """A measure of T2 or of its change: ``change of T2: bias``."""
    return f"{quantity}: {measure}"


def row(
    model: str,
    source: str,
    metric: str,
    unit: str,
    found: Interval | float,
    *,
    region: str | None = None,
    n: int | None = None,
    sd: float | None = None,
    paper: float | None = None,
    paper_sd: float | None = None,
) -> Result:
    """One number of a reading."""
    interval = found if isinstance(found, Interval) else Interval(found)
    return Result(
        model, metric, unit, source, region, None, n,
        ours=interval.value, ours_sd=sd, low=interval.low, high=interval.high,
        paper=paper, paper_sd=paper_sd,
    )  # fmt: skip
