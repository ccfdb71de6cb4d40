"""Whether an uncertainty is largest where the errors are: removing pixels by it, and ranks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from jaxqmri.analysis.pixels import Pixels
from jaxqmri.analysis.resampling import Interval, bootstrap, mean, ratio

STEP = 0.05
HALF = 0.5


class Sparsification(NamedTuple):
    """Relative error of the pixels that are left when the most uncertain ones are removed.

    Attributes
    ----------
    removed
        Share of the pixels that is removed, shape ``(steps,)``, from 0.
    error
        Mean over slices of the relative error of the rest, in percent.
    low, high
        Its 95 % interval over subjects, the order of removal held as it is.
    oracle
        The same when the pixels with the largest relative error go first.
    random
        Expected when pixels go at random: the error of all pixels, whatever is removed.
    slices
        Slices that still have pixels, in the curve of the uncertainty.
    ause
        Area between the curve and the oracle, in percent: 0 for a perfect order.
    gain
        Area between random removal and the curve, in percent: positive where the order is better
        than none.
    excess
        Largest error at any step up to half of the pixels, less that of random removal: below
        zero where the order helps at every one of them.
    n
        Subjects.
    """

    removed: Float[np.ndarray, " steps"]
    error: Float[np.ndarray, " steps"]
    low: Float[np.ndarray, " steps"]
    high: Float[np.ndarray, " steps"]
    oracle: Float[np.ndarray, " steps"]
    random: float
    slices: Int[np.ndarray, " steps"]
    ause: Interval
    gain: Interval
    excess: Interval
    n: int


class RankCorrelation(NamedTuple):
    """Spearman's coefficient of uncertainty and absolute error, pixel by pixel.

    Attributes
    ----------
    pooled
        Over the pixels of all subjects, with its interval over subjects, the ranks held as they
        are.
    mean
        Mean of the subjects' own coefficients.
    by_subject
        Those, shape ``(subjects,)``; NaN where the uncertainty or the error does not vary.
    n
        Subjects that have one.
    """

    pooled: Interval
    mean: Interval
    by_subject: Float[np.ndarray, " subjects"]
    n: int


def sparsification(
    pixels: Pixels, step: float = STEP, *, within_slices: bool = False, seed: int = 0
) -> Sparsification:
    """Remove the most uncertain pixels, a step at a time, and look at the error of the rest.

    The pixels of all slices are ranked together, and a slice none of whose pixels are left no
    longer counts in the mean: telling bad slices from good ones lowers the curve only by removing
    whole slices. Ranked within their slices instead, all keep the same share, and what is judged
    is the skill of telling pixels of one slice apart.

    Parameters
    ----------
    pixels
        With their uncertainty. Pixels with the same go in random order.
    step
        Share of all pixels that each step removes; the last step that leaves some is the last.
    within_slices
        Whether pixels are ranked within their slices.
    seed
        Of the order of equals, and of the resampling of subjects.

    Returns
    -------
    Sparsification
        Areas are over the removed share, by the trapezoidal rule. NaN without pixels; areas have no
        interval where what is left at the end is of so few subjects that resamples miss them.

    Raises
    ------
    ValueError
        If there is no uncertainty, a target is not positive, or the step does not lie between 0
        and 1.

    References
    ----------
    Wang et al., Pattern Recognition 2022, doi:10.1016/j.patcog.2021.108498; Huang et al.,
    doi:10.48550/arXiv.2307.02736.
    """
    if not 0.0 < step < 1.0:
        raise ValueError(f"a step removes a share between 0 and 1, got {step}")
    steps = int(np.ceil(1.0 / step - 1e-9))
    removed = step * np.arange(steps)
    error = pixels.relative_error
    if error.size == 0:
        none = np.full(steps, np.nan)
        nothing = np.zeros(steps, np.int64)
        area = Interval(np.nan)
        return Sparsification(removed, none, none, none, none, np.nan, nothing, area, area, area, 0)
    groups = pixels.slices if within_slices else np.zeros_like(pixels.slices)
    sums, counts = _left(pixels, error, _places(pixels.stated(), groups, seed), step, steps)
    best_sums, best_counts = _left(pixels, error, _places(error, groups, seed), step, steps)
    some = counts[:, 0] > 0
    curves = ratio(sums, counts, seed=seed)

    def areas(a: np.ndarray, n: np.ndarray, b: np.ndarray, m: np.ndarray) -> np.ndarray:
        curve, oracle = a.sum(axis=1) / n.sum(axis=1), b.sum(axis=1) / m.sum(axis=1)
        differences = np.stack([curve - oracle, curve[:, :1] - curve], axis=-1)
        within = np.asarray(np.trapezoid(differences, removed, axis=1))
        early = (removed > 0) & (removed <= HALF + 1e-9)
        return np.concatenate([within, (-differences[:, early, 1]).max(axis=1)[:, None]], axis=1)

    strata = sums[some], counts[some], best_sums[some], best_counts[some]
    ause, gain, excess = bootstrap(areas, strata, seed=seed)
    value, low, high = np.array(curves).T
    return Sparsification(
        removed,
        value,
        low,
        high,
        best_sums.sum(axis=0) / best_counts.sum(axis=0),
        float(value[0]),
        counts.sum(axis=0).astype(np.int64),
        ause,
        gain,
        excess,
        int(some.sum()),
    )


def rank_correlation(pixels: Pixels, *, seed: int = 0) -> RankCorrelation:
    """Whether errors grow with the uncertainty: 1 for the same order, -1 for the reverse.

    Even a perfect Laplace law stays far below 1: it knows how large an error is on average, not
    this one.

    Parameters
    ----------
    pixels
        With their uncertainty.
    seed
        Of the resampling of subjects.

    Raises
    ------
    ValueError
        If there is no uncertainty.
    """
    from scipy import stats

    u, e, owner = pixels.stated(), pixels.absolute_error, pixels.pixel_subjects
    own = np.full(pixels.subject_count, np.nan)
    if not u.size:
        return RankCorrelation(Interval(np.nan), Interval(np.nan), own, 0)
    order = np.argsort(owner, kind="stable")
    present, starts = np.unique(owner[order], return_index=True)
    for subject, part in zip(present, np.split(order, starts[1:]), strict=True):
        x, y = (_centred(stats.rankdata(values[part])) for values in (u, e))
        own[subject] = _pearson(np.sum(x * y), np.sum(x * x), np.sum(y * y))
    x, y = (_centred(stats.rankdata(values)) for values in (u, e))
    moments = [np.ones_like(x), x, y, x * x, y * y, x * y]
    sums = np.stack([np.bincount(owner, m, pixels.subject_count) for m in moments], axis=-1)

    def pooled(sums: np.ndarray) -> np.ndarray:
        n, sx, sy, sxx, syy, sxy = np.moveaxis(sums.sum(axis=1), -1, 0)
        return _pearson(sxy - sx * sy / n, sxx - sx * sx / n, syy - sy * sy / n)

    (together,) = bootstrap(pooled, (sums[sums[:, 0] > 0],), seed=seed)
    return RankCorrelation(together, mean(own, seed=seed), own, int(np.isfinite(own).sum()))


def _places(values: np.ndarray, groups: np.ndarray, seed: int) -> Float[np.ndarray, " pixels"]:
    """Share of its group that goes before each pixel when the largest value goes first."""
    shuffled = np.random.default_rng(seed).permutation(values.size)
    order = shuffled[np.lexsort((-values[shuffled], groups[shuffled]))]
    sizes = np.bincount(groups)
    starts = np.cumsum(sizes) - sizes
    places = np.empty(values.size)
    places[order] = (np.arange(values.size) - starts[groups[order]]) / sizes[groups[order]]
    return places


def _left(
    pixels: Pixels, error: np.ndarray, places: np.ndarray, step: float, steps: int
) -> tuple[Float[np.ndarray, "subjects steps"], Float[np.ndarray, "subjects steps"]]:
    """Sums over each subject's slices of the mean error that is left, and how many have pixels."""
    last = np.minimum(np.floor(places / step + 1e-9).astype(np.int64), steps - 1)
    slices = pixels.subjects.size
    cell, shape = pixels.slices * steps + last, (slices, steps)

    def after(weights: np.ndarray | None) -> np.ndarray:
        gone = np.bincount(cell, weights, slices * steps).reshape(shape)
        return np.cumsum(gone[:, ::-1], axis=1)[:, ::-1]

    sums, counts = after(error), after(None)
    means = np.divide(sums, counts, out=np.zeros(shape), where=counts > 0)
    both = np.zeros((2, pixels.subject_count, steps))
    np.add.at(both[0], pixels.subjects, means)
    np.add.at(both[1], pixels.subjects, counts > 0)
    return both[0], both[1]


def _centred(ranks: np.ndarray) -> np.ndarray:
    return ranks - (ranks.size + 1) / 2


def _pearson(xy: ArrayLike, xx: ArrayLike, yy: ArrayLike) -> np.ndarray:
    both = np.sqrt(np.multiply(xx, yy))
    return np.divide(xy, both, out=np.full(np.shape(both), np.nan), where=both > 0)
