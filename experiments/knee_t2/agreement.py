"""How well two readings of the same visits agree, region by region, with intervals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from jaxqmri import analysis
from jaxqmri.analysis import Interval, resampling

Values = Float[np.ndarray, "p v"]  # subjects and their visits; NaN where there is no number


class Agreement(NamedTuple):
    """One region, a reading against a reference; intervals are over subjects.

    Attributes
    ----------
    spearman, pearson
        Correlations over visits.
    error, error_sd
        Mean absolute difference, and its SD over visits (divided by their number).
    bias
        Mean difference.
    p
        Of such a bias if there were none, by a t test over visits.
    lower, upper
        Limits of agreement.
    rms_cv
        Root mean square of the differences over the reference's mean, %: the paper's.
    cv
        Root mean square over visits of the coefficient of variation of the two readings, %.
    n
        Visits with both.
    """

    spearman: Interval
    pearson: Interval
    error: Interval
    error_sd: float
    bias: Interval
    p: float
    lower: Interval
    upper: Interval
    rms_cv: Interval
    cv: Interval
    n: int


def agreement(reference: Values, other: Values, *, seed: int = 0) -> Agreement:
    r"""Agreement of two readings, ``d = other - reference``.

    .. math::
        CV_{paper} = 100 \sqrt{\overline{d^2}} / \overline{y}, \qquad
        CV = 100 \sqrt{\overline{(d^2 / 2) / m^2}}, \quad m = (y + p) / 2 .

    Parameters
    ----------
    reference, other
        Numbers of each subject's visits.
    seed
        Of the resampling of subjects.

    References
    ----------
    Glüer et al., Osteoporosis International 1995, doi:10.1007/BF01774016.
    """
    y, p = np.asarray(reference, np.float64), np.asarray(other, np.float64)
    both = np.isfinite(y) & np.isfinite(p)
    y, p = np.where(both, y, np.nan), np.where(both, p, np.nan)
    kept = both.any(axis=1)
    y, p = y[kept], p[kept]
    if not kept.any():
        none = Interval(np.nan)
        return Agreement(none, none, none, np.nan, none, np.nan, none, none, none, none, 0)
    found = resampling.bootstrap(_measures, (y, p), seed=seed)
    spearman, pearson, error, bias, lower, upper, rms_cv, cv = found
    d = (p - y)[np.isfinite(p - y)]
    test = analysis.bland_altman(np.zeros_like(d), d, ddof=0, seed=seed)
    return Agreement(
        spearman, pearson, error, float(np.abs(d).std()), bias, test.p, lower, upper, rms_cv, cv,
        d.size,
    )  # fmt: skip


def _measures(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """All measures of ``(samples, subjects, visits)``."""
    y, p = y.reshape(len(y), -1), p.reshape(len(p), -1)
    d = p - y
    mean = np.nanmean(d, axis=1)
    sd = np.nanstd(d, axis=1)
    square = np.nanmean(d**2, axis=1)
    middle = 0.5 * (y + p)
    return np.stack(
        [
            _correlation(_ranks(y), _ranks(p)),
            _correlation(y, p),
            np.nanmean(np.abs(d), axis=1),
            mean,
            mean - 1.96 * sd,
            mean + 1.96 * sd,
            100.0 * np.sqrt(square) / np.abs(np.nanmean(y, axis=1)),
            100.0 * np.sqrt(np.nanmean(d**2 / 2.0 / middle**2, axis=1)),
        ],
        axis=-1,
    )


def _ranks(values: np.ndarray) -> np.ndarray:
    # without gaps all samples are ranked at once
    return rankdata(values, axis=1, nan_policy="omit" if np.isnan(values).any() else "propagate")


def _correlation(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    y, p = y - np.nanmean(y, axis=1, keepdims=True), p - np.nanmean(p, axis=1, keepdims=True)
    spread = np.nanmean(y**2, axis=1) * np.nanmean(p**2, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(spread > 0, np.nanmean(y * p, axis=1) / np.sqrt(spread), np.nan)
