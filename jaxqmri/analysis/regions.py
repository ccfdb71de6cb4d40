"""Numbers of a map within labelled regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int


class RegionStatistics(NamedTuple):
    """One region's numbers.

    Attributes
    ----------
    label
        The region's label.
    voxels
        How many voxels have it.
    valid
        How many of these hold a finite value; only they count in what follows.
    mean, sd, median
        In the map's unit; ``sd`` with ``valid - 1`` in the denominator. NaN where there are too
        few voxels.
    """

    label: int
    voxels: int
    valid: int
    mean: float
    sd: float
    median: float


def region_statistics(
    values: Float[np.ndarray, "x y z"],
    labels: Int[np.ndarray, "x y z"],
    wanted: Sequence[int] | None = None,
) -> list[RegionStatistics]:
    """Mean, standard deviation and median of a map in each region.

    Parameters
    ----------
    values
        The map, NaN where there is no estimate.
    labels
        Region of each voxel; 0 is outside all.
    wanted
        Labels to report, in this order; every label that there is, in ascending order, when None.
        A wanted label that no voxel has gets a row of zero voxels.

    Returns
    -------
    list of RegionStatistics
        One row for each label.
    """
    inside = labels != 0
    found = labels[inside]
    order = np.argsort(found, kind="stable")
    present, starts = np.unique(found[order], return_index=True)
    groups = np.split(values[inside][order].astype(np.float64), starts[1:]) if found.size else []
    by_label = dict(zip(present.tolist(), groups, strict=True))
    rows = sorted(by_label) if wanted is None else wanted
    return [_row(label, by_label.get(label, np.empty(0))) for label in rows]


def _row(label: int, values: Float[np.ndarray, " n"]) -> RegionStatistics:
    valid = values[np.isfinite(values)]
    return RegionStatistics(
        label,
        values.size,
        valid.size,
        float(valid.mean()) if valid.size else np.nan,
        float(valid.std(ddof=1)) if valid.size > 1 else np.nan,
        float(np.median(valid)) if valid.size else np.nan,
    )
