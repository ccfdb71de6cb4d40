"""Landmarks that femoral cartilage carries itself: the middle of its arc, and its notch."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from jaxqmri.analysis.cartilage.unrolling import Unrolled, wrapped

TAILS = 2.0  # percent of the plate's area beyond either end of its arc: edges are drawn loosely
BEHIND = (0.0, 75.0)  # degrees behind the middle of the arc where the condyles are apart


def arc_middle(slices: Int[np.ndarray, " n"], angles: Float[np.ndarray, " n"]) -> float:
    """Half-way between the anterior and the posterior end of the cartilage, degrees.

    The ends are percentiles of the plate's area, every slice and degree that has cartilage counted
    once, so that thick cartilage has no more say than thin.

    Parameters
    ----------
    slices, angles
        Slice of each voxel, and its angle in degrees about the circle's centre.
    """
    towards = np.degrees(np.angle(np.exp(1j * np.radians(angles)).mean()))
    away = wrapped(angles - towards)
    columns = np.unique(np.stack([slices, np.floor(away).astype(int)]), axis=1)[1]
    first, last = np.percentile(columns + 0.5, (TAILS, 100.0 - TAILS))
    return float(180.0 - (180.0 - towards - 0.5 * (first + last)) % 360.0)


def notch(unrolled: Unrolled) -> float:
    """Middle of the intercondylar notch, in slices (between two of them where it ends in .5).

    Behind the middle of the arc each slice has so many degrees of cartilage. The notch is the
    deepest valley between two condyles, its walls are where half of the lower condyle's degrees are
    reached, interpolated between slices.

    Parameters
    ----------
    unrolled
        The plate, its angles counted from the middle of its arc.

    Raises
    ------
    ValueError
        If no slice has less cartilage than slices on both of its sides.
    """
    first, last = BEHIND
    behind = (unrolled.angles > first) & (unrolled.angles <= last)
    cells = np.stack([unrolled.slices, np.floor(unrolled.angles).astype(int)])[:, behind]
    degrees = np.bincount(np.unique(cells, axis=1)[0], minlength=unrolled.stack).astype(float)
    condyles = np.minimum(
        np.maximum.accumulate(degrees), np.maximum.accumulate(degrees[::-1])[::-1]
    )
    valley = int(np.argmax(condyles - degrees))
    half = 0.5 * condyles[valley]
    if degrees[valley] >= half:
        raise ValueError("no notch between two condyles in the cartilage")
    before = _crossing(degrees[: valley + 1][::-1], half)
    after = _crossing(degrees[valley:], half)
    return float(valley + 0.5 * (after - before))


def _crossing(profile: Float[np.ndarray, " n"], level: float) -> float:
    """How far from its start, which is below it, a profile reaches a level."""
    k = int(np.argmax(profile >= level))
    low, high = profile[k - 1], profile[k]
    return k - 1 + (level - low) / (high - low)
