"""Reliability of raters: intraclass correlation of measurements, kappa of classes."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from jaxqmri.analysis.classification import owners_of
from jaxqmri.analysis.resampling import Estimate, Interval, bootstrap, bootstrap_cases

Ratings = Float[np.ndarray, "*samples subjects raters"]
Weighting = Literal["none", "linear"]
TAIL = 0.975  # quantile of the F distribution that bounds a 95 % interval


class Reliability(NamedTuple):
    """Intraclass correlation coefficients.

    Attributes
    ----------
    single
        ICC(2,1): absolute agreement of single measurements, raters as a sample of raters.
    average
        ICC(2,k): absolute agreement of the mean of the ``k`` raters.
    consistency
        ICC(3,1): consistency of single measurements by these raters; a constant difference
        between them does not count.
    average_consistency
        ICC(3,k): consistency of the mean of these ``k`` raters.
    one_way
        ICC(1,1): of single measurements whose raters are others for each subject.
    n, raters
        Subjects that all raters measured, and ``k``.
    """

    single: Interval
    average: Interval
    consistency: Interval
    average_consistency: Interval
    one_way: Interval
    n: int
    raters: int


class MeanSquares(NamedTuple):
    """Mean squares of an analysis of variance of ``(subjects, raters)``; NaN for one subject.

    Attributes
    ----------
    subjects, raters, rest
        Of the two-way analysis.
    within
        Within subjects, of the one-way analysis.
    """

    subjects: Float[np.ndarray, "*samples"]
    raters: Float[np.ndarray, "*samples"]
    rest: Float[np.ndarray, "*samples"]
    within: Float[np.ndarray, "*samples"]


def intraclass_correlation(ratings: ArrayLike, *, seed: int = 0) -> Reliability:
    r"""Intraclass correlation of two or more measurements of each subject.

    With the mean squares of an analysis of variance between ``n`` subjects, :math:`M_R`, between
    ``k`` raters, :math:`M_C`, of the rest, :math:`M_E`, and within subjects, :math:`M_W`,

    .. math::
        ICC(1,1) = \frac{M_R - M_W}{M_R + (k-1) M_W}, \quad
        ICC(2,1) = \frac{M_R - M_E}{M_R + (k-1) M_E + k (M_C - M_E) / n}, \quad
        ICC(2,k) = \frac{M_R - M_E}{M_R + (M_C - M_E) / n}, \\
        ICC(3,1) = \frac{M_R - M_E}{M_R + (k-1) M_E}, \quad
        ICC(3,k) = \frac{M_R - M_E}{M_R} .

    Parameters
    ----------
    ratings
        Shape ``(subjects, raters)``. Subjects that a rater did not measure are left out.
    seed
        Of the resampling of subjects.

    Raises
    ------
    ValueError
        If there are fewer than two raters.

    References
    ----------
    Shrout and Fleiss, Psychological Bulletin 1979, doi:10.1037/0033-2909.86.2.420.
    """
    values = _complete(ratings)
    n, k = values.shape
    if n == 0:
        none = Interval(np.nan)
        return Reliability(none, none, none, none, none, 0, k)
    found = bootstrap(_coefficients, (values,), seed=seed)
    single, average, consistency, average_consistency, one_way = found
    return Reliability(single, average, consistency, average_consistency, one_way, n, k)


def agreement_interval(ratings: ArrayLike) -> tuple[Interval, Interval]:
    r"""ICC(2,1) and ICC(2,k) with 95 % intervals from the F distribution.

    For subjects, raters and errors that are independent and normal. With
    :math:`a = k \rho / (n (1 - \rho))`, :math:`b = 1 + (n - 1) a` and Satterthwaite's degrees of
    freedom

    .. math:: \nu = \frac{(a M_C + b M_E)^2}
        {(a M_C)^2 / (k - 1) + (b M_E)^2 / ((n - 1) (k - 1))},

    the 97.5 % quantiles :math:`F^* = F_{n-1, \nu}` and :math:`F_* = F_{\nu, n-1}` give the limits
    of ICC(2,1),

    .. math::
        \frac{n (M_R - F^* M_E)}{F^* (k M_C + (kn - k - n) M_E) + n M_R}, \quad
        \frac{n (F_* M_R - M_E)}{k M_C + (kn - k - n) M_E + n F_* M_R},

    and :math:`k \rho / (1 + (k - 1) \rho)` of them those of ICC(2,k).

    Parameters
    ----------
    ratings
        Shape ``(subjects, raters)``. Subjects that a rater did not measure are left out.

    Returns
    -------
    single, average
        Without an interval below two subjects, or where raters agree in everything.

    Raises
    ------
    ValueError
        If there are fewer than two raters.

    References
    ----------
    McGraw and Wong, Psychological Methods 1996, doi:10.1037/1082-989X.1.1.30.
    """
    from scipy import stats

    values = _complete(ratings)
    n, k = values.shape
    if n < 2:
        return Interval(np.nan), Interval(np.nan)
    squares = mean_squares(values)
    m_r, m_c, m_e = (float(square) for square in squares[:3])
    single, average = (float(one) for one in _coefficients(values)[:2])
    if not (m_e > 0 and single < 1):
        return Interval(single), Interval(average)
    a = k * single / (n * (1 - single))
    b = 1 + (n - 1) * a
    freedom = (a * m_c + b * m_e) ** 2 / (
        (a * m_c) ** 2 / (k - 1) + (b * m_e) ** 2 / ((n - 1) * (k - 1))
    )
    upper, lower = stats.f.ppf(TAIL, n - 1, freedom), stats.f.ppf(TAIL, freedom, n - 1)
    between = k * m_c + (k * n - k - n) * m_e
    low = float(n * (m_r - upper * m_e) / (upper * between + n * m_r))
    high = float(n * (lower * m_r - m_e) / (between + n * lower * m_r))
    stepped = [k * limit / (1 + (k - 1) * limit) for limit in (low, high)]
    return Interval(single, low, high), Interval(average, *stepped)


def mean_squares(ratings: Ratings) -> MeanSquares:
    """Mean squares between subjects, between raters, of the rest, and within subjects.

    Parameters
    ----------
    ratings
        Complete, shape ``(..., subjects, raters)``.
    """
    n, k = ratings.shape[-2:]
    subjects, raters = ratings.mean(axis=-1), ratings.mean(axis=-2)
    grand = subjects.mean(axis=-1)[..., None]
    rest = ratings - subjects[..., None] - raters[..., None, :] + grand[..., None]
    freedom = n - 1 or np.nan
    return MeanSquares(
        k * np.sum((subjects - grand) ** 2, axis=-1) / freedom,
        n * np.sum((raters - grand) ** 2, axis=-1) / (k - 1),
        np.sum(rest**2, axis=(-2, -1)) / (freedom * (k - 1)),
        np.sum((ratings - subjects[..., None]) ** 2, axis=(-2, -1)) / (n * (k - 1)),
    )


def cohen_kappa(
    first: ArrayLike,
    second: ArrayLike,
    *,
    weighting: Weighting = "none",
    owner: ArrayLike | None = None,
    seed: int = 0,
) -> Estimate:
    r"""Agreement of two raters on classes beyond what chance would give.

    With the share :math:`p_{ij}` of cases to which the first gave class ``i`` and the second
    ``j``, and with the product of their margins, :math:`e_{ij}`,

    .. math:: \kappa = 1 - \frac{\sum_{ij} w_{ij} p_{ij}}{\sum_{ij} w_{ij} e_{ij}} .

    Parameters
    ----------
    first, second
        Class of each case, whole numbers in their order, shape ``(cases,)``.
    weighting
        ``"none"``: classes agree or do not, :math:`w_{ij} = [i \neq j]`. ``"linear"``: of ordered
        classes, :math:`w_{ij} = |i - j|`, counted in the classes that occur.
    owner
        Patient of each case: the interval then resamples patients. When None it resamples cases.
    seed
        Of the resampling.

    Returns
    -------
    Estimate
        NaN where both gave every case one and the same class.

    Raises
    ------
    ValueError
        If there is no case, or shapes differ or are not one-dimensional.

    References
    ----------
    Cohen, Educational and Psychological Measurement 1960, doi:10.1177/001316446002000104;
    weighted: Psychological Bulletin 1968, doi:10.1037/h0026256.
    """
    a, b = np.asarray(first), np.asarray(second)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"expected two classes of each case, got shapes {a.shape} and {b.shape}")
    whose = owners_of(a.size, owner)
    names, places = np.unique(np.concatenate([a, b]), return_inverse=True)
    rows, columns = places[: a.size], places[a.size :]
    cells = np.eye(names.size**2)[rows * names.size + columns]
    apart = np.abs(np.subtract.outer(np.arange(names.size), np.arange(names.size)))
    weights = apart if weighting == "linear" else np.minimum(apart, 1)

    def kappa(often: Float[np.ndarray, "samples cases"]) -> Float[np.ndarray, " samples"]:
        counts = (often @ cells).reshape(-1, names.size, names.size)
        found = np.einsum("ij,sij->s", weights, counts) * often.sum(axis=1)
        by_chance = np.einsum("ij,si,sj->s", weights, counts.sum(axis=2), counts.sum(axis=1))
        return 1.0 - found / by_chance

    (estimate,) = bootstrap_cases(kappa, whose, seed=seed)
    return estimate


def _coefficients(ratings: Ratings) -> Float[np.ndarray, "*samples 5"]:
    """Coefficients of ``(..., subjects, raters)`` in the order of :class:`Reliability`."""
    n, k = ratings.shape[-2:]
    m_r, m_c, m_e, m_w = mean_squares(ratings)
    signal, disagreement = m_r - m_e, (m_c - m_e) / n
    return np.stack(
        [
            signal / (m_r + (k - 1) * m_e + k * disagreement),
            signal / (m_r + disagreement),
            signal / (m_r + (k - 1) * m_e),
            signal / m_r,
            (m_r - m_w) / (m_r + (k - 1) * m_w),
        ],
        axis=-1,
    )


def _complete(ratings: ArrayLike) -> Float[np.ndarray, "subjects raters"]:
    values = np.asarray(ratings, np.float64)
    if values.ndim != 2 or values.shape[1] < 2:
        raise ValueError(f"expected (subjects, two or more raters), got shape {values.shape}")
    return values[np.all(np.isfinite(values), axis=1)]
