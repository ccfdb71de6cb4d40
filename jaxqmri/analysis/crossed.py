"""Means over two things at once, such as trainings and subjects, with an interval over both."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy import stats

LEVEL = 0.975  # of Student's t, for 95 % between the ends


class CrossedMean(NamedTuple):
    """A mean over rows and columns; NaN where there is none.

    Attributes
    ----------
    value
        Of all cells.
    low, high
        Ends of the 95 % interval over both.
    p
        Of the hypothesis that it is zero, two-sided.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan


def crossed_mean(table: ArrayLike) -> CrossedMean:
    """Mean of a table whose rows and columns are both samples, such as seeds and subjects.

    ``SE^2 = var(row means) / R + var(column means) / C``, sample variances of ``R`` rows and ``C``
    columns, with the degrees of freedom of Satterthwaite. What varies from cell to cell alone is
    counted twice, so that the interval is rather too wide where that is all there is.

    Parameters
    ----------
    table
        Shape ``(rows, columns)``. What there is one of is not a sample: the interval is then over
        the other alone.

    Returns
    -------
    CrossedMean
        Without ends where there is one row and one column, or a number is missing.

    Raises
    ------
    ValueError
        If there is no cell, or the table has another number of axes.

    References
    ----------
    Satterthwaite, Biometrics Bulletin 1946, doi:10.2307/3002019.
    """
    values = _table(table)
    parts = [
        (float(means.var(ddof=1)) / means.size, means.size - 1)
        for means in (values.mean(axis=1), values.mean(axis=0))
        if means.size > 1
    ]
    mean, variance = float(values.mean()), sum(part for part, _ in parts)
    if not parts or not np.isfinite(mean):
        return CrossedMean(mean)
    if variance == 0:
        return CrossedMean(mean, mean, mean, float(mean == 0))
    freedom = variance**2 / sum(part**2 / df for part, df in parts)
    error = math.sqrt(variance)
    half = float(stats.t.ppf(LEVEL, freedom)) * error
    p = 2.0 * float(stats.t.sf(abs(mean) / error, freedom))
    return CrossedMean(mean, mean - half, mean + half, p)


def crossed_change(first: ArrayLike, second: ArrayLike) -> CrossedMean:
    """How far the mean of one table lies from that of another, in percent of the other.

    ``100 (mean(a) - mean(b)) / mean(b)``, its error by the delta method: that of the mean of
    ``100 (a - r b) / mean(b)`` with ``r = mean(a) / mean(b)``.

    Parameters
    ----------
    first, second
        ``a`` and ``b``, shape ``(rows, columns)``, cells in pairs.

    Raises
    ------
    ValueError
        If they differ in shape, or as :func:`crossed_mean`.
    """
    a, b = _table(first), _table(second)
    if a.shape != b.shape:
        raise ValueError(f"expected two tables of one shape, got {a.shape} and {b.shape}")
    of_second = b.mean()
    ratio = a.mean() / of_second
    about = crossed_mean(100.0 * (a - ratio * b) / of_second + 100.0 * (ratio - 1.0))
    return about._replace(value=float(100.0 * (ratio - 1.0)))


def _table(given: ArrayLike) -> Float[np.ndarray, "rows columns"]:
    values = np.asarray(given, np.float64)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"expected a table of rows and columns, got shape {values.shape}")
    return values
