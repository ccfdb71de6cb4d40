"""Errors of a map against a reference: voxel by voxel, and of the regional mean.

The measures are those of Zhong et al., Magnetic Resonance in Medicine 2025,
doi:10.1002/mrm.70022, equations 3 to 8. Each is computed for one subject, over the voxels of one
region, and then summarised over subjects. ``y`` is the reference, ``p`` the prediction, ``mean``
runs over the region's voxels.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

Voxels = Float[np.ndarray, " n"]
RelativeTo = Literal["reference", "prediction"]

RESAMPLES = 10_000
INTERVAL = (2.5, 97.5)  # percentiles that enclose 95 %


class SubjectErrors(NamedTuple):
    """Every measure of one subject and region.

    Attributes
    ----------
    bias, mae, re
        In the map's unit.
    mape, rpe
        In percent of the reference.
    mape_of_prediction, rpe_of_prediction
        In percent of the prediction.
    mean_reference, mean_prediction
        Regional means, in the map's unit.
    """

    bias: float
    mae: float
    mape: float
    mape_of_prediction: float
    re: float
    rpe: float
    rpe_of_prediction: float
    mean_reference: float
    mean_prediction: float


class Summary(NamedTuple):
    """A measure over subjects.

    Attributes
    ----------
    mean, sd
        Mean and sample standard deviation (``n - 1``) over subjects. NaN without subjects, and
        the standard deviation also for one.
    low, high
        95 % percentile bootstrap interval of the mean over subjects. NaN below two subjects.
    n
        Number of subjects that have the measure.
    """

    mean: float
    sd: float
    low: float
    high: float
    n: int


def bias(reference: ArrayLike, prediction: ArrayLike) -> float:
    """``mean(p) - mean(y)``, in the map's unit; NaN for a region without voxels.

    Raises
    ------
    ValueError
        If the two differ in shape.
    """
    y, p = _voxels(reference, prediction)
    return float(np.mean(p) - np.mean(y)) if y.size else np.nan


def mean_absolute_error(reference: ArrayLike, prediction: ArrayLike) -> float:
    """``mean(|y - p|)``, in the map's unit; NaN for a region without voxels.

    Raises
    ------
    ValueError
        If the two differ in shape.
    """
    y, p = _voxels(reference, prediction)
    return float(np.mean(np.abs(y - p))) if y.size else np.nan


def mean_absolute_percentage_error(
    reference: ArrayLike, prediction: ArrayLike, relative_to: RelativeTo = "reference"
) -> float:
    """``100 mean(|y - p| / |y|)``, or over ``|p|``, in percent; NaN without voxels.

    Relative to the prediction, an estimate far above the reference cannot err by more than
    100 %: the two forms differ most where a method is most wrong.

    Raises
    ------
    ValueError
        If the two differ in shape.
    """
    y, p = _voxels(reference, prediction)
    if not y.size:
        return np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(100.0 * np.mean(np.abs(y - p) / np.abs(_chosen(y, p, relative_to))))


def regional_error(reference: ArrayLike, prediction: ArrayLike) -> float:
    """``|mean(y) - mean(p)|``, in the map's unit; NaN for a region without voxels.

    Raises
    ------
    ValueError
        If the two differ in shape.
    """
    return abs(bias(reference, prediction))


def regional_percentage_error(
    reference: ArrayLike, prediction: ArrayLike, relative_to: RelativeTo = "reference"
) -> float:
    """``100 |mean(y) - mean(p)| / |mean(y)|``, or over ``|mean(p)|``, in percent.

    NaN for a region without voxels.

    Raises
    ------
    ValueError
        If the two differ in shape.
    """
    y, p = _voxels(reference, prediction)
    if not y.size:
        return np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.mean(_chosen(y, p, relative_to))
        return float(100.0 * abs(np.mean(y) - np.mean(p)) / np.abs(mean))


def subject_errors(reference: ArrayLike, prediction: ArrayLike) -> SubjectErrors:
    """Every measure of one subject's region.

    Parameters
    ----------
    reference, prediction
        The region's voxels in the same order, shape ``(n,)``. A voxel that one of them does not
        have must be left out of both beforehand, and counted: a NaN here makes every measure NaN.

    Raises
    ------
    ValueError
        If the two differ in shape.
    """
    y, p = _voxels(reference, prediction)
    return SubjectErrors(
        bias=bias(y, p),
        mae=mean_absolute_error(y, p),
        mape=mean_absolute_percentage_error(y, p),
        mape_of_prediction=mean_absolute_percentage_error(y, p, "prediction"),
        re=regional_error(y, p),
        rpe=regional_percentage_error(y, p),
        rpe_of_prediction=regional_percentage_error(y, p, "prediction"),
        mean_reference=float(np.mean(y)) if y.size else np.nan,
        mean_prediction=float(np.mean(p)) if y.size else np.nan,
    )


def summarise(values: ArrayLike, *, relative_to: ArrayLike | None = None, seed: int = 0) -> Summary:
    """Mean, standard deviation and bootstrap interval over subjects.

    Parameters
    ----------
    values
        One number a subject, shape ``(subjects,)``. Subjects with NaN do not have the measure
        and are left out; ``n`` says how many have it.
    relative_to
        Shape ``(subjects,)``. When given, the result is in percent of its mean over the same
        subjects, ``100 mean(values) / mean(relative_to)``: the percentage bias of equation 8 with
        the cohort's mean below the line. The interval resamples both together.
    seed
        Of the resampling. The same seed resamples the same subjects, so that rows are comparable.

    Raises
    ------
    ValueError
        If the two differ in shape or are not one-dimensional.
    """
    v = np.asarray(values, np.float64)
    base = None if relative_to is None else np.asarray(relative_to, np.float64)
    if v.ndim != 1 or (base is not None and base.shape != v.shape):
        other = "" if base is None else f" and {base.shape}"
        raise ValueError(f"expected one number for each subject, got shapes {v.shape}{other}")
    known = np.isfinite(v) if base is None else np.isfinite(v) & np.isfinite(base)
    v, base = v[known], None if base is None else base[known]
    if v.size == 0:
        return Summary(np.nan, np.nan, np.nan, np.nan, 0)
    scale = 1.0 if base is None else 100.0 / np.mean(base)
    mean = float(np.mean(v) * scale)
    if v.size == 1:
        return Summary(mean, np.nan, np.nan, np.nan, 1)
    drawn = np.random.default_rng(seed).integers(0, v.size, size=(RESAMPLES, v.size))
    means = np.mean(v[drawn], axis=1)
    if base is not None:
        means = 100.0 * means / np.mean(base[drawn], axis=1)
    low, high = np.percentile(means, INTERVAL)
    return Summary(mean, float(np.std(v, ddof=1) * abs(scale)), float(low), float(high), v.size)


def _voxels(reference: ArrayLike, prediction: ArrayLike) -> tuple[Voxels, Voxels]:
    y, p = np.asarray(reference, np.float64), np.asarray(prediction, np.float64)
    if y.shape != p.shape:
        raise ValueError(f"reference has shape {y.shape}, prediction {p.shape}")
    return y.ravel(), p.ravel()


def _chosen(reference: Voxels, prediction: Voxels, relative_to: RelativeTo) -> Voxels:
    return reference if relative_to == "reference" else prediction
