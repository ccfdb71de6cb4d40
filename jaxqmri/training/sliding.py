"""Prediction of any amount by one program: slices tile by tile, voxels in equal parts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

Predict = Callable[[Any, Any], Any]
Weighting = Literal["mean", "centre"]
ROWS = 8192  # voxels predicted at a time


def sliding_window(
    predict: Predict,
    variables: Any,
    images: Float[Array, "s h w c"] | Float[np.ndarray, "s h w c"],
    *,
    size: int = 64,
    stride: int = 32,
    weighting: Weighting = "mean",
    mask: Bool[np.ndarray, "s h w"] | None = None,
    batch: int = 16,
) -> Float[np.ndarray, "s h w t"]:
    """Predict tile by tile and average where tiles overlap.

    Parameters
    ----------
    predict
        From ``variables`` and tiles of shape ``(batch, size, size, c)`` to maps of shape
        ``(batch, size, size, t)``. The same function again does not compile again.
    variables
        First argument of ``predict``: what the network has learnt.
    images
        Slices.
    size, stride
        Width of the tiles and distance between neighbours, pixels.
    weighting
        ``"mean"``: overlapping tiles count alike. ``"centre"``: a tile counts less towards its
        edge, where the network sees less of the surroundings.
    mask
        Pixels whose prediction is needed: tiles without one are not predicted.
    batch
        Tiles at a time.

    Returns
    -------
    ndarray
        Maps, NaN where no tile was predicted.

    Raises
    ------
    ValueError
        If tiles are larger than the slices, or the stride is not from 1 to the size.
    """
    images = np.asarray(images)
    corners = tile_corners(images.shape[:3], size, stride, mask)
    window = tile_weights(size, weighting)
    tile = jax.ShapeDtypeStruct((batch, size, size, images.shape[-1]), images.dtype)
    channels = jax.eval_shape(predict, variables, tile).shape[-1]
    total = np.zeros((*images.shape[:3], channels), images.dtype)
    weight = np.zeros((*images.shape[:3], 1), images.dtype)
    for start in range(0, len(corners), batch):
        places = [
            (k, slice(i, i + size), slice(j, j + size))
            for k, i, j in corners[start : start + batch]
        ]
        tiles = np.zeros(tile.shape, images.dtype)
        for one, place in zip(tiles, places, strict=False):
            one[...] = images[place]
        maps = np.asarray(_predict(predict, variables, tiles))
        for values, place in zip(maps, places, strict=False):
            total[place] += window * values
            weight[place] += window
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), np.nan)


def predict_voxels(
    predict: Predict, variables: Any, signals: Float[np.ndarray, "v c"]
) -> Float[np.ndarray, "v t"]:
    """Predict voxels in equal parts, so that one program serves any number of them.

    Parameters
    ----------
    predict
        From ``variables`` and signals of shape ``(rows, c)`` to maps of shape ``(rows, t)``. The
        same function again does not compile again.
    variables
        First argument of ``predict``.
    signals
        Signals of every voxel.

    Returns
    -------
    ndarray
        Maps of every voxel.
    """
    found = []
    for first in range(0, len(signals), ROWS):
        part = signals[first : first + ROWS]
        padded = np.zeros((ROWS, signals.shape[1]), np.float32)
        padded[: len(part)] = part
        found.append(np.asarray(_predict(predict, variables, padded))[: len(part)])
    return np.concatenate(found)


def tile_corners(
    shape: tuple[int, int, int],
    size: int,
    stride: int,
    mask: Bool[np.ndarray, "s h w"] | None = None,
) -> Int[np.ndarray, "k 3"]:
    """Slice, first row and first column of tiles that together cover the slices, or the mask.

    Raises
    ------
    ValueError
        If tiles are larger than the slices, or the stride is not from 1 to the size.
    """
    s, h, w = shape
    if size > min(h, w):
        raise ValueError(f"tiles of {size} pixels do not fit into slices of {h} x {w}")
    if not 1 <= stride <= size:
        raise ValueError(f"stride must be from 1 to the tiles' {size} pixels, got {stride}")
    rows, columns = (np.unique([*range(0, n - size, stride), n - size]) for n in (h, w))
    grid = np.stack(np.meshgrid(np.arange(s), rows, columns, indexing="ij"), -1).reshape(-1, 3)
    if mask is not None:
        needed = [mask[k, i : i + size, j : j + size].any() for k, i, j in grid]
        grid = grid[np.array(needed, bool)]
    return grid.astype(np.int32)


def tile_weights(size: int, weighting: Weighting = "mean") -> Float[np.ndarray, "size size 1"]:
    """Weight of each pixel of a tile: 1, or falling from the centre as a squared sine.

    Raises
    ------
    ValueError
        If there is no such weighting.
    """
    if weighting == "mean":
        return np.ones((size, size, 1), np.float32)
    if weighting != "centre":
        raise ValueError(f"weighting must be mean or centre, got {weighting!r}")
    profile = np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2
    return (profile[:, None] * profile)[..., None].astype(np.float32)


@partial(jax.jit, static_argnums=0)
def _predict(predict: Predict, variables: Any, signals: Array) -> Array:
    return predict(variables, signals)
