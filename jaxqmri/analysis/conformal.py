r"""Intervals calibrated on subjects: as wide as the errors of other subjects say.

An interval is the prediction plus or minus a factor of the uncertainty, and the factor is a
quantile of the scores :math:`R = |e| / u` of subjects that the model had not seen. Pixels of one
subject are alike, so that ``K`` subjects are ``K`` observations, however many pixels they have:
each subject weighs the same, shared among its pixels.

For a promise that holds with few subjects each weighs :math:`1 / (K + 1)`, and as much weighs the
new one, whose errors could be anything. No level above :math:`K / (K + 1)` has a finite interval
then: 80 % for four subjects, 97 % for 34. It is a promise of no less than the level, and where
subjects are much alike more is found, up to :math:`(K + 1) / K` times the level. Without it each
weighs :math:`1 / K`: many subjects meet the level on average, few fall somewhat short of it.

Either is an average, over new subjects like these and over their pixels. A single subject, or a
kind of tissue, can be covered worse.

References
----------
Dunn, Wasserman and Ramdas, doi:10.48550/arXiv.1809.07441; Lee, Barber and Willett,
Distribution-free inference with hierarchical data, 2023; cross-validation: Vovk, Annals of
Mathematics and Artificial Intelligence 2015;74:9-28, and Barber et al., Annals of Statistics 2021,
doi:10.1214/20-AOS1965.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from jaxqmri.analysis.laws import LEVELS, Coverage, interval_coverage
from jaxqmri.analysis.pixels import Pixels, one_for_each_subject

Ends = tuple[Float[np.ndarray, " pixels"], Float[np.ndarray, " pixels"]]
HALVINGS = 26  # of the bracket around an interval's end: far below any map's precision
_ROUNDING = 1e-9  # of sums of weights


class _Scores(NamedTuple):
    """Scores in ascending order, and the weight of those up to each."""

    values: Float[np.ndarray, " n"]
    weights: Float[np.ndarray, " n"]

    def up_to(self, value: np.ndarray) -> np.ndarray:
        place = np.searchsorted(self.values, value, "right")
        return np.concatenate([[0.0], self.weights])[place]


def conformal_factor(held_out: Pixels, level: float, *, promised: bool = True) -> float:
    """By what the uncertainty is multiplied for intervals of a level; infinite if out of reach.

    The smallest ``q`` for which the scores up to ``q`` weigh at least as much as the level.

    Parameters
    ----------
    held_out
        Pixels of calibration subjects, with the prediction and uncertainty of a model that had not
        seen them: its own held-out subjects, or all development subjects, each predicted by the
        model of its fold.
    level
        Share of a new subject's pixels that the intervals should hold.
    promised
        Whether the new subject weighs as much as each of these.

    Raises
    ------
    ValueError
        If an uncertainty is zero or missing, there are no pixels, or the level does not lie between
        0 and 1.
    """
    return _factor(_scores(held_out, _subjects(held_out) + promised), level)


def conformal_interval(
    held_out: Sequence[Pixels],
    predicted: Sequence[Pixels],
    level: float,
    *,
    promised: bool = True,
) -> Ends:
    r"""Intervals of new subjects, by one model or by the models of several folds (CV+).

    With the score :math:`R_i` of a development pixel held out by model :math:`k(i)`, the ends are
    the weighted quantiles of :math:`p_{k(i)} - u_{k(i)} R_i` and :math:`p_{k(i)} + u_{k(i)} R_i`
    over ``i``. For one model these are :math:`p \pm q u`.

    Parameters
    ----------
    held_out
        For each model, pixels of the development subjects that it had not seen.
    predicted
        For each model, the pixels of the new subjects as it predicts them, in one order.
    level
        Share of a new subject's pixels that the intervals should hold, :math:`1 - \alpha`. With one
        model that is promised; with several, :math:`1 - 2 \alpha` is, and :math:`1 - \alpha` is
        what is usually found.
    promised
        Whether the new subject weighs as much as each of the development subjects.

    Returns
    -------
    lower, upper
        Ends of each pixel's interval, shape ``(pixels,)``; infinite if the level is out of reach.

    Raises
    ------
    ValueError
        If the models differ in number or in what they predict, a development subject is held out by
        two of them, an uncertainty is zero or missing, or the level does not lie between 0 and 1.
    """
    _check(held_out, predicted)
    total = sum(_subjects(part) for part in held_out) + promised
    scores = [_scores(part, total) for part in held_out]
    together = np.concatenate([part.values for part in scores])
    order = np.argsort(together, kind="stable")
    weight = np.concatenate([np.diff(part.weights, prepend=0.0) for part in scores])[order]
    q = _factor(_Scores(together[order], np.cumsum(weight)), level)
    centre = np.stack([part.prediction for part in predicted])
    scale = np.stack([part.stated() for part in predicted])
    if not np.isfinite(q):
        return np.full(centre.shape[1], -np.inf), np.full(centre.shape[1], np.inf)
    if len(scores) == 1:
        return centre[0] - q * scale[0], centre[0] + q * scale[0]
    return -_end(-centre, scale, scores, q, level), _end(centre, scale, scores, q, level)


def cross_conformal(
    pixels: Pixels,
    folds: ArrayLike,
    levels: Sequence[float] = LEVELS,
    *,
    promised: bool = True,
    seed: int = 0,
) -> list[Coverage]:
    """What intervals hold whose factor was found on the subjects of the other folds.

    Needs no training beyond that of the folds: the scores of a fold come from the other folds'
    subjects, each predicted by the model that had not seen it. Those models had seen the fold that
    is now predicted, so that nothing is promised exactly; whether the level was met is what is
    found here.

    Parameters
    ----------
    pixels
        Of all folds, each with the prediction and uncertainty of a model that had not seen its
        subject.
    folds
        Fold of each subject, shape ``(subjects,)``.
    levels
        Shares that the intervals should hold.
    promised
        Whether the new subject weighs as much as each of the others.
    seed
        Of the resampling of subjects.

    Returns
    -------
    list of Coverage
        One for each level, over the subjects of all folds. With an infinite width where the level
        is out of reach.

    Raises
    ------
    ValueError
        If there is not a fold for each subject, only one fold, an uncertainty is zero or missing,
        or a level does not lie between 0 and 1.
    """
    fold = one_for_each_subject(pixels, folds, "folds")
    if np.unique(fold[pixels.pixel_subjects]).size < 2:
        raise ValueError("intervals are calibrated on the other folds, and there is only one fold")
    own = fold[pixels.pixel_subjects]
    calibration = {}
    for f in np.unique(own):
        others = pixels.of_subjects(fold != f)
        calibration[f] = _scores(others, _subjects(others) + promised)
    rows = []
    for level in levels:
        half = pixels.stated().copy()
        for f, scores in calibration.items():
            half[own == f] *= _factor(scores, level)
        ends = pixels.prediction - half, pixels.prediction + half
        rows.append(interval_coverage(pixels, *ends, level, seed=seed))
    return rows


def _subjects(pixels: Pixels) -> int:
    return int(np.unique(pixels.pixel_subjects).size)


def _scores(pixels: Pixels, total: int) -> _Scores:
    """Of pixels whose subjects weigh ``1 / total`` each."""
    u = pixels.stated()
    if not u.size:
        raise ValueError("intervals need at least one pixel of a subject to be calibrated on")
    if not u.all():
        raise ValueError(f"uncertainty is zero in {np.sum(u == 0)} of {u.size} pixels")
    owner = pixels.pixel_subjects
    scores = pixels.absolute_error / u
    order = np.argsort(scores, kind="stable")
    weights = 1.0 / (total * np.bincount(owner)[owner[order]])
    return _Scores(scores[order], np.cumsum(weights))


def _factor(scores: _Scores, level: float) -> float:
    if not 0.0 < level < 1.0:
        raise ValueError(f"a level lies between 0 and 1, got {level}")
    place = int(np.searchsorted(scores.weights, level - _ROUNDING, "left"))
    return float(scores.values[place]) if place < scores.values.size else np.inf


def _end(
    centre: Float[np.ndarray, "models pixels"],
    scale: Float[np.ndarray, "models pixels"],
    scores: Sequence[_Scores],
    q: float,
    level: float,
) -> Float[np.ndarray, " pixels"]:
    """Smallest ``y`` below which ``centre + scale R`` weighs at least the level.

    It lies between the ends that the models have on their own with the common factor.
    """
    ends = centre + q * scale
    low, high = ends.min(axis=0), ends.max(axis=0)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        weight = sum(
            part.up_to((middle - c) / s) for part, c, s in zip(scores, centre, scale, strict=True)
        )
        enough = weight >= level - _ROUNDING
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high


def _check(held_out: Sequence[Pixels], predicted: Sequence[Pixels]) -> None:
    if not held_out or len(held_out) != len(predicted):
        raise ValueError(
            f"{len(held_out)} models have held-out subjects, {len(predicted)} have predictions"
        )
    first = predicted[0]
    for part in predicted:
        same = np.array_equal(part.target, first.target)
        if not (same and np.array_equal(part.slices, first.slices)):
            raise ValueError(
                "the models predict different pixels: keep those that all of them have"
            )
        if not part.stated().all():
            raise ValueError("uncertainty is zero in some of the predicted pixels")
    seen = np.concatenate([np.unique(part.pixel_subjects) for part in held_out])
    names, often = np.unique(seen, return_counts=True)
    if np.any(often > 1):
        raise ValueError(f"subjects {names[often > 1].tolist()} are held out by two models")
