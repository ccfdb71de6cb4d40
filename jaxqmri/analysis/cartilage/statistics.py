"""A map's numbers in the subregions of femoral cartilage and in what they make up."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxqmri.analysis.cartilage.borders import PLATES
from jaxqmri.analysis.cartilage.subregions import LAYERS, SUBREGIONS, Subregions
from jaxqmri.analysis.cartilage.unrolling import BIN, BINS, CENTRES

PARTS = ("", "L", "M", *PLATES)
ALL = "all"
REGIONS: dict[str, tuple[str, ...]] = {
    (layer + part) or ALL: tuple(
        name for name in SUBREGIONS if name[0] in (layer or LAYERS) and name[1:].startswith(part)
    )
    for layer in ("", *LAYERS)
    for part in PARTS
}
"""The 27 regions and the subregions that each is made of."""
WORDS = {
    "S": "superficial",
    "D": "deep",
    "L": "lateral",
    "M": "medial",
    "A": "anterior",
    "C": "central",
    "P": "posterior",
}


class SubregionStatistics(NamedTuple):
    """One region's numbers.

    Attributes
    ----------
    region
        One of the :data:`REGIONS`.
    voxels
        How many it has; shared voxels count by their share.
    valid
        How many of these hold a usable value; only they count in mean and SD.
    mean, sd
        In the map's unit, over voxels; ``sd`` with ``valid - 1`` in the denominator. NaN where
        there are too few.
    thickness
        Mean over the region's bins and slices, mm; NaN for a region of one layer.
    """

    region: str
    voxels: float
    valid: float
    mean: float
    sd: float
    thickness: float


def in_words(region: str) -> str:
    """A region's name written out: ``deep lateral anterior``."""
    return "all" if region == ALL else " ".join(WORDS[letter] for letter in region)


def usable(values: Float[np.ndarray, ...], upper: float) -> Bool[np.ndarray, ...]:
    """Where a map holds a value above 0 and not above ``upper``."""
    with np.errstate(invalid="ignore"):
        return np.isfinite(values) & (values > 0.0) & (values <= upper)


def subregion_statistics(
    values: Float[np.ndarray, "x y z"] | None, divided: Subregions, upper: float = np.inf
) -> list[SubregionStatistics]:
    r"""Mean, standard deviation and thickness of the 27 regions.

    With the share :math:`w_i` of voxel ``i`` in a region,

    .. math:: m = \sum_i w_i v_i \big/ \sum_i w_i, \quad
        s^2 = \sum_i w_i (v_i - m)^2 \big/ \left(\sum_i w_i - 1\right) .

    Parameters
    ----------
    values
        The map; None for the numbers of the cartilage alone.
    divided
        The cartilage.
    upper
        Largest value that counts; nor do values that are not finite or not above 0.
    """
    picked = np.full(len(divided.voxels), np.nan)
    if values is not None:
        picked = divided.pick(values).astype(np.float64)
        picked[~usable(picked, upper)] = np.nan
    shares, known = divided.shares, np.isfinite(picked)
    thickness = _thickness(divided)
    found = []
    for region, members in REGIONS.items():
        weights = shares[:, [SUBREGIONS.index(name) for name in members]].sum(axis=1)
        mean, sd = _moments(picked[known], weights[known])
        found.append(
            SubregionStatistics(
                region,
                float(weights.sum()),
                float(weights[known].sum()),
                mean,
                sd,
                thickness.get(region, np.nan),
            )
        )
    return found


def _moments(values: Float[np.ndarray, " n"], weights: Float[np.ndarray, " n"]) -> tuple:
    total = float(weights.sum())
    if total <= 0.0:
        return np.nan, np.nan
    mean = float((weights * values).sum() / total)
    squares = float((weights * (values - mean) ** 2).sum())
    return mean, float(np.sqrt(squares / (total - 1.0))) if total > 1.0 else np.nan


def _thickness(divided: Subregions) -> dict[str, float]:
    """Mean thickness of the regions of both layers."""
    count = divided.unrolled.stack
    slices, angles = np.tile(np.arange(count), BINS), np.repeat(CENTRES, count)
    shares = divided.borders.plates(slices, angles, BIN)
    there = np.isfinite(divided.thickness.ravel())
    found = {}
    for part in PARTS:
        members = [plate.startswith(part) for plate in PLATES]
        weights = shares[there][:, members].sum(axis=1)
        found[part or ALL] = _moments(divided.thickness.ravel()[there], weights)[0]
    return found
