"""How well scores rank cases of a class before the others: area under the ROC curve."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from jaxqmri.analysis.classification import class_labels, owners_of
from jaxqmri.analysis.resampling import Estimate, bootstrap_cases

Often = Float[np.ndarray, "samples cases"]


class AreaUnderCurve(NamedTuple):
    """Areas under ROC curves, each class against the rest, with intervals.

    Attributes
    ----------
    classes
        In the order of their numbers; NaN for a class without cases, or with all of them.
    macro
        Mean over classes.
    weighted
        Mean over classes weighted by their cases.
    micro
        Of all scores of all classes in one ranking, those of the true classes against the others.
    cases, owners
        How many there are; owners are what was resampled.
    """

    classes: list[Estimate]
    macro: Estimate
    weighted: Estimate
    micro: Estimate
    cases: int
    owners: int


class RocCurve(NamedTuple):
    """Points of a ROC curve, from none called positive to all.

    Attributes
    ----------
    false_positive, true_positive
        Share of the negatives and of the positives that score at least the threshold.
    thresholds
        Falling, the first infinite.
    """

    false_positive: Float[np.ndarray, " points"]
    true_positive: Float[np.ndarray, " points"]
    thresholds: Float[np.ndarray, " points"]


def area_under_curve(
    truth: ArrayLike,
    scores: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
    seed: int = 0,
) -> AreaUnderCurve:
    r"""Area under the ROC curve of each class against the rest, and its averages.

    The share of pairs, one case of the class and one of another, that are ranked right,

    .. math:: A_c = \frac{1}{|P_c| |N_c|} \sum_{i \in P_c} \sum_{j \in N_c}
        \big( [s_{ic} > s_{jc}] + \tfrac12 [s_{ic} = s_{jc}] \big) .

    Parameters
    ----------
    truth
        Class of each case, 0 to ``classes - 1``, shape ``(cases,)``.
    scores
        Such as probabilities, shape ``(cases, classes)``.
    owner
        Patient of each case: intervals then resample patients. When None they resample cases,
        and are too narrow if cases of one patient are alike.
    stratum
        Only pairs within one stratum count: the folds of a cross-validation, whose scores come
        from classifiers of their own. Compared across folds even a constant falls below one half,
        since a class that is rare in a fold is frequent in what its classifier has learnt.
    seed
        Of the resampling. Resamples that lack a class are skipped, and counted.

    Raises
    ------
    ValueError
        If there is no case, shapes differ, a score is not finite, or a label is no class.

    References
    ----------
    Hanley and McNeil, Radiology 1982, doi:10.1148/radiology.143.1.7063747.
    """
    y, s = _checked(truth, scores)
    whose = owners_of(y.size, owner)
    areas = _areas(y, s, _strata(y, stratum))
    *each, macro, weighted, micro = bootstrap_cases(areas, whose, seed=seed)
    return AreaUnderCurve(each, macro, weighted, micro, y.size, np.unique(whose).size)


def area_difference(
    truth: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
    second_stratum: ArrayLike | None = None,
    seed: int = 0,
) -> Estimate:
    """Macro area of one set of scores less that of another, the same cases in every resample.

    Parameters
    ----------
    truth, owner, stratum, seed
        As for :func:`area_under_curve`.
    first, second
        Scores of the same cases, shape ``(cases, classes)``.
    second_stratum
        Of the second scores, where they come from other folds.

    Raises
    ------
    ValueError
        As for :func:`area_under_curve`.
    """
    y, one = _checked(truth, first)
    _, other = _checked(truth, second)
    strata = (stratum, stratum if second_stratum is None else second_stratum)
    areas = [
        _areas(y, scores, _strata(y, own)) for scores, own in zip((one, other), strata, strict=True)
    ]
    macro = one.shape[1]

    def difference(often: Often) -> Float[np.ndarray, " samples"]:
        return areas[0](often)[:, macro] - areas[1](often)[:, macro]

    return bootstrap_cases(difference, owners_of(y.size, owner), seed=seed)[0]


def roc_curve(positive: ArrayLike, scores: ArrayLike) -> RocCurve:
    """ROC curve of one class, a point for each score that occurs.

    The area under the line through the points is that of :func:`area_under_curve`.

    Parameters
    ----------
    positive
        Whether each case is of the class, shape ``(cases,)``.
    scores
        Of the class, shape ``(cases,)``.

    Returns
    -------
    RocCurve
        NaN in the share of a side that has no case.

    Raises
    ------
    ValueError
        If the two differ in shape or are not one-dimensional, or a score is not finite.
    """
    is_positive, s = np.asarray(positive, bool), np.asarray(scores, np.float64)
    if s.ndim != 1 or s.shape != is_positive.shape:
        raise ValueError(
            f"expected one score for each case, got shapes {is_positive.shape} and {s.shape}"
        )
    if not np.isfinite(s).all():
        raise ValueError("a score is not finite")
    thresholds, place = np.unique(s, return_inverse=True)
    shares = []
    for side in (~is_positive, is_positive):
        count = np.bincount(place[side], minlength=thresholds.size)[::-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            shares.append(np.concatenate([[0], np.cumsum(count)]) / np.sum(side))
    return RocCurve(shares[0], shares[1], np.concatenate([[np.inf], thresholds[::-1]]))


def _checked(
    truth: ArrayLike, scores: ArrayLike
) -> tuple[Int[np.ndarray, " cases"], Float[np.ndarray, "cases classes"]]:
    s = np.asarray(scores, np.float64)
    if s.ndim != 2:
        raise ValueError(f"expected scores (cases, classes), got shape {s.shape}")
    y = class_labels(truth, s.shape[1])
    if y.size != len(s):
        raise ValueError(f"expected scores of {y.size} cases, got shape {s.shape}")
    if not np.isfinite(s).all():
        raise ValueError("a score is not finite")
    return y, s


def _strata(
    y: Int[np.ndarray, " cases"], stratum: ArrayLike | None
) -> Bool[np.ndarray, "cases strata"]:
    """Which stratum each case is in: one for all when none is given."""
    own = np.zeros(y.size, int) if stratum is None else np.asarray(stratum)
    if own.shape != y.shape:
        raise ValueError(f"expected the stratum of {y.size} cases, got shape {own.shape}")
    return own[:, None] == np.unique(own)


def _areas(
    y: Int[np.ndarray, " cases"],
    s: Float[np.ndarray, "cases classes"],
    strata: Bool[np.ndarray, "cases strata"],
) -> Callable[[Often], Float[np.ndarray, "samples areas"]]:
    """Areas of all classes, macro, weighted and micro, from how often each case counts."""
    of_class = y[:, None] == np.arange(s.shape[1])
    pairs = _ranked_right(s, of_class, y) * (strata.astype(float) @ strata.T)
    there = of_class.any(axis=0)
    within = [of_class & own[:, None] for own in strata.T]

    def areas(often: Often) -> Float[np.ndarray, "samples areas"]:
        right = np.stack([np.sum((often @ one) * often, axis=1) for one in pairs], axis=-1)
        parts = np.stack([often @ each for each in within])
        sizes = parts.sum(axis=-1, keepdims=True)
        count, total = parts.sum(axis=0), sizes.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            each = right[:, :-1] / np.sum(parts * (sizes - parts), axis=0)
        micro = right[:, -1:] / (np.sum(sizes**2, axis=0) * (s.shape[1] - 1))
        macro = each.mean(axis=1, keepdims=True)
        weighted = np.sum(count * each, axis=1, keepdims=True) / total
        lacking = np.any((count == 0) & there, axis=1, keepdims=True)
        return np.where(lacking, np.nan, np.concatenate([each, macro, weighted, micro], axis=1))

    return areas


def _ranked_right(
    scores: Float[np.ndarray, "cases classes"],
    of_class: Bool[np.ndarray, "cases classes"],
    truth: Int[np.ndarray, " cases"],
) -> Float[np.ndarray, "rankings cases cases"]:
    """Pairs ranked right, ties a half: of each class, then of all scores in one ranking.

    A row is the case that should rank higher. Pairs that do not count are 0.
    """
    above = _above(scores.T[:, :, None], scores.T[:, None, :])
    each = above * of_class.T[:, :, None] * ~of_class.T[:, None, :]
    own = scores[np.arange(truth.size), truth]
    # every case has one score of its class, to be above all scores of other classes
    micro = np.sum(_above(own[:, None, None], scores[None]) * ~of_class, axis=-1)
    # broadcasting leaves the last axis apart in memory, which makes products of matrices slow
    return np.ascontiguousarray(np.concatenate([each, micro[None]]))


def _above(high: Float[np.ndarray, ...], low: Float[np.ndarray, ...]) -> Float[np.ndarray, ...]:
    return (high > low) + 0.5 * (high == low)
