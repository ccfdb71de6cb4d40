"""Whether an uncertainty is as large as the errors are: reliability, and one number for it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from jaxqmri.analysis.laws import DEVIATION, MEAN_ERROR, Law
from jaxqmri.analysis.pixels import Pixels, SliceMeans, one_for_each_subject, slice_means
from jaxqmri.analysis.resampling import Interval, bootstrap, ratio

BINS = 7


class ReliabilityDiagram(NamedTuple):
    """Mean error over mean uncertainty in bins of the uncertainty.

    Attributes
    ----------
    edges
        Of the bins, shape ``(bins + 1,)``.
    uncertainty, error
        Means in each bin, shape ``(bins,)``; NaN in an empty one.
    low, high
        95 % interval over subjects of the mean error. NaN where there is none.
    counts
        Items in each bin.
    calibration_error
        The mean distance between the two, weighted by the counts.
    """

    edges: Float[np.ndarray, " edges"]
    uncertainty: Float[np.ndarray, " bins"]
    error: Float[np.ndarray, " bins"]
    low: Float[np.ndarray, " bins"]
    high: Float[np.ndarray, " bins"]
    counts: Int[np.ndarray, " bins"]
    calibration_error: Interval


class CalibrationError(NamedTuple):
    """Uncertainty calibration error of slices, in the map's unit, in three readings.

    Attributes
    ----------
    deviation
        The law's standard deviation against the mean absolute error. A perfect Laplace law does
        not score zero, for its standard deviation is 1.41 times its mean absolute error.
    of_means
        The law's standard deviation against the absolute difference of the two slice means, in
        which errors of either sign cancel.
    expected
        The law's mean absolute error against the one found. This one is zero for a perfect law.
    slices
        That have pixels.
    """

    deviation: Interval
    of_means: Interval
    expected: Interval
    slices: int


def reliability_diagram(
    uncertainty: ArrayLike,
    error: ArrayLike,
    subjects: ArrayLike,
    bins: int = BINS,
    *,
    seed: int = 0,
) -> ReliabilityDiagram:
    r"""Mean error and mean uncertainty in bins of equal width, and the calibration error.

    With the :math:`|B_m|` items of bin ``m`` out of ``N``,

    .. math::
        UCE = \sum_m \frac{|B_m|}{N}
            \Big| \frac{1}{|B_m|} \sum_{i \in B_m} e_i - \frac{1}{|B_m|} \sum_{i \in B_m} u_i \Big|.

    Parameters
    ----------
    uncertainty, error
        Of each item, such as a slice, in one unit, shape ``(items,)``.
    subjects
        Index of each item's subject.
    bins
        Between the smallest and the largest uncertainty, which belong to the first and the last.
    seed
        Of the resampling of subjects, in which the edges stay.

    Returns
    -------
    ReliabilityDiagram
        The interval of the calibration error reaches as far to both sides as resampling moves the
        bins, in the same weighted mean of distances; by the triangle inequality the
        error without chance lies within. If it reaches zero, subjects as many as these cannot tell
        the uncertainty from one that is right in every bin.

    Raises
    ------
    ValueError
        If shapes differ, a value is not finite, or there is no bin.

    References
    ----------
    Laves et al., doi:10.48550/arXiv.2006.11584; Huang et al., doi:10.48550/arXiv.2307.02736,
    equations 8 to 10.
    """
    u, e = np.asarray(uncertainty, np.float64), np.asarray(error, np.float64)
    owner = np.asarray(subjects)
    if u.ndim != 1 or not u.shape == e.shape == owner.shape:
        raise ValueError(
            "expected one uncertainty, error and subject for each item, "
            f"got shapes {u.shape}, {e.shape} and {owner.shape}"
        )
    if not (np.isfinite(u).all() and np.isfinite(e).all()):
        raise ValueError("an uncertainty or an error is not finite: leave such items out")
    if bins < 1:
        raise ValueError(f"expected at least one bin, got {bins}")
    if u.size == 0:
        empty = np.full(bins, np.nan)
        nothing = np.zeros(bins, np.int64)
        edges = np.full(bins + 1, np.nan)
        return ReliabilityDiagram(edges, empty, empty, empty, empty, nothing, Interval(np.nan))
    edges = np.linspace(u.min(), u.max(), bins + 1)
    position = np.clip(np.searchsorted(edges, u, "left") - 1, 0, bins - 1)
    _, owner = np.unique(owner, return_inverse=True)
    people = int(owner.max()) + 1
    cell = owner * bins + position

    def sums(weights: np.ndarray) -> np.ndarray:
        return np.bincount(cell, weights, people * bins).reshape(people, bins)

    counted, errors, stated = sums(np.ones_like(u)), sums(e), sums(u)
    shown = ratio(errors, counted, seed=seed)
    value, low, high = np.array(shown).T
    counts = counted.sum(axis=0).astype(np.int64)
    centres = np.divide(stated.sum(axis=0), counts, out=np.full(bins, np.nan), where=counts > 0)
    distance = float(np.nansum(counts * np.abs(value - centres)) / u.size)
    scatter = errors - stated - counted * np.nan_to_num(value - centres)
    (moved,) = bootstrap(_distance, (scatter, counted.sum(axis=1)), seed=seed)
    low_end = float(np.maximum(0.0, distance - moved.high))
    within = Interval(distance, low_end, distance + moved.high)
    return ReliabilityDiagram(edges, centres, value, low, high, counts, within)


def calibration_error(
    pixels: Pixels, law: Law = "laplace", bins: int = BINS, *, seed: int = 0
) -> CalibrationError:
    """How far the uncertainty of slices is from their error, in bins of the uncertainty.

    A small number proves little: a constant of the right size has one too. It stands beside
    :func:`constant_calibration_error` and the likelihood.

    Parameters
    ----------
    pixels
        With their uncertainty; the means over each slice are compared.
    law
        What the uncertainty is of.
    bins
        Of equal width.
    seed
        Of the resampling of subjects.

    Raises
    ------
    ValueError
        If there is no uncertainty.
    """
    slices = slice_means(pixels)
    deviation, expected = DEVIATION[law] * slices.uncertainty, MEAN_ERROR[law] * slices.uncertainty
    return _three_readings(slices, (deviation, deviation, expected), bins, seed)


def constant_calibration_error(
    pixels: Pixels, folds: ArrayLike, bins: int = BINS, *, seed: int = 0
) -> CalibrationError:
    """The same of constants that were chosen on other subjects.

    Each reading has its own constant: for the slices of a fold, the mean over the slices of all
    other folds of the error that this reading looks at.

    Parameters
    ----------
    pixels
        Of all folds, each with the prediction of a model that had not seen its subject. An
        uncertainty is not needed.
    folds
        Fold of each subject, shape ``(subjects,)``.
    bins, seed
        As in :func:`calibration_error`.

    Raises
    ------
    ValueError
        If there is not a fold for each subject, or only one fold.
    """
    slices = slice_means(pixels._replace(uncertainty=np.zeros_like(pixels.target)))
    fold = _folds(pixels, folds)[slices.subjects]
    error, difference = (
        _of_others(values, fold) for values in (slices.absolute_error, slices.difference)
    )
    return _three_readings(slices, (error, difference, error), bins, seed)


def held_out_constant(pixels: Pixels, folds: ArrayLike) -> Float[np.ndarray, " pixels"]:
    """A constant uncertainty for the pixels of each fold, chosen on the other folds.

    The scale that makes the errors of the other folds most probable under Laplace's law: the mean
    over their subjects of the mean absolute error. Every pixel of a fold has the same, so that it
    can stand in for any uncertainty:
    ``pixels._replace(uncertainty=held_out_constant(pixels, folds))``.

    Parameters
    ----------
    pixels
        Of all folds. An uncertainty is not needed.
    folds
        Fold of each subject, shape ``(subjects,)``.

    Raises
    ------
    ValueError
        If there is not a fold for each subject, or only one fold.
    """
    error = pixels.by_subject(pixels.absolute_error)
    return _of_others(error, _folds(pixels, folds))[pixels.pixel_subjects]


def _three_readings(
    slices: SliceMeans, stated: tuple[np.ndarray, np.ndarray, np.ndarray], bins: int, seed: int
) -> CalibrationError:
    errors = slices.absolute_error, slices.difference, slices.absolute_error
    deviation, of_means, expected = (
        reliability_diagram(u, e, slices.subjects, bins, seed=seed).calibration_error
        for u, e in zip(stated, errors, strict=True)
    )
    return CalibrationError(deviation, of_means, expected, slices.subjects.size)


def _distance(gaps: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Of ``(samples, subjects, bins)`` and ``(samples, subjects)``."""
    return np.abs(gaps.sum(axis=1)).sum(axis=1) / counts.sum(axis=1)


def _folds(pixels: Pixels, folds: ArrayLike) -> np.ndarray:
    fold = one_for_each_subject(pixels, folds, "folds")
    if np.unique(fold).size < 2:
        raise ValueError("a constant is chosen on the other folds, and there is only one fold")
    return fold


def _of_others(values: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Mean of the values outside each one's fold, for each of them."""
    found = np.full(values.shape, np.nan)
    for own in np.unique(fold):
        others = values[(fold != own) & np.isfinite(values)]
        found[fold == own] = others.mean() if others.size else np.nan
    return found
