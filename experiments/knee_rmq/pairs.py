"""Pairs of fitted and predicted numbers, slice by slice and voxel by voxel, and how they agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from experiments.knee_rmq.estimates import Estimates, Test
from experiments.knee_rmq.metrics import PLACE
from jaxqmri import analysis
from jaxqmri.analysis import Interval, resampling

FEWEST = 10  # pixels: the mean of fewer is no region's


class Pairs(NamedTuple):
    """Fitted and predicted numbers with the test subject that each is of."""

    fitted: Float[np.ndarray, " n"]
    predicted: Float[np.ndarray, " n"]
    owner: Int[np.ndarray, " n"]


def slice_pairs(test: Test, found: Estimates, quantity: str, *, drawn: bool) -> list[Pairs]:
    """Means of each slice: fitted over the drawn cartilage, predicted over the predicted one.

    With ``drawn`` both are over the drawn one. One entry for each training seed. Slices whose
    regions are smaller than ``FEWEST`` pixels are left out.
    """
    k = PLACE[quantity]
    fitted = _mean(test.maps[..., k], test.drawn)
    pairs = []
    for number, maps in enumerate(found.maps):
        region = test.drawn
        if not drawn and found.classes is not None:
            region = found.classes[number, ..., 0]
        pairs.append(_complete(fitted, _mean(maps[..., k], region), test.owner))
    return pairs


def voxel_pairs(
    test: Test, found: Estimates, quantity: str, *, drawn: bool, interior: bool = False
) -> list[Pairs]:
    """Every voxel of the drawn cartilage that the prediction takes for cartilage as well.

    With ``drawn`` every voxel of the drawn one, the same for all that is compared; with
    ``interior`` those of it away from its border. One entry for each training seed; voxels
    without an estimate are left out.
    """
    k, owner = PLACE[quantity], np.broadcast_to(test.owner[:, None, None], test.drawn.shape)
    pairs = []
    for number, maps in enumerate(found.maps):
        region = test.interior if interior else test.drawn
        if not drawn and found.classes is not None:
            region = region & found.classes[number, ..., 0]
        pairs.append(_complete(test.maps[region][:, k], maps[region][:, k], owner[region]))
    return pairs


def sums_of(pairs: Sequence[Pairs], count: int) -> Float[np.ndarray, "subjects k 6"]:
    """What the correlations of all seeds need of each subject."""
    return np.stack([analysis.correlation_sums(*own, count) for own in pairs], axis=1)


def mean_correlation(drawn: Float[np.ndarray, "samples subjects k 6"]) -> np.ndarray:
    """Mean over seeds of the correlations over some subjects."""
    return analysis.correlation_of(drawn.sum(axis=1)).mean(axis=-1)


def correlation(pairs: Sequence[Pairs], count: int, seed: int) -> Interval:
    """Mean over seeds of Pearson's r, with its interval over subjects."""
    (found,) = resampling.bootstrap(mean_correlation, (sums_of(pairs, count),), seed=seed)
    return found


def _complete(
    fitted: Float[np.ndarray, " n"], predicted: Float[np.ndarray, " n"], owner: np.ndarray
) -> Pairs:
    both = np.isfinite(fitted) & np.isfinite(predicted)
    return Pairs(fitted[both], predicted[both], owner[both])


def _mean(
    values: Float[np.ndarray, "s h w"], region: Bool[np.ndarray, "s h w"]
) -> Float[np.ndarray, " s"]:
    inside = region & np.isfinite(values)
    count = inside.sum(axis=(1, 2))
    total = np.where(inside, values, 0.0).sum(axis=(1, 2))
    return np.where(count >= FEWEST, total / np.maximum(count, 1), np.nan)
