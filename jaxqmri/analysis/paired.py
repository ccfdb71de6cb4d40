"""Two methods compared over the same subjects, and many such comparisons at once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from jaxqmri.analysis.resampling import Interval, bootstrap, complete


class PairedDifference(NamedTuple):
    """First method less second, subject by subject.

    Attributes
    ----------
    difference
        Mean over subjects.
    sd
        Standard deviation (``n - 1``) over subjects.
    p_t, p_wilcoxon
        Two-sided paired t-test and Wilcoxon's signed-rank test. Both are 1 where the methods agree
        in every subject, and NaN below two subjects.
    n
        Subjects that both methods have.
    """

    difference: Interval
    sd: float
    p_t: float
    p_wilcoxon: float
    n: int


def paired_difference(first: ArrayLike, second: ArrayLike, *, seed: int = 0) -> PairedDifference:
    """Compare one measure of two methods, subject by subject.

    Parameters
    ----------
    first, second
        One number a subject, shape ``(subjects,)``. Subjects that lack one are left out.
    seed
        Of the resampling of subjects.

    Raises
    ------
    ValueError
        If the two differ in shape or are not one-dimensional.
    """
    from scipy import stats

    a, b = complete(first, second)
    d = a - b
    if d.size == 0:
        return PairedDifference(Interval(np.nan), np.nan, np.nan, np.nan, 0)
    (difference,) = bootstrap(lambda d: d.mean(axis=1), (d,), seed=seed)
    if d.size == 1:
        return PairedDifference(difference, np.nan, np.nan, np.nan, 1)
    if not d.any():
        return PairedDifference(difference, 0.0, 1.0, 1.0, d.size)
    p_t = 0.0
    if np.ptp(d) > 0:
        test: Any = stats.ttest_1samp(d, 0.0)
        p_t = float(test.pvalue)
    ranks: Any = stats.wilcoxon(d)
    return PairedDifference(difference, float(d.std(ddof=1)), p_t, float(ranks.pvalue), d.size)


def holm(p_values: ArrayLike) -> Float[np.ndarray, " tests"]:
    r"""Holm's step-down correction of a family of ``m`` tests.

    In ascending order, :math:`\tilde p_{(i)} = \max_{j \le i} \min(1, (m - j + 1)\, p_{(j)})`.

    Parameters
    ----------
    p_values
        Shape ``(tests,)``. A test without a p value (NaN) is none of the family and stays NaN.

    References
    ----------
    Holm, Scandinavian Journal of Statistics 1979, 6:65-70.
    """
    p = np.asarray(p_values, np.float64)
    corrected = np.full(p.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    factors = np.arange(order.size, 0, -1)
    corrected[order] = np.maximum.accumulate(np.minimum(1.0, factors * p[order]))
    return corrected
