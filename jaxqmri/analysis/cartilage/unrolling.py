"""Cartilage unrolled from a circle: bins of angle by slices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import maximum_filter1d, minimum_filter1d

BINS = 72
BIN = 360 / BINS  # degrees
LOWER_EDGES = -180.0 + BIN * np.arange(BINS)
CENTRES = LOWER_EDGES + BIN / 2
_FINE = 20  # cells in a bin


class Unrolled(NamedTuple):
    """Where the voxels of a plate of cartilage lie on it.

    Attributes
    ----------
    slices
        Slice of each voxel, 0 the most lateral.
    angles
        Degrees in (-180, 180]: negative anterior, positive posterior.
    radii
        From the circle's centre, mm.
    stack
        Slices of the image.
    pixel
        Edge of a voxel in the slice, mm.
    """

    slices: Int[np.ndarray, " n"]
    angles: Float[np.ndarray, " n"]
    radii: Float[np.ndarray, " n"]
    stack: int
    pixel: float

    @property
    def bins(self) -> Int[np.ndarray, " n"]:
        """Bin of each voxel: bin ``b`` takes angles above its lower edge, up to the next."""
        return np.clip(np.ceil(self.angles / BIN).astype(int) - 1 + BINS // 2, 0, BINS - 1)


def wrapped(degrees: Float[np.ndarray, ...]) -> Float[np.ndarray, ...]:
    """Angles in (-180, 180]."""
    return 180.0 - np.mod(180.0 - degrees, 360.0)


def project(
    unrolled: Unrolled, values: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "bins slices"]:
    """Mean of the voxels of each bin and slice; NaN where none holds a finite value.

    Parameters
    ----------
    unrolled
        Where the voxels lie.
    values
        One for each voxel.
    """
    known = np.isfinite(values)
    cells = (unrolled.bins * unrolled.stack + unrolled.slices)[known]
    size = BINS * unrolled.stack
    sums = np.bincount(cells, values[known].astype(np.float64), size)
    counts = np.bincount(cells, minlength=size)
    means = np.divide(sums, counts, out=np.full(size, np.nan), where=counts > 0)
    return means.reshape(BINS, unrolled.stack)


class Walls(NamedTuple):
    """The plate's inner and outer surface.

    ``inner`` and ``outer`` are distances of the centres of the outermost voxels from the circle's
    centre, mm, for each voxel; ``thickness`` is in mm, NaN in bins without cartilage.
    """

    inner: Float[np.ndarray, " n"]
    outer: Float[np.ndarray, " n"]
    thickness: Float[np.ndarray, "bins slices"]

    @property
    def middle(self) -> Float[np.ndarray, " n"]:
        """Half-way between the surfaces."""
        return self.inner + 0.5 * (self.outer - self.inner)


def walls_of_bins(unrolled: Unrolled) -> Walls:
    """Surfaces as the extreme voxels of each bin of 5 degrees and slice.

    The thickness is the distance between the centres of these voxels, ``max - min``: one voxel
    short where cartilage follows the circle, too much where it crosses the bin aslant.
    """
    cells = (unrolled.bins, unrolled.slices)
    inner, outer = _extremes(unrolled, cells, (BINS, unrolled.stack))
    return Walls(inner[cells], outer[cells], np.where(np.isfinite(inner), outer - inner, np.nan))


def walls_around_voxels(unrolled: Unrolled, radius: float) -> Walls:
    r"""Surfaces as the extreme voxels within one and a half voxels to either side of each.

    A bin of fixed place mixes what is shallow at its one end with what is deep at its other, where
    cartilage crosses it aslant; a narrow window around each voxel does not.

    The thickness is the mean of the radial one over the bin. As :math:`dA = \rho\, d\rho\,
    d\varphi`, it is :math:`\sum_i A / (\rho_i \Delta\varphi)` over the bin's voxels of area
    ``A``, with the part of the bin that holds cartilage as :math:`\Delta\varphi`: neither too
    short nor too long by a voxel.

    Parameters
    ----------
    unrolled
        Where the voxels lie.
    radius
        Of the circle, mm.
    """
    fine = BIN / _FINE
    cells = (
        np.clip(np.ceil((unrolled.angles + 180.0) / fine).astype(int) - 1, 0, BINS * _FINE - 1),
        unrolled.slices,
    )
    found = _extremes(unrolled, cells, (BINS * _FINE, unrolled.stack))
    size = 2 * round(np.degrees(1.5 * unrolled.pixel / radius) / fine) + 1
    inner = minimum_filter1d(found[0], size, axis=0, mode="wrap")
    outer = maximum_filter1d(found[1], size, axis=0, mode="wrap")
    # gaps narrower than the window are between voxels, not in the cartilage
    there = minimum_filter1d(np.isfinite(inner), size, axis=0, mode="wrap")
    covered = np.radians(fine) * there.reshape(BINS, _FINE, -1).sum(axis=1)
    across = np.zeros((BINS, unrolled.stack))
    np.add.at(across, (unrolled.bins, unrolled.slices), unrolled.pixel**2 / unrolled.radii)
    thickness = np.divide(across, covered, out=np.full(across.shape, np.nan), where=across > 0)
    return Walls(inner[cells], outer[cells], thickness)


def _extremes(
    unrolled: Unrolled,
    cells: tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]],
    shape: tuple[int, int],
) -> tuple[Float[np.ndarray, "a s"], Float[np.ndarray, "a s"]]:
    """Smallest and largest radius of each cell; infinite where it is empty."""
    inner, outer = np.full(shape, np.inf), np.full(shape, -np.inf)
    np.minimum.at(inner, cells, unrolled.radii)
    np.maximum.at(outer, cells, unrolled.radii)
    return inner, outer
