"""Regions without their uncertain pixels, and what that does to the error."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from jaxqmri.analysis.paired import PairedDifference, paired_difference
from jaxqmri.analysis.pixels import Pixels, group_means, one_for_each_subject
from jaxqmri.analysis.resampling import Interval, mean


class Refinement(NamedTuple):
    """Mean absolute error of regions before and after uncertain pixels were left out.

    Attributes
    ----------
    before, after
        Of every slice, in the map's unit, shape ``(slices,)``; NaN where no pixel is left.
    by_slice
        ``after - before`` over slices, each taken as independent of the others. They are not:
        slices of one subject are alike, so that this p is too small.
    by_subject
        ``after - before`` of the subjects' mean over those of their slices that have both.
    kept
        Share of the pixels that is kept, mean over subjects.
    emptied
        Slices that lost all their pixels; they are in no comparison.
    """

    before: Float[np.ndarray, " slices"]
    after: Float[np.ndarray, " slices"]
    by_slice: PairedDifference
    by_subject: PairedDifference
    kept: Interval
    emptied: int


def refinement_threshold(validation: Pixels) -> float:
    """Mean plus standard deviation of the uncertainty of all pixels, in the map's unit.

    Parameters
    ----------
    validation
        Pixels of the validation subjects, which choose nothing else that is reported.

    Raises
    ------
    ValueError
        If there are no pixels, or no uncertainty.

    References
    ----------
    Huang et al., doi:10.48550/arXiv.2307.02736, section 2.5.
    """
    u = validation.stated()
    if u.size == 0:
        raise ValueError("a threshold needs at least one pixel of a validation subject")
    return float(u.mean() + u.std())


def refine(pixels: Pixels, threshold: float | ArrayLike, *, seed: int = 0) -> Refinement:
    """Leave out the pixels whose uncertainty is above a threshold.

    Parameters
    ----------
    pixels
        With their uncertainty.
    threshold
        One number, or one for each subject, shape ``(subjects,)``: that of its fold.
    seed
        Of the resampling.

    Raises
    ------
    ValueError
        If there is no uncertainty, or not one threshold for each subject.
    """
    limit = np.asarray(threshold, np.float64)
    if limit.ndim:
        limit = one_for_each_subject(pixels, limit, "thresholds")[pixels.pixel_subjects]
    certain = pixels.stated() <= limit
    error = pixels.absolute_error
    before = pixels.by_slice(error)
    after = group_means(error[certain], pixels.slices[certain], pixels.subjects.size)
    both = np.isfinite(after)

    def of_subjects(values: np.ndarray) -> np.ndarray:
        return group_means(values[both], pixels.subjects[both], pixels.subject_count)

    return Refinement(
        before,
        after,
        paired_difference(after, before, seed=seed),
        paired_difference(of_subjects(after), of_subjects(before), seed=seed),
        mean(pixels.by_subject(certain), seed=seed),
        int(np.sum(np.isfinite(before) & ~both)),
    )
