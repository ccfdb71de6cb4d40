"""Bootstrap over subjects: the interval that stands beside a number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxqmri.analysis.errors import INTERVAL, RESAMPLES

LARGEST = 2_000_000  # numbers gathered at a time
UNDEFINED = 0.05  # share of resamples without a value above which there is no interval

Statistic = Callable[..., np.ndarray]


class Interval(NamedTuple):
    """A number with its 95 % percentile bootstrap interval over subjects; NaN where there is none.

    Attributes
    ----------
    value
        Of all subjects.
    low, high
        Ends of the interval.
    """

    value: float
    low: float = math.nan
    high: float = math.nan


class Estimate(NamedTuple):
    """A number with what resampling says of it; NaN where it is not defined.

    Attributes
    ----------
    value
        Of all cases.
    low, high
        Ends of the 95 % percentile bootstrap interval.
    sd
        Standard deviation over the resamples: the number's standard error. Divided by the root of
        their number it says only how far more resamples would move their mean.
    skipped
        Resamples in which the number is not defined, of :data:`jaxqmri.analysis.errors.RESAMPLES`.
        The interval is of the others.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    sd: float = math.nan
    skipped: int = 0


def bootstrap(
    statistic: Statistic, *strata: tuple[np.ndarray, ...], seed: int = 0
) -> list[Interval]:
    """A statistic of all subjects, with its interval.

    Parameters
    ----------
    statistic
        Takes every array of every stratum, with subjects along axis 1 and any number of samples
        along axis 0, and returns ``(samples,)`` or ``(samples, q)``.
    strata
        Arrays with subjects first. Those of one stratum are resampled together; each stratum
        keeps its size.
    seed
        Of the resampling.

    Returns
    -------
    list of Interval
        One for each of the ``q``. A resample in which the statistic is not defined, such as a
        slope through copies of one subject, is left out; where more than 5 % are, and below two
        subjects in a stratum, there is no interval. In small strata percentile intervals are too
        narrow: by about a tenth of their width at twenty subjects, a fifth at ten, compared with
        those of Student's t.
    """
    values, found = _resamples(statistic, strata, seed)
    return [
        Interval(float(value), *_ends(column))
        for value, column in zip(values, found.T, strict=True)
    ]


def bootstrap_cases(statistic: Statistic, owner: ArrayLike, *, seed: int = 0) -> list[Estimate]:
    """A statistic of cases, with its interval over their owners: of discs, over patients.

    Parameters
    ----------
    statistic
        Takes how often each case counts, shape ``(samples, cases)``, and returns ``(samples,)`` or
        ``(samples, q)``. All ones give the value of all cases.
    owner
        Of each case, any values, shape ``(cases,)``. Cases of one owner are drawn together; with
        an owner of its own, each case is drawn alone, which takes for independent what may not be.
    seed
        Of the resampling.

    Returns
    -------
    list of Estimate
        One for each of the ``q``; without an interval below two owners.
    """
    names, index = np.unique(np.asarray(owner), return_inverse=True)

    def of_owners(drawn: np.ndarray) -> np.ndarray:
        samples, count = drawn.shape
        places = drawn + count * np.arange(samples)[:, None]
        often = np.bincount(places.ravel(), minlength=samples * count).reshape(samples, count)
        return statistic(often[:, index].astype(np.float64))

    values, found = _resamples(of_owners, ((np.arange(names.size),),), seed)
    return [_estimate(float(value), column) for value, column in zip(values, found.T, strict=True)]


def mean(values: ArrayLike, *, seed: int = 0) -> Interval:
    """Mean over the subjects that have a number; NaN if none has.

    Parameters
    ----------
    values
        One number a subject, shape ``(subjects,)``.
    seed
        Of the resampling of subjects.

    Raises
    ------
    ValueError
        If they are not one-dimensional.
    """
    (known,) = complete(values)
    if known.size == 0:
        return Interval(math.nan)
    return bootstrap(lambda drawn: drawn.mean(axis=1), (known,), seed=seed)[0]


def ratio(sums: np.ndarray, counts: np.ndarray, *, seed: int = 0) -> list[Interval]:
    """Means of what subjects have several of: their sums over their counts, ``sum / count``.

    Parameters
    ----------
    sums, counts
        Of each subject, shapes ``(subjects,)`` or ``(subjects, q)``. Subjects that count nothing
        are left out.
    seed
        Of the resampling of subjects.

    Returns
    -------
    list of Interval
        One for each of the ``q``; NaN where nothing was counted.
    """
    total, many = (_rows(np.asarray(array, np.float64)) for array in (sums, counts))
    some = many.any(axis=1)
    if not some.any():
        return [Interval(math.nan)] * total.shape[1]
    return bootstrap(
        lambda a, b: a.sum(axis=1) / b.sum(axis=1), (total[some], many[some]), seed=seed
    )


def complete(*columns: ArrayLike) -> list[np.ndarray]:
    """Columns of one number a subject, less the subjects that lack one of them.

    Raises
    ------
    ValueError
        If they differ in shape or are not one-dimensional.
    """
    arrays = [np.asarray(column, np.float64) for column in columns]
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1 or arrays[0].ndim != 1:
        found = " and ".join(str(array.shape) for array in arrays)
        raise ValueError(f"expected one number for each subject, got shapes {found}")
    known = np.all([np.isfinite(array) for array in arrays], axis=0)
    return [array[known] for array in arrays]


def _resamples(
    statistic: Statistic, strata: tuple[tuple[np.ndarray, ...], ...], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Values of all subjects ``(q,)`` and of the resamples ``(resamples, q)``.

    No resamples where a stratum has fewer than two subjects.
    """
    arrays = [array for stratum in strata for array in stratum]
    with np.errstate(divide="ignore", invalid="ignore"):
        values = _rows(statistic(*(array[None] for array in arrays)))[0]
        if min(stratum[0].shape[0] for stratum in strata) < 2:
            return values, np.empty((0, values.size))
        generators = np.random.SeedSequence(seed).spawn(len(strata)) if len(strata) > 1 else [seed]
        drawn = [
            np.random.default_rng(generator).integers(
                0, stratum[0].shape[0], size=(RESAMPLES, stratum[0].shape[0])
            )
            for stratum, generator in zip(strata, generators, strict=True)
        ]
        gathered = RESAMPLES * sum(array.size for array in arrays)
        parts = np.array_split(np.arange(RESAMPLES), math.ceil(gathered / LARGEST))
        found = np.concatenate(
            [
                _rows(
                    statistic(
                        *(
                            array[rows[part]]
                            for stratum, rows in zip(strata, drawn, strict=True)
                            for array in stratum
                        )
                    )
                )
                for part in parts
            ]
        )
    return values, found


def _estimate(value: float, found: np.ndarray) -> Estimate:
    defined = found[np.isfinite(found)]
    if defined.size < 2:
        return Estimate(value, skipped=found.size - defined.size)
    low, high = np.percentile(defined, INTERVAL)
    sd = float(np.std(defined, ddof=1))
    return Estimate(value, float(low), float(high), sd, found.size - defined.size)


def _rows(values: np.ndarray) -> np.ndarray:
    return values[:, None] if values.ndim == 1 else values


def _ends(values: np.ndarray) -> tuple[float, float]:
    defined = values[np.isfinite(values)]
    if not defined.size or defined.size < (1.0 - UNDEFINED) * values.size:
        return math.nan, math.nan
    low, high = np.percentile(defined, INTERVAL)
    return float(low), float(high)
