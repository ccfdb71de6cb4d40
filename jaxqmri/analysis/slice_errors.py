"""Errors of a map slice by slice, and their mean over slices with an interval over subjects."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from jaxqmri.analysis.pixels import group_means
from jaxqmri.analysis.resampling import Interval, ratio

Slices = Float[np.ndarray, " slices"]


class SliceErrors(NamedTuple):
    """Errors of every slice's region, NaN in one without voxels.

    Attributes
    ----------
    l1
        ``mean(|e|)``, in the map's unit.
    l2
        ``||e||_2 / N``, in the map's unit. Of ``N`` voxels it is the root mean square over
        ``sqrt(N)``: larger regions have smaller ones.
    rmse
        ``||e||_2 / sqrt(N)``, in the map's unit.
    normalised_l1, normalised_l2, normalised_rmse
        In percent of the reference's mean over the same voxels.
    voxels
        ``N``.
    """

    l1: Slices
    l2: Slices
    rmse: Slices
    normalised_l1: Slices
    normalised_l2: Slices
    normalised_rmse: Slices
    voxels: Int[np.ndarray, " slices"]


class OverSlices(NamedTuple):
    """A measure over the slices that have it.

    Attributes
    ----------
    mean
        Over slices; its interval is over their subjects.
    sd
        Standard deviation (``n - 1``) over slices.
    n, subjects
        Slices, and subjects that they are of.
    """

    mean: Interval
    sd: float
    n: int
    subjects: int


def slice_errors(
    reference: Float[np.ndarray, "slices h w"],
    prediction: Float[np.ndarray, "slices h w"],
    mask: Bool[np.ndarray, "slices h w"],
) -> SliceErrors:
    """Errors ``e = prediction - reference`` of every slice.

    Parameters
    ----------
    reference, prediction
        In the same unit. Voxels that lack either are left out.
    mask
        The region.

    References
    ----------
    Table 2 of Lu et al., Journal of Imaging Informatics in Medicine 2024,
    doi:10.1007/s10278-024-01089-8, which does not define its L2: only ``||e||_2 / N`` gives
    numbers of its size.
    """
    known = mask & np.isfinite(reference) & np.isfinite(prediction)
    of_slice = np.nonzero(known)[0]
    y = np.asarray(reference, np.float64)[known]
    e = np.asarray(prediction, np.float64)[known] - y
    count = len(known)
    voxels = np.bincount(of_slice, minlength=count)
    l1 = group_means(np.abs(e), of_slice, count)
    rmse = np.sqrt(group_means(e**2, of_slice, count))
    with np.errstate(divide="ignore", invalid="ignore"):
        l2 = rmse / np.sqrt(voxels)
        percent = 100.0 / group_means(y, of_slice, count)
        return SliceErrors(l1, l2, rmse, percent * l1, percent * l2, percent * rmse, voxels)


def over_slices(
    values: ArrayLike, owner: Int[np.ndarray, " slices"], *, seed: int = 0
) -> OverSlices:
    """Mean and standard deviation over slices, and the mean's interval over subjects.

    Parameters
    ----------
    values
        One number a slice; slices with NaN are left out.
    owner
        Index of each slice's subject.
    seed
        Of the resampling of subjects, each with all its slices.

    Raises
    ------
    ValueError
        If the two differ in shape or are not one-dimensional.
    """
    v = np.asarray(values, np.float64)
    if v.ndim != 1 or v.shape != owner.shape:
        raise ValueError(f"expected one number and one subject a slice: {v.shape}, {owner.shape}")
    known = np.isfinite(v)
    v, owner = v[known], owner[known]
    counts = np.bincount(owner)
    (mean,) = ratio(np.bincount(owner, v), counts, seed=seed) if v.size else [Interval(np.nan)]
    sd = float(np.std(v, ddof=1)) if v.size > 1 else np.nan
    return OverSlices(mean, sd, v.size, int(np.sum(counts > 0)))
