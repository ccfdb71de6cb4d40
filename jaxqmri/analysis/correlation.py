"""Pearson's correlation of what subjects have several of: slices, or thousands of voxels.

Slices and voxels of one subject are alike, so that intervals resample subjects. A resample needs
no more than six sums of each subject, however many voxels there are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from jaxqmri.analysis.resampling import Interval, bootstrap

ROUNDING = 1e-12  # share of a sum of squares that may be left of values that do not differ

Sums = Float[np.ndarray, "subjects 6"]


class Correlation(NamedTuple):
    """Pearson's coefficient over all pairs, with its interval over subjects.

    Attributes
    ----------
    correlation
        NaN where one side does not vary.
    p
        Of a coefficient as large if there were none, two-sided t-test that takes every pair for a
        subject of its own, as papers print it: with several pairs a subject it is far too small.
    n, subjects
        Pairs and subjects that count.
    """

    correlation: Interval
    p: float
    n: int
    subjects: int


class CorrelationDifference(NamedTuple):
    """First coefficient less second, over the same pairs' places.

    Attributes
    ----------
    difference
        Its interval resamples the subjects of both together.
    first, second
        The two coefficients.
    n, subjects
        Places and subjects that have both pairs.
    """

    difference: Interval
    first: Interval
    second: Interval
    n: int
    subjects: int


def clustered_correlation(
    x: ArrayLike, y: ArrayLike, owner: ArrayLike, *, seed: int = 0
) -> Correlation:
    r"""Correlation of all pairs, :math:`r = S_{xy} / \sqrt{S_{xx} S_{yy}}`.

    Parameters
    ----------
    x, y
        Same shape ``(n,)``. Pairs that lack one number are left out.
    owner
        Subject of each pair, any numbers, same shape.
    seed
        Of the resampling of subjects.

    Raises
    ------
    ValueError
        If the three differ in shape or are not one-dimensional.
    """
    columns, index, count = _known((x, y), owner)
    if not count:
        return Correlation(Interval(np.nan), np.nan, 0, 0)
    sums = correlation_sums(columns[0], columns[1], index, count)
    (found,) = bootstrap(lambda drawn: correlation_of(drawn.sum(axis=1)), (sums,), seed=seed)
    return Correlation(found, _p_of_none(found.value, index.size), index.size, count)


def correlation_difference(
    x1: ArrayLike, y1: ArrayLike, x2: ArrayLike, y2: ArrayLike, owner: ArrayLike, *, seed: int = 0
) -> CorrelationDifference:
    """How much better two correlate than two others, in the same places.

    Parameters
    ----------
    x1, y1, x2, y2
        Same shape ``(n,)``. Places that lack one of the four are left out.
    owner
        Subject of each place, any numbers, same shape.
    seed
        Of the resampling of subjects; both coefficients are of the same subjects each time.

    Raises
    ------
    ValueError
        If the five differ in shape or are not one-dimensional.
    """
    columns, index, count = _known((x1, y1, x2, y2), owner)
    if not count:
        none = Interval(np.nan)
        return CorrelationDifference(none, none, none, 0, 0)
    a, b, c, d = columns
    both = correlation_sums(a, b, index, count), correlation_sums(c, d, index, count)

    def measures(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        r1, r2 = (correlation_of(drawn.sum(axis=1)) for drawn in (first, second))
        return np.stack([r1 - r2, r1, r2], axis=-1)

    difference, first, second = bootstrap(measures, both, seed=seed)
    return CorrelationDifference(difference, first, second, index.size, count)


def correlation_sums(x: ArrayLike, y: ArrayLike, owner: Int[np.ndarray, " n"], count: int) -> Sums:
    """What a correlation needs of each subject: ``n, sum x, sum y, sum xx, sum xy, sum yy``.

    The sums are of the distances to the mean of all pairs, which no correlation depends on but
    its rounding does.

    Parameters
    ----------
    x, y
        Finite numbers, shape ``(n,)``.
    owner
        Index of each pair's subject, same shape.
    count
        Number of subjects. One without a pair has zeros.
    """
    dx, dy = (_centred(np.asarray(column, np.float64)) for column in (x, y))
    columns = (np.ones(dx.size), dx, dy, dx * dx, dx * dy, dy * dy)
    return np.stack([np.bincount(owner, column, count) for column in columns], axis=-1)


def correlation_of(sums: Float[np.ndarray, "*samples 6"]) -> Float[np.ndarray, "*samples"]:
    """Coefficient of the pairs that :func:`correlation_sums` were added over; NaN without spread.

    Parameters
    ----------
    sums
        Added over subjects, the six last.
    """
    n, a, b, aa, ab, bb = np.moveaxis(sums, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        across, along, down = aa - a * a / n, ab - a * b / n, bb - b * b / n
        varies = (across > ROUNDING * aa) & (down > ROUNDING * bb)
        found = np.clip(along / np.sqrt(across * down), -1.0, 1.0)
    return np.where(varies, found, np.nan)


def _centred(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return values - values.mean() if values.size else values


def _known(
    columns: tuple[ArrayLike, ...], owner: ArrayLike
) -> tuple[list[Float[np.ndarray, " n"]], Int[np.ndarray, " n"], int]:
    """The complete rows, and their subjects counted from 0."""
    arrays = [np.asarray(column, np.float64) for column in columns]
    whose = np.asarray(owner)
    shapes = {array.shape for array in (*arrays, whose)}
    if len(shapes) > 1 or whose.ndim != 1:
        found = " and ".join(str(array.shape) for array in (*arrays, whose))
        raise ValueError(f"expected one number and one subject for each pair, got shapes {found}")
    complete = np.all([np.isfinite(array) for array in arrays], axis=0)
    names, index = np.unique(whose[complete], return_inverse=True)
    return [array[complete] for array in arrays], index, names.size


def _p_of_none(r: float, n: int) -> float:
    from scipy import special

    if n < 3 or not np.isfinite(r):
        return np.nan
    # the t-test's tail, in the form that keeps its digits where r is near 1
    p = special.betainc(0.5 * (n - 2), 0.5, (1.0 - r) * (1.0 + r))
    return float(np.maximum(p, np.finfo(np.float64).tiny))
