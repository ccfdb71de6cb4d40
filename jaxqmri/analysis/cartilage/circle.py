"""The circle that femoral cartilage is unrolled from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import least_squares


class Circle(NamedTuple):
    """A circle in the sagittal plane, mm from the centre of row 0 and column 0."""

    row: float
    column: float
    radius: float

    def polar(
        self, rows: Float[np.ndarray, " n"], columns: Float[np.ndarray, " n"]
    ) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Angles in degrees and distances from the centre in mm.

        0 degrees is distal, negative anterior, positive posterior, 180 proximal.
        """
        down, back = rows - self.row, columns - self.column
        return np.degrees(np.arctan2(back, down)), np.hypot(down, back)


def fit_circle(rows: Float[np.ndarray, " n"], columns: Float[np.ndarray, " n"]) -> Circle:
    r"""The circle of least squared differences of radius.

    .. math:: \min_{c} \sum_i (R_i - \bar R)^2, \quad R_i = |p_i - c|,

    from the centroid; the mean :math:`\bar R` is the radius.

    Parameters
    ----------
    rows, columns
        Points, mm.

    Raises
    ------
    ValueError
        If the points do not determine a circle: fewer than three, or all on one line.
    """
    points = np.stack([rows, columns], axis=1).astype(np.float64)
    middle = points.mean(axis=0) if len(points) else np.zeros(2)
    if len(points) < 3 or np.linalg.matrix_rank(points - middle, tol=1e-6) < 2:
        raise ValueError(f"{len(points)} points, all on one line: no circle goes through them")

    def differences(centre: Float[np.ndarray, " 2"]) -> Float[np.ndarray, " n"]:
        radii = np.hypot(*(points - centre).T)
        return radii - radii.mean()

    row, column = least_squares(differences, middle, xtol=1e-12, ftol=1e-12).x
    radius = float(np.hypot(points[:, 0] - row, points[:, 1] - column).mean())
    return Circle(float(row), float(column), radius)
