"""The cheapest things that could do a network's job, each fitted to the training subjects alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

FIRST_BINS, RATIO_BINS = 8, 40  # of the look-up, by quantiles of the training voxels

Values = Float[np.ndarray, " v"]
Pairs = Float[np.ndarray, "v 2"]


def constant(targets: Values) -> float:
    """Mean T1rho of the training voxels."""
    return float(np.nanmean(targets))


class Lookup(NamedTuple):
    """Median T1rho of the training voxels of like intensity and like ratio of the two images."""

    first_edges: Float[np.ndarray, " a"]
    ratio_edges: Float[np.ndarray, " b"]
    medians: Float[np.ndarray, "f r"]

    def __call__(self, signals: Pairs) -> Values:
        """T1rho of each voxel (ms); NaN where a signal is not above zero."""
        found = self.medians[
            np.searchsorted(self.first_edges, signals[:, 0]),
            np.searchsorted(self.ratio_edges, _log_ratio(signals)),
        ]
        return np.where(np.all(signals > 0, axis=1), found, np.nan)


def median_lookup(signals: Pairs, targets: Values) -> Lookup:
    """Fill the look-up; a bin without a voxel takes the median of its ratio."""
    use = np.isfinite(targets) & np.all(signals > 0, axis=1)
    first, ratio, target = signals[use, 0], _log_ratio(signals[use]), targets[use]
    first_edges, ratio_edges = (
        np.quantile(values, np.arange(1, bins) / bins)
        for values, bins in ((first, FIRST_BINS), (ratio, RATIO_BINS))
    )
    row, column = np.searchsorted(first_edges, first), np.searchsorted(ratio_edges, ratio)
    medians = np.empty((FIRST_BINS, RATIO_BINS))
    for r in range(RATIO_BINS):
        of_ratio = np.median(target[column == r]) if np.any(column == r) else np.median(target)
        for f in range(FIRST_BINS):
            chosen = target[(column == r) & (row == f)]
            medians[f, r] = np.median(chosen) if chosen.size else of_ratio
    return Lookup(first_edges, ratio_edges, medians)


class Gain(NamedTuple):
    """Logarithm of the PD-weighted gain in cartilage as a line in what muscle shows of it."""

    slope: float
    intercept: float

    def __call__(self, muscle: Float[np.ndarray, " s"]) -> Float[np.ndarray, " s"]:
        """Factor by which each subject's PD-weighted image is too bright for TSL 0."""
        return np.exp(self.slope * muscle + self.intercept)


def calibrate_gain(
    signals: Pairs,
    targets: Values,
    owner: Int[np.ndarray, " v"],
    muscle: Float[np.ndarray, " s"],
    spin_lock_time: float,
) -> Gain:
    """Fit the line over training subjects.

    In each subject the gain is what the signal equation leaves over at the reference T1rho:
    ``ln g = median(ln(I_PD / I_k) - TSL / T1rho)``.

    Parameters
    ----------
    signals, targets, owner
        PD-weighted signal and signal at ``spin_lock_time``, reference T1rho (ms) and number of
        the subject of every training voxel.
    muscle
        Median of ``ln(I_PD / I_k)`` in each subject's muscle; NaN for subjects without.
    spin_lock_time
        TSL in ms.
    """
    use = np.isfinite(targets) & np.all(signals > 0, axis=1) & np.isfinite(muscle[owner])
    left = -_log_ratio(signals[use]) - spin_lock_time / targets[use]
    people = np.unique(owner[use])
    seen = np.array([np.median(left[owner[use] == one]) for one in people])
    slope, intercept = np.polyfit(muscle[people], seen, 1)
    return Gain(float(slope), float(intercept))


def _log_ratio(signals: Pairs) -> Values:
    """``ln(I_k / I_first)``, of signals above zero."""
    safe = np.maximum(signals, np.finfo(np.float32).tiny)
    return np.log(safe[:, 1] / safe[:, 0])
