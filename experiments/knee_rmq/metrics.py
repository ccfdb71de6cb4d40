"""Names of the numbers of the knee UTE study, and one row of them."""

from __future__ import annotations

from experiments.knee_rmq.paper import QUANTITIES, Printed
from experiments.knee_rmq.participants import NORMAL, SEVERE
from experiments.knee_rmq.study import QUANTITIES as MAPPED
from experiments.run import Result
from experiments.trainings import Arm
from jaxqmri.analysis import Interval

CARTILAGE = "cartilage"
PLACE = {quantity: MAPPED.index(quantity.lower()) for quantity in QUANTITIES}  # in stacks of maps
UNIT = "ms"
ROI_R, VOXEL_R = "ROI r", "voxel r"
ROI_R_DRAWN, VOXEL_R_DRAWN = "ROI r in the drawn region", "voxel r in the drawn region"
VOXEL_R_INTERIOR = "voxel r away from the drawn border"
FALL = "fall of voxel r from all images"
T1_LESS_T1RHO = "T1 less T1rho"
P = "p"
L1, L2, RMSE = "L1 error", "L2 error", "RMSE"
L1_INTERIOR = "L1 error away from the drawn border"
NORMALISED_L1, NORMALISED_L2 = "normalised L1 error", "normalised L2 error"
NORMALISED_RMSE = "normalised RMSE"
TO_TRUTH = "L1 error to the true map"
TO_TRUTH_INTERIOR = "L1 error to the true map away from the drawn border"
DICE, JACCARD = "Dice", "Jaccard"
CLASSES = (CARTILAGE, "menisci")
GROUPS = f"{SEVERE} less {NORMAL}"
RETAINED = f"{GROUPS}, retained"
SLOPE, BIAS = "slope of subject means", "bias of subject means"
SHORT_BIAS = "bias where the fitted map is in its lowest third"
LONG_BIAS = "bias where the fitted map is in its highest third"
MEAN, SPREAD = "mean", "SD over voxels"
IMPLIED = "SD over voxels that the paper's numbers imply"
LOST = "voxels without an estimate"
SEED_SD = "SD between seeds"
UNPRINTED = Printed()


def of(metric: str, quantity: str) -> str:
    """A metric of one quantity: ``voxel r, T1``."""
    return f"{metric}, {quantity}"


def row(
    arm: Arm,
    metric: str,
    unit: str,
    found: Interval | float,
    *,
    n: int | None = None,
    sd: float | None = None,
    printed: Printed = UNPRINTED,
    region: str = CARTILAGE,
) -> Result:
    """One number of a model at an input."""
    interval = found if isinstance(found, Interval) else Interval(found)
    model, name = arm
    return Result(
        model, metric, unit, name, region, None, n,
        ours=interval.value, ours_sd=sd, low=interval.low, high=interval.high,
        paper=printed.value, paper_sd=printed.sd,
    )  # fmt: skip
