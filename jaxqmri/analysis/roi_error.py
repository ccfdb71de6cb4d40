"""Relative error of regions, slice by slice, summarised over subjects."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jaxqmri.analysis.pixels import Pixels, group_means
from jaxqmri.analysis.resampling import Interval, ratio


class RelativeError(NamedTuple):
    """Mean relative error of regions, in percent.

    Attributes
    ----------
    rmre
        Mean over slices, with its interval over subjects.
    sd
        Standard deviation (``n - 1``) over slices.
    by_slice
        Of every slice, shape ``(slices,)``; NaN without pixels.
    by_subject
        Mean of every subject's slices, shape ``(subjects,)``; NaN without pixels.
    slices, n
        Slices and subjects that have pixels.
    left_out
        Pixels that lacked something.
    """

    rmre: Interval
    sd: float
    by_slice: Float[np.ndarray, " slices"]
    by_subject: Float[np.ndarray, " subjects"]
    slices: int
    n: int
    left_out: int


def relative_error(pixels: Pixels, *, seed: int = 0) -> RelativeError:
    r"""ROI mean relative error over ``Z`` slices of :math:`N_z` pixels each.

    .. math::
        RMRE = \frac{100}{Z} \sum_z \frac{1}{N_z} \sum_n \frac{|p_n - y_n|}{y_n}

    Parameters
    ----------
    pixels
        Of the regions. An uncertainty is not needed.
    seed
        Of the resampling of subjects.

    Raises
    ------
    ValueError
        If a target is not positive.

    References
    ----------
    Huang et al., doi:10.48550/arXiv.2307.02736, equation 7.
    """
    found = pixels.by_slice(pixels.relative_error)
    present = np.isfinite(found)
    owners = pixels.subjects[present]
    sums = np.bincount(owners, found[present], pixels.subject_count)
    counts = np.bincount(owners, minlength=pixels.subject_count)
    (rmre,) = ratio(sums, counts, seed=seed)
    return RelativeError(
        rmre,
        float(found[present].std(ddof=1)) if owners.size > 1 else np.nan,
        found,
        group_means(found[present], owners, pixels.subject_count),
        owners.size,
        int(np.sum(counts > 0)),
        pixels.left_out,
    )
