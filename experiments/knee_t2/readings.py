"""A reading: somebody's cartilage in every visit they read, with its T2 and its subregions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from experiments.knee_t2.paper import LONGEST_T2
from experiments.knee_t2.study import Study
from jaxqmri.analysis import cartilage
from jaxqmri.analysis.cartilage import REGIONS, Rule, Subregions

NAMES = tuple(REGIONS)
LOST = 0.1  # of what a region usually has; with fewer voxels it has no mean


class Read(NamedTuple):
    """One visit as somebody read it.

    Attributes
    ----------
    inside
        The cartilage, of which T2 is known.
    t2
        ms; NaN elsewhere.
    divided
        Its subregions.
    projection
        Mean T2 of each bin and slice of the plate.
    means, voxels
        Of the 27 regions in the order of :data:`NAMES`.
    """

    inside: Bool[np.ndarray, "s h w"]
    t2: Float[np.ndarray, "s h w"]
    divided: Subregions
    projection: Float[np.ndarray, "bins slices"]
    means: Float[np.ndarray, " 27"]
    voxels: Float[np.ndarray, " 27"]


Reading = Mapping[int, Read]  # by the number of the visit


def read(
    study: Study,
    visit: int,
    inside: Bool[np.ndarray, "s h w"],
    t2: Float[np.ndarray, "s h w"],
    rule: Rule,
) -> Read:
    """Divide the cartilage of one visit, and take the means of its regions."""
    own = study.visits[visit]
    volume = own.volume(np.where(inside, t2, np.nan))
    divided = cartilage.divide(own.volume(inside), own.affine, study.side(visit), rule)
    each = cartilage.subregion_statistics(volume, divided, LONGEST_T2)
    return Read(
        inside,
        t2,
        divided,
        divided.project(volume),
        np.array([one.mean for one in each]),
        np.array([one.valid for one in each]),
    )


def usual_voxels(reading: Reading) -> Float[np.ndarray, " 27"]:
    """How many voxels a region usually has: the median over visits."""
    return np.median([one.voxels for one in reading.values()], axis=0)


def means_of(
    reading: Reading, visits: list[int], usual: Float[np.ndarray, " 27"]
) -> Float[np.ndarray, "v 27"]:
    """Regional means of some visits; NaN where a region is all but gone, or was not read."""
    nothing = np.full(len(NAMES), np.nan)
    return np.array(
        [
            np.where(reading[v].voxels >= LOST * usual, reading[v].means, np.nan)
            if v in reading
            else nothing
            for v in visits
        ]
    )
