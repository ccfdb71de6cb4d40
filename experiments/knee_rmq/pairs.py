"""Pairs of fitted and predicted numbers, slice by slice and voxel by voxel, and how they agree."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from experiments.knee_rmq.estimates import Estimates, Test
from experiments.knee_rmq.metrics import PLACE

FEWEST = 10  # pixels: the mean of fewer is no region's


class Pairs(NamedTuple):
    """Fitted and predicted numbers with the test subject that each is of."""

    fitted: Float[np.ndarray, " n"]
    predicted: Float[np.ndarray, " n"]
    owner: Int[np.ndarray, " n"]


def slice_pairs(test: Test, found: Estimates, quantity: str, *, drawn: bool) -> Pairs:
    """Means of each slice: fitted over the drawn cartilage, predicted over the predicted one.

    With ``drawn`` both are over the drawn one. Seeds of one network follow one another. Slices
    whose regions are smaller than ``FEWEST`` pixels are left out.
    """
    k = PLACE[quantity]
    fitted = _mean(test.maps[..., k], test.drawn)
    pairs = []
    for number, maps in enumerate(found.maps):
        region = test.drawn
        if not drawn and found.classes is not None:
            region = found.classes[number, ..., 0]
        pairs.append((fitted, _mean(maps[..., k], region), test.owner))
    x, y, owner = (np.concatenate(each) for each in zip(*pairs, strict=True))
    both = np.isfinite(x) & np.isfinite(y)
    return Pairs(x[both], y[both], owner[both])


def voxel_pairs(test: Test, found: Estimates, quantity: str, *, drawn: bool) -> Pairs:
    """Every voxel of the drawn cartilage that the prediction takes for cartilage as well.

    With ``drawn`` every voxel of the drawn one, the same for all that is compared.
    """
    k, owner = PLACE[quantity], np.broadcast_to(test.owner[:, None, None], test.drawn.shape)
    pairs = []
    for number, maps in enumerate(found.maps):
        region = test.drawn
        if not drawn and found.classes is not None:
            region = region & found.classes[number, ..., 0]
        pairs.append((test.maps[region][:, k], maps[region][:, k], owner[region]))
    return Pairs(*(np.concatenate(each) for each in zip(*pairs, strict=True)))


def _mean(
    values: Float[np.ndarray, "s h w"], region: Bool[np.ndarray, "s h w"]
) -> Float[np.ndarray, " s"]:
    inside = region & np.isfinite(values)
    count = inside.sum(axis=(1, 2))
    total = np.where(inside, values, 0.0).sum(axis=(1, 2))
    return np.where(count >= FEWEST, total / np.maximum(count, 1), np.nan)
