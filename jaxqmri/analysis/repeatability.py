"""How well a measurement repeats within the same subjects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


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
        1.96 * float(np.sqrt(2.0)) * within,
    )
