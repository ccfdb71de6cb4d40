"""What the paper prints: Table 2, the text, supplementary material 5 to 7.

Means, spreads and limits of agreement by region are read off the figures of supplementary material
7 and are good to about 0.05 ms; points that lie on each other there are missing, so that spreads
are slightly low.

References
----------
Thomas et al., Cartilage 2021, doi:10.1177/19476035211042406.
"""

from __future__ import annotations

from typing import NamedTuple

SUBJECTS = {"train": 115, "validation": 14, "test": 14}
FEMALE_SHARE = 48.0  # %
AGES = (45.0, 78.0)
ECHO_TIMES = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0)  # ms
ECHOES = (1, 2, 3)  # of which a slice's image is drawn in training, counted from 1
ECHO_SHARES = (0.2, 0.6, 0.2)
KEPT_EMPTY = 0.1  # of the slices without cartilage, in training
LONGEST_T2 = 100.0  # ms; above, a voxel is no cartilage
FIRST_PROBABILITY = 0.01  # from which T2 is fitted
PROBABILITY = 0.501  # of the published thresholds, which were chosen on validation subjects
SMALLEST_SLICE = 41.5  # mm2 of cartilage in a slice: 425 pixels of 0.3125 mm


class Overlap(NamedTuple):
    """Dice and Jaccard coefficients, mean and SD over images."""

    dice: float
    dice_sd: float
    jaccard: float
    jaccard_sd: float


OVERLAP = {
    ("model", "reader 1", "all"): Overlap(0.851, 0.029, 0.742, 0.043),
    ("model", "reader 1", "subset"): Overlap(0.845, 0.031, 0.732, 0.046),
    ("reader 2", "reader 1", "subset"): Overlap(0.741, 0.030, 0.590, 0.037),
    ("model", "reader 2", "subset"): Overlap(0.753, 0.027, 0.605, 0.035),
}


class Region(NamedTuple):
    """One region, the model against Reader 1 over the test images.

    Attributes
    ----------
    mean, sd
        T2 over subjects, ms.
    change, change_sd
        Over four years, ms.
    bias, limits
        Bland-Altman, ms.
    change_bias, change_limits
        Of the change, where printed.
    pearson, rms_cv
        Correlation, and the root mean square of the differences over the mean, %.
    """

    mean: float
    sd: float
    change: float
    change_sd: float
    bias: float
    limits: tuple[float, float]
    pearson: float
    rms_cv: float
    change_bias: float | None = None
    change_limits: tuple[float, float] | None = None


REGIONS = {
    "all": Region(53.5, 2.7, -3.1, 1.8, -0.02, (-1.04, 0.99), 0.979, 0.97, -0.45, (-1.60, 0.70)),
    "D": Region(50.6, 3.7, -4.6, 2.3, -0.12, (-1.39, 1.15), 0.984, 1.30, -0.38, (-1.90, 1.14)),
    "S": Region(55.7, 2.1, -1.8, 1.7, 0.06, (-1.25, 1.36), 0.943, 1.20, -0.50, (-2.05, 1.05)),
    "L": Region(52.5, 2.9, -3.5, 1.2, 0.06, (-1.43, 1.55), 0.964, 1.46, -0.12, (-2.39, 2.16)),
    "M": Region(54.3, 3.0, -3.1, 2.8, -0.10, (-1.67, 1.46), 0.962, 1.48, -0.84, (-2.69, 1.02)),
    "DL": Region(50.4, 4.1, -4.5, 2.1, 0.04, (-1.96, 2.04), 0.971, 2.02, 0.36, (-2.06, 2.78)),
    "SL": Region(54.5, 2.2, -2.5, 1.5, 0.07, (-1.72, 1.85), 0.915, 1.68, -0.58, (-3.20, 2.04)),
    "DM": Region(51.2, 3.9, -4.1, 3.0, -0.30, (-2.45, 1.85), 0.961, 2.21, -1.27, (-3.82, 1.28)),
    "SM": Region(57.3, 2.7, -0.8, 2.5, 0.08, (-1.98, 2.14), 0.925, 1.84, -0.37, (-3.09, 2.36)),
    "LA": Region(54.2, 3.5, -3.2, 1.6, 0.72, (-2.43, 3.87), 0.892, 3.27),
    "LC": Region(50.4, 4.5, -4.7, 1.8, -0.04, (-1.68, 1.59), 0.984, 1.66),
    "LP": Region(52.4, 2.9, -3.0, 2.3, -0.31, (-2.23, 1.61), 0.942, 1.96),
    "MA": Region(57.6, 3.8, -0.7, 3.9, -0.52, (-4.54, 3.50), 0.876, 3.65),
    "MC": Region(53.4, 3.8, -2.7, 3.9, -0.55, (-2.93, 1.84), 0.952, 2.48),
    "MP": Region(53.4, 3.7, -3.1, 3.0, 0.43, (-1.60, 2.46), 0.963, 2.11),
    "SLA": Region(57.2, 2.9, -2.3, 1.7, 0.87, (-3.08, 4.82), 0.806, 3.90, 0.43, (-4.25, 5.10)),
    "SLC": Region(52.9, 4.1, -3.2, 2.0, -0.38, (-3.61, 2.85), 0.929, 3.20, -0.99, (-4.34, 2.35)),
    "SLP": Region(53.5, 2.7, -2.4, 2.6, -0.27, (-2.49, 1.96), 0.911, 2.17, -0.56, (-3.67, 2.56)),
    "SMA": Region(61.3, 3.8, 0.2, 3.9, -0.44, (-5.51, 4.62), 0.780, 4.25, -1.35, (-6.58, 3.88)),
    "SMC": Region(57.1, 3.5, -1.0, 3.9, -0.07, (-2.16, 2.02), 0.951, 1.87, -0.34, (-3.36, 2.67)),
    "SMP": Region(55.9, 3.9, -1.0, 3.0, 0.56, (-2.34, 3.45), 0.932, 2.85, -0.30, (-3.48, 2.87)),
    "DLA": Region(51.4, 5.1, -3.8, 2.9, 0.54, (-2.64, 3.72), 0.949, 3.33, 1.01, (-2.87, 4.89)),
    "DLC": Region(48.0, 5.4, -5.0, 2.6, 0.27, (-2.93, 3.47), 0.958, 3.45, -0.38, (-2.91, 2.15)),
    "DLP": Region(51.0, 3.6, -3.7, 2.5, -0.35, (-3.44, 2.73), 0.914, 3.14, 0.81, (-3.58, 5.20)),
    "DMA": Region(53.4, 3.9, -0.7, 3.2, -0.64, (-4.83, 3.55), 0.914, 4.09, -1.20, (-6.47, 4.06)),
    "DMC": Region(49.6, 5.4, -3.4, 4.0, -1.02, (-5.16, 3.12), 0.922, 4.64, -2.63, (-7.32, 2.06)),
    "DMP": Region(51.1, 4.6, -5.1, 3.5, 0.30, (-2.71, 3.31), 0.947, 3.09, -0.32, (-4.66, 4.02)),
}
SUBREGIONS = tuple(f"{d}{s}{p}" for d in "SD" for s in "LM" for p in "ACP")

SUBREGION_SPEARMAN, SUBREGION_MAE = 0.89, 1.34  # means over the twelve; ms
SUBREGION_CHANGE_SPEARMAN, SUBREGION_CHANGE_MAE = 0.80, 1.72
PLATE_MAE, PLATE_MAE_SD = 0.41, 0.32
SIDE_MAE = {"L": 0.61, "M": 0.61}
LESION_SPEARMAN, LESION_MAE, LESION_MAE_SD = 0.78, 1.7, 1.1  # share of the plate, % of it
LESION_COVERAGE = {"reader 1": 8.83, "model": 8.67}  # %
EPOCHS = 17
EXCEEDING = {("U-Net", "L"): 14.0, ("U-Net", "M"): 13.0}  # of 14 subjects
