"""How well a measurement repeats within the same subjects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxqmri.analysis.resampling import Interval, bootstrap, complete

COVERAGE = 1.96 * float(np.sqrt(2.0))  # within-subject SDs that enclose 95 % of differences


class Repeatability(NamedTuple):
    """Agreement of repeated measurements.

    Attributes
    ----------
    subjects
        Subjects with at least two measurements; the others tell nothing and are left out.
    measurements
        Of these subjects.
    mean
        Mean over subjects of their means.
    within_sd
        Within-subject standard deviation.
    cv
        Within-subject coefficient of variation, root mean square over subjects, in percent.
    coefficient
        Repeatability coefficient: 95 % of the differences between two measurements of one subject
        are expected below it.
    """

    subjects: int
    measurements: int
    mean: float
    within_sd: float
    cv: float
    coefficient: float


class PairRepeatability(NamedTuple):
    """Agreement of a test and a retest, each number with its interval over subjects.

    Attributes
    ----------
    within_sd
        Within-subject standard deviation.
    cv
        Within-subject coefficient of variation, root mean square over subjects, in percent.
    coefficient
        Repeatability coefficient.
    change
        Mean of retest less test: what drifted, which the others count as variation.
    n
        Subjects that have both.
    """

    within_sd: Interval
    cv: Interval
    coefficient: Interval
    change: Interval
    n: int


def repeatability(measurements: Sequence[Sequence[float]]) -> Repeatability:
    r"""Within-subject variation of repeated measurements ``x[i][j]`` of subjects ``i``.

    With each subject's mean :math:`m_i`, variance :math:`s_i^2` and degrees of freedom
    :math:`f_i = n_i - 1`,

    .. math::
        s_w = \sqrt{\frac{\sum_i f_i s_i^2}{\sum_i f_i}}, \qquad
        CV = 100 \sqrt{\frac{\sum_i f_i (s_i / m_i)^2}{\sum_i f_i}}, \qquad
        RC = 1.96 \sqrt{2}\, s_w .

    Parameters
    ----------
    measurements
        For each subject its measurements, in one unit. Values that are not finite are left out.

    Returns
    -------
    Repeatability
        NaN in every number if no subject was measured twice.

    References
    ----------
    Within-subject SD and repeatability coefficient: Bland and Altman, Statistical Methods in
    Medical Research 1999, doi:10.1177/096228029900800204. Root-mean-square coefficient of
    variation: Glüer et al., Osteoporosis International 1995, doi:10.1007/BF01774016.
    """
    finite = [np.asarray(values, np.float64) for values in measurements]
    finite = [values[np.isfinite(values)] for values in finite]
    repeated = [values for values in finite if values.size > 1]
    if not repeated:
        return Repeatability(0, 0, np.nan, np.nan, np.nan, np.nan)
    freedom = np.array([values.size - 1 for values in repeated])
    means = np.array([values.mean() for values in repeated])
    variances = np.array([values.var(ddof=1) for values in repeated])
    within = float(np.sqrt(np.average(variances, weights=freedom)))
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.average(variances / means**2, weights=freedom)
    return Repeatability(
        len(repeated),
        sum(values.size for values in repeated),
        float(means.mean()),
        within,
        100.0 * float(np.sqrt(relative)),
        COVERAGE * within,
    )


def pair_repeatability(test: ArrayLike, retest: ArrayLike, *, seed: int = 0) -> PairRepeatability:
    r"""Within-subject variation of two visits, with its interval over subjects.

    As :func:`repeatability`, whose terms for two visits with difference :math:`d_i` are
    :math:`s_i^2 = d_i^2 / 2` and :math:`f_i = 1`.

    Parameters
    ----------
    test, retest
        One number a subject, such as its regional mean, shape ``(subjects,)``. Subjects that lack
        one are left out.
    seed
        Of the resampling of subjects.

    Raises
    ------
    ValueError
        If the two differ in shape or are not one-dimensional.
    """
    first, second = complete(test, retest)
    if first.size == 0:
        none = Interval(np.nan)
        return PairRepeatability(none, none, none, none, 0)

    def measures(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        d = b - a
        within = np.sqrt(np.mean(d**2 / 2, axis=1))
        cv = 100.0 * np.sqrt(np.mean((d**2 / 2) / ((a + b) / 2) ** 2, axis=1))
        return np.stack([within, cv, COVERAGE * within, d.mean(axis=1)], axis=-1)

    within, cv, coefficient, change = bootstrap(measures, (first, second), seed=seed)
    return PairRepeatability(within, cv, coefficient, change, first.size)
