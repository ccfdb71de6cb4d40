"""Agreement of paired measurements of the same subjects: limits of agreement, regression."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxqmri.analysis.resampling import Interval, bootstrap, complete

LIMITS = 1.96  # standard deviations that enclose 95 % of normal differences


class BlandAltman(NamedTuple):
    """Difference of two measurements, prediction less reference.

    Attributes
    ----------
    bias
        Mean difference.
    sd
        Standard deviation of the differences.
    lower, upper
        95 % limits of agreement.
    p
        Of a bias as large if there were none, one-sample t-test; NaN where it is not defined.
    n
        Subjects that have both measurements.
    """

    bias: Interval
    sd: float
    lower: Interval
    upper: Interval
    p: float
    n: int


class Regression(NamedTuple):
    """Line through the predictions over the reference.

    Attributes
    ----------
    slope
        1 where differences between subjects survive whole, 0 where every subject is given the
        same value.
    intercept
        In the unit of the measurement.
    correlation
        Pearson's coefficient; NaN where all predictions are equal.
    n
        Subjects that have both.
    """

    slope: Interval
    intercept: Interval
    correlation: Interval
    n: int


def bland_altman(
    reference: ArrayLike, prediction: ArrayLike, *, ddof: int = 1, seed: int = 0
) -> BlandAltman:
    r"""Bias and limits of agreement, :math:`\bar d \pm 1.96\, s_d` with :math:`d = p - y`.

    Parameters
    ----------
    reference, prediction
        One number a subject, shape ``(subjects,)``. Subjects that lack one are left out.
    ddof
        ``s_d`` has ``n - ddof`` in its denominator.
    seed
        Of the resampling of subjects.

    Raises
    ------
    ValueError
        If the two differ in shape or are not one-dimensional.

    References
    ----------
    Bland and Altman, Statistical Methods in Medical Research 1999,
    doi:10.1177/096228029900800204.
    """
    y, p = complete(reference, prediction)
    d = p - y
    if d.size == 0:
        none = Interval(np.nan)
        return BlandAltman(none, np.nan, none, none, np.nan, 0)

    def limits(d: np.ndarray) -> np.ndarray:
        mean, sd = d.mean(axis=1), _sd(d, ddof)
        return np.stack([mean, mean - LIMITS * sd, mean + LIMITS * sd], axis=-1)

    bias, lower, upper = bootstrap(limits, (d,), seed=seed)
    return BlandAltman(bias, float(_sd(d[None], ddof)[0]), lower, upper, _p_of_no_bias(d), d.size)


def regression(reference: ArrayLike, prediction: ArrayLike, *, seed: int = 0) -> Regression:
    r"""Least-squares line :math:`p = a + b\,y` of predicted on reference subject means.

    A method that predicts near the cohort's mean has small errors and a slope near zero.

    Parameters
    ----------
    reference, prediction
        One number a subject, shape ``(subjects,)``. Subjects that lack one are left out.
    seed
        Of the resampling of subjects.

    Raises
    ------
    ValueError
        If the two differ in shape or are not one-dimensional.
    """
    y, p = complete(reference, prediction)
    if y.size == 0:
        none = Interval(np.nan)
        return Regression(none, none, none, 0)
    slope, intercept, correlation = bootstrap(_line, (y, p), seed=seed)
    return Regression(slope, intercept, correlation, y.size)


def _line(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    mean_y, mean_p = y.mean(axis=1), p.mean(axis=1)
    dy, dp = y - mean_y[:, None], p - mean_p[:, None]
    spread_y, spread_p = np.sum(dy**2, axis=1), np.sum(dp**2, axis=1)
    # copies of one value leave rounding errors of their mean, which are no spread
    spread_y = np.where(np.ptp(y, axis=1) == 0, 0.0, spread_y)
    spread_p = np.where(np.ptp(p, axis=1) == 0, 0.0, spread_p)
    together = np.where((spread_y == 0) | (spread_p == 0), 0.0, np.sum(dy * dp, axis=1))
    slope = together / spread_y
    correlation = together / np.sqrt(spread_y * spread_p)
    return np.stack([slope, mean_p - slope * mean_y, correlation], axis=-1)


def _sd(values: np.ndarray, ddof: int) -> np.ndarray:
    if values.shape[1] <= ddof:
        return np.full(values.shape[0], np.nan)
    return values.std(axis=1, ddof=ddof)


def _p_of_no_bias(differences: np.ndarray) -> float:
    from scipy import stats

    if differences.size < 2 or np.ptp(differences) == 0:
        return np.nan
    test: Any = stats.ttest_1samp(differences, 0.0)
    return float(test.pvalue)
