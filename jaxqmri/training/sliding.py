"""Prediction of any amount by one program: slices tile by tile, voxels in equal parts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
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
    s, h, w, _ = images.shape
    corners = tile_corners((s, h, w), size, stride, mask)
    window = jnp.asarray(tile_weights(size, weighting))
    images = jnp.asarray(images)
    tile = jax.ShapeDtypeStruct((batch, size, size, images.shape[-1]), images.dtype)
    channels = jax.eval_shape(predict, variables, tile).shape[-1]
    total = jnp.zeros((s, h, w, channels), images.dtype)
    weight = jnp.zeros((s, h, w, 1), images.dtype)
    for start in range(0, len(corners), batch):
        some = corners[start : start + batch]
        counted = np.zeros(batch, np.float32)
        counted[: len(some)] = 1.0
        padded = np.zeros((batch, 3), np.int32)
        padded[: len(some)] = some
        total, weight = _add_tiles(
            predict, size, variables, images, padded, counted, window, total, weight
        )
    sums, weights = np.asarray(total), np.asarray(weight)
    return np.where(weights > 0, sums / np.where(weights > 0, weights, 1.0), np.nan)


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


@partial(jax.jit, static_argnums=(0, 1), donate_argnums=(7, 8))
def _add_tiles(
    predict: Predict,
    size: int,
    variables: Any,
    images: Array,
    corners: Array,
    counted: Array,
    window: Array,
    total: Array,
    weight: Array,
) -> tuple[Array, Array]:
    """Predict one batch of tiles and add them to the sum and to the sum of weights."""

    def cut(corner: Array) -> Array:
        k, i, j = corner
        return jax.lax.dynamic_slice(images, (k, i, j, 0), (1, size, size, images.shape[-1]))[0]

    maps = predict(variables, jax.vmap(cut)(corners))

    def add(sums: tuple[Array, Array], tile: tuple[Array, Array, Array]) -> tuple[Any, None]:
        (k, i, j), share, values = tile
        parts = []
        for whole, part in zip(sums, (window * values, window), strict=True):
            at = (k, i, j, 0)
            before = jax.lax.dynamic_slice(whole, at, (1, size, size, whole.shape[-1]))
            parts.append(jax.lax.dynamic_update_slice(whole, before + share * part[None], at))
        return tuple(parts), None

    return jax.lax.scan(add, (total, weight), (corners, counted, maps))[0]
