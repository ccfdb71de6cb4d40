"""Differences between groups of subjects, and how much of one a method retains."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxqmri.analysis.resampling import Interval, bootstrap, complete


class GroupDifference(NamedTuple):
    """Mean of the subjects in a group less the mean of the others.

    Attributes
    ----------
    difference
        In the unit of the measurement.
    effect
        Cohen's d: the difference over the pooled standard deviation within the groups.
    p
        Welch's t-test; NaN where it is not defined.
    inside, outside
        Subjects in the group, and the others.
    """

    difference: Interval
    effect: Interval
    p: float
    inside: int
    outside: int


class RetainedDifference(NamedTuple):
    """What is left of a difference between groups.

    Attributes
    ----------
    share
        Difference by the method over the difference by the reference: 1 where it is retained
        whole, 0 where the method shows none. The interval is unbounded where that of the
        reference's difference holds zero: a share of what may be nothing can be anything.
    reference, prediction
        The two differences, over the same subjects.
    """

    share: Interval
    reference: GroupDifference
    prediction: GroupDifference


def group_difference(values: ArrayLike, group: ArrayLike, *, seed: int = 0) -> GroupDifference:
    """Difference of a group's mean to the others' mean.

    Parameters
    ----------
    values
        One number a subject, shape ``(subjects,)``. Subjects without a number are left out.
    group
        Whether a subject is in the group, same shape.
    seed
        Of the resampling of subjects, within the group and within the others.

    Returns
    -------
    GroupDifference
        NaN in every number if either side is empty.

    Raises
    ------
    ValueError
        If the two differ in shape or are not one-dimensional.
    """
    from scipy import stats

    v, member = complete(values, np.asarray(group, bool))
    a, b = v[member == 1], v[member == 0]
    if not (a.size and b.size):
        none = Interval(np.nan)
        return GroupDifference(none, none, np.nan, a.size, b.size)
    difference, effect = bootstrap(_difference, (a,), (b,), seed=seed)
    p = np.nan
    if min(a.size, b.size) > 1 and max(np.ptp(a), np.ptp(b)) > 0:
        test: Any = stats.ttest_ind(a, b, equal_var=False)
        p = float(test.pvalue)
    return GroupDifference(difference, effect, p, a.size, b.size)


def retained_difference(
    reference: ArrayLike, prediction: ArrayLike, group: ArrayLike, *, seed: int = 0
) -> RetainedDifference:
    """Share of the reference's difference between groups that a method's predictions show.

    Parameters
    ----------
    reference, prediction
        One number a subject, shape ``(subjects,)``. Subjects that lack one are left out of both.
    group
        Whether a subject is in the group, same shape.
    seed
        Of the resampling of subjects, within the group and within the others.

    Raises
    ------
    ValueError
        If the three differ in shape or are not one-dimensional.
    """
    y, p, member = complete(reference, prediction, np.asarray(group, bool))
    inside = member == 1
    by_reference = group_difference(y, inside, seed=seed)
    by_prediction = group_difference(p, inside, seed=seed)
    if not (inside.any() and (~inside).any()):
        return RetainedDifference(Interval(np.nan), by_reference, by_prediction)

    def share(a_y: np.ndarray, a_p: np.ndarray, b_y: np.ndarray, b_p: np.ndarray) -> np.ndarray:
        return (a_p.mean(axis=1) - b_p.mean(axis=1)) / (a_y.mean(axis=1) - b_y.mean(axis=1))

    strata = (y[inside], p[inside]), (y[~inside], p[~inside])
    (found,) = bootstrap(share, *strata, seed=seed)
    if by_reference.difference.low <= 0 <= by_reference.difference.high:
        found = Interval(found.value, -np.inf, np.inf)
    return RetainedDifference(found, by_reference, by_prediction)


def _difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    difference = a.mean(axis=1) - b.mean(axis=1)
    freedom = a.shape[1] + b.shape[1] - 2
    squares = a.shape[1] * a.var(axis=1) + b.shape[1] * b.var(axis=1)
    pooled = np.sqrt(squares / freedom) if freedom else np.full_like(squares, np.nan)
    return np.stack([difference, difference / pooled], axis=-1)
