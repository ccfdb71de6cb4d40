"""What the paper prints: Tables 1 to 4 and the text.

References
----------
Li et al., J Magn Reson Imaging 2024, doi:10.1002/jmri.29499.
"""

from __future__ import annotations

from typing import NamedTuple

PATIENTS = {"train": 50, "test": 10}
AGE, AGE_SD = 36.0, 11.0
MEN = 35  # of 60
GRADES = (12, 133, 83, 68, 4)  # Pfirrmann I to V, of 300 discs
PHASES = {"all": (144, 76, 80), "train": (119, 64, 67), "test": (25, 12, 13)}
AGREEMENT = 0.80  # all intraclass correlations, and kappa of the grades, are printed as above it

AVERAGE_PRECISION = {
    "L1/2": 0.996, "L2/3": 0.996, "L3/4": 0.996, "L4/5": 0.995, "L5/S1": 0.995, "all": 0.996,
}  # fmt: skip
PRECISION = {
    "phase 1": 0.840, "phase 2": 0.733, "phase 3": 1.000, "macro": 0.858, "weighted": 0.856,
}  # fmt: skip
RECALL = {"phase 1": 0.840, "phase 2": 0.917, "phase 3": 0.769, "macro": 0.842, "weighted": 0.840}
F1 = {"phase 1": 0.840, "phase 2": 0.815, "phase 3": 0.870, "macro": 0.841, "weighted": 0.842}
ACCURACY = 0.840
CONFUSION = ((21, 4, 0), (1, 11, 0), (3, 0, 10))
"""True phase by predicted phase: the only matrix that the printed figures allow."""


class Area(NamedTuple):
    """Area under a ROC curve with its printed 95 % interval."""

    value: float
    low: float
    high: float


AUC = {
    "phase 1": Area(0.840, 0.737, 0.926),
    "phase 2": Area(0.906, 0.810, 0.986),
    "phase 3": Area(0.885, 0.773, 1.000),
    "average": Area(0.871, 0.769, 0.957),
}
"""The average is neither the mean of the three (0.877) nor the one weighted by support (0.868)."""

FOLD_AUC = (0.796, 0.863, 0.876, 0.815, 0.863)
FOLD_AUC_MEAN = 0.843
