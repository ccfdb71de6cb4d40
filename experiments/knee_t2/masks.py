"""From probabilities to cartilage: two thresholds, found on validation subjects, and T2."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxqmri import analysis

PROBABILITIES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
AREAS = (0.0, 5.0, 10.0, 20.0, 41.5, 60.0, 80.0)  # mm2


class Thresholds(NamedTuple):
    """From which probability a voxel is cartilage, and how much of it a slice must hold, mm2."""

    probability: float
    area: float


class Predicted(NamedTuple):
    """What a network says of one visit.

    Attributes
    ----------
    probability
        Of cartilage.
    t2
        ms, where the probability is not negligible; NaN where it is no cartilage's.
    pixel
        Area of a pixel, mm2.
    """

    probability: Float[np.ndarray, "s h w"]
    t2: Float[np.ndarray, "s h w"]
    pixel: float


def cartilage_of(predicted: Predicted, by: Thresholds) -> Bool[np.ndarray, "s h w"]:
    """Likely voxels whose T2 is a cartilage's, in slices that hold enough of them."""
    likely = (predicted.probability >= by.probability) & np.isfinite(predicted.t2)
    enough = likely.sum(axis=(1, 2)) * predicted.pixel >= by.area
    return likely & enough[:, None, None]


def find_thresholds(
    predicted: Sequence[Predicted], drawn: Sequence[Bool[np.ndarray, "s h w"]]
) -> tuple[Thresholds, float]:
    """The thresholds with the largest mean overlap with a reader, and that overlap.

    Parameters
    ----------
    predicted, drawn
        Validation visits, and the reader's cartilage in each.
    """
    found = {}
    for probability, area in product(PROBABILITIES, AREAS):
        by = Thresholds(probability, area)
        found[by] = float(
            np.mean([dice(cartilage_of(p, by), d) for p, d in zip(predicted, drawn, strict=True)])
        )
    best = max(found, key=lambda by: found[by])
    return best, found[best]


def dice(one: Bool[np.ndarray, "s h w"], other: Bool[np.ndarray, "s h w"]) -> float:
    """Volumetric Dice coefficient."""
    return analysis.overlap(other, one, (1,))[0].dice
