"""A smooth field, such as B1, smoothed and brought onto a finer grid, with its errors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxqmri.preprocessing.resampling import LIKE, spacing
from jaxqmri.preprocessing.transforms import Affine

Volume = Float[np.ndarray, "x y z"]
Shape = tuple[int, int, int]

FWHM = float(np.sqrt(8.0 * np.log(2.0)))  # of a Gaussian, in standard deviations
REACH = 3.0  # standard deviations after which a kernel ends
EDGE = 0.51  # voxels from an outermost centre to the edge of the field of view, rounding included


class Field(NamedTuple):
    """A map and its standard deviation, None where that of the source was not given."""

    values: Float[np.ndarray, "x y z"]
    std: Float[np.ndarray, "x y z"] | None


def field_on_grid(
    values: Volume,
    std: Volume | None,
    affine: Affine,
    shape: Shape,
    onto: Affine,
    *,
    fwhm: float = 0.0,
    weights: Volume | None = None,
) -> Field:
    """A map smoothed by a Gaussian and linearly interpolated onto another grid.

    ``f(x) = sum(k w v) / sum(k w)`` over the voxels that hold a number, with the kernel's weights
    ``k(x)``, and ``std(x) = sqrt(sum((k w s)^2)) / sum(k w)`` for errors ``s`` that are independent
    from voxel to voxel.

    Parameters
    ----------
    values, std
        The map and its standard deviation, NaN where there is none; ``std`` may be None.
    affine, onto
        Voxels to scanner coordinates in mm, of the map and of the wanted grid.
    shape
        Of the wanted grid. A coarser one gets averages over its voxels.
    fwhm
        Full width at half maximum of the Gaussian in mm; 0 for none. It ends at three standard
        deviations.
    weights
        ``w``, zero or above; all alike when None. They should rise with the precision of a voxel
        and not with the noise of its value: ``1/s^2`` of a fit depends on the value found, and
        draws the mean towards values whose error seems small.

    Returns
    -------
    Field
        Float32, of ``shape``; NaN outside the map's field of view and where the kernel meets no
        number. Half a voxel at the edge, from the outermost centre to the end of the field of
        view, takes the outermost value. Where the two grids are turned against each other
        ``std`` is that of the smoothed map, interpolated: never below the true one.

    Raises
    ------
    ValueError
        If ``fwhm`` is negative.
    """
    if not fwhm >= 0:
        raise ValueError(f"fwhm must be at least 0 mm, got {fwhm:g}")
    axes = _matching_axes(affine, shape, onto)
    if axes is None:
        if fwhm > 0:
            values, std = field_on_grid(
                values, std, affine, values.shape, affine, fwhm=fwhm, weights=weights
            )
        return _turned(values, std, affine, shape, onto)
    widths = fwhm / FWHM / spacing(affine)
    to_map = np.linalg.inv(affine) @ onto
    kernels = []
    for target, source in enumerate(axes):
        step = to_map[source, target]
        places = to_map[source, 3] + step * np.arange(shape[target])
        count = values.shape[source]
        linear = _interpolation(places, count, abs(step))
        kernels.append(linear @ _gaussian(count, widths[source]))
    known = np.isfinite(values) & (True if std is None else np.isfinite(std))
    weight = np.where(known, 1.0 if weights is None else np.asarray(weights, np.float64), 0.0)
    total = _weighted(weight, kernels, axes)
    with np.errstate(invalid="ignore", divide="ignore"):
        smooth = _weighted(weight * np.where(known, values, 0.0), kernels, axes) / total
        if std is None:
            return Field(smooth.astype(np.float32), None)
        spread = (weight * np.where(known, std, 0.0)) ** 2
        variance = _weighted(spread, [k * k for k in kernels], axes) / (total * total)
    return Field(smooth.astype(np.float32), np.sqrt(variance).astype(np.float32))


def covers(shape: Shape, affine: Affine, wanted: Shape, onto: Affine) -> bool:
    """Whether every voxel centre of the wanted grid lies in a map's field of view."""
    corners = np.indices((2, 2, 2)).reshape(3, 8) * (np.array(wanted) - 1)[:, None]
    to_map = np.linalg.inv(affine) @ onto
    places = to_map[:3, :3] @ corners + to_map[:3, 3:]
    return bool(np.all(_inside(places, np.array(shape)[:, None])))


def _inside(places: Float[np.ndarray, ...], count: int | np.ndarray) -> Bool[np.ndarray, ...]:
    return (places >= -EDGE) & (places <= count - 1 + EDGE)


def _matching_axes(affine: Affine, shape: Shape, onto: Affine) -> tuple[int, ...] | None:
    """Of each axis of a wanted grid the map's parallel axis; None where a grid is turned."""
    matrix = (np.linalg.inv(affine) @ onto)[:3, :3]
    axes = tuple(int(k) for k in np.argmax(np.abs(matrix), axis=0))
    if sorted(axes) != [0, 1, 2]:
        return None
    astray = np.abs(matrix)
    astray[axes, range(3)] = 0.0
    return axes if np.all(astray @ (np.array(shape) - 1) < LIKE) else None


def _interpolation(
    places: Float[np.ndarray, " f"], count: int, step: float
) -> Float[np.ndarray, "f c"]:
    """Linear weights at places along one axis; of a coarser grid as wide as its voxels."""
    inner = np.clip(places, 0, count - 1)
    apart = np.abs(inner[:, None] - np.arange(count))
    weights = np.maximum(0.0, 1.0 - apart / max(1.0, step))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights * _inside(places, count)[:, None]


def _gaussian(count: int, width: float) -> Float[np.ndarray, "c c"]:
    """Weights of each voxel of an axis in the smoothed value at each; ``width`` in voxels."""
    if width == 0:
        return np.eye(count)
    apart = np.abs(np.arange(count)[:, None] - np.arange(count)) / width
    return np.where(apart <= REACH, np.exp(-0.5 * apart * apart), 0.0)


def _weighted(
    values: Volume, kernels: list[np.ndarray], axes: tuple[int, ...]
) -> Float[np.ndarray, "x1 y1 z1"]:
    """Weighted sums along all three axes, in the order of the wanted grid."""
    summed = np.transpose(values, axes)
    for axis, matrix in enumerate(kernels):
        summed = np.moveaxis(np.tensordot(matrix, summed, axes=(1, axis)), 0, axis)
    return summed


def _turned(
    values: Volume, std: Volume | None, affine: Affine, shape: Shape, onto: Affine
) -> Field:
    """Linear interpolation between the voxels that hold a number, at any angle."""
    from scipy import ndimage

    to_map = np.linalg.inv(affine) @ onto
    places = np.einsum("ij,j...->i...", to_map[:3, :3], np.indices(shape, np.float64))
    places += to_map[:3, 3][:, None, None, None]
    limits = np.array(values.shape)[:, None, None, None]
    inside = np.all(_inside(places, limits), axis=0)
    known = np.isfinite(values) & (True if std is None else np.isfinite(std))

    def read(source: Volume) -> Float[np.ndarray, "x1 y1 z1"]:
        return ndimage.map_coordinates(
            np.where(known, source, 0.0).astype(np.float64), places, order=1, mode="nearest"
        )

    present = np.where(inside, read(known.astype(np.float64)), 0.0)
    missing = np.where(present > 0, 0.0, np.nan)
    present = np.where(present > 0, present, 1.0)
    smooth = (read(values) / present + missing).astype(np.float32)
    if std is None:
        return Field(smooth, None)
    spread = np.sqrt(read(std * std) / present)
    return Field(smooth, (spread + missing).astype(np.float32))
