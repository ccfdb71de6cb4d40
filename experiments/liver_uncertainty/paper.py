"""What the paper prints, and the names of its methods."""

from __future__ import annotations

from typing import NamedTuple

INPUT = "0+50"  # spin-lock times of the two images, ms
COARSE, BM3D = "coarse fit", "BM3D"
LBR, LBRU, LBMC, LBUDR = "LBR", "LBRU", "LBMC", "LBUDR"


class Printed(NamedTuple):
    """A number of the paper with its standard deviation; None where there is none."""

    value: float | None = None
    sd: float | None = None


RMRE = {  # Table 2, %
    COARSE: Printed(4.88, 2.12),
    BM3D: Printed(4.82, 2.45),
    LBR: Printed(2.71, 1.32),
    LBRU: Printed(2.80, 1.21),
    LBMC: Printed(4.28, 2.68),
    LBUDR: Printed(2.62, 1.15),
}
PIXEL_SLOPE, PIXEL_INTERCEPT, PIXEL_CORRELATION = 0.9905, 0.2408, 0.95  # of LBRU, figure 5
UCE = 0.09  # ms, of LBRU with the standard deviation, seven bins
BEFORE, AFTER = Printed(1.14, 0.76), Printed(1.06, 0.68)  # ms, of LBRU, figure 8
P_BY_SLICE = 1.15e-16
SLOPE_ERROR = 3.46  # 1e-4: standard error of that slope, pixels taken as independent
COUNTS = {
    "all": 51,
    "women": 24,
    "men": 27,
    "F0": 25,
    "F1": 13,
    "F2": 14,
}  # the stages add up to 52
AGES = {  # years
    "all": Printed(57.33, 9.79),
    "women": Printed(60.29, 9.88),
    "men": Printed(54.79, 8.95),
    "F0": Printed(57.60, 9.75),
    "F1": Printed(56.77, 7.65),
    "F2": Printed(57.36, 11.45),
}
