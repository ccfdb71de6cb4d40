"""A function of one voxel applied to many, tile by tile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxqmri.fitting.problem import Voxel


def in_tiles(
    one: Callable[[Voxel], Any], tile: int, shared: Voxel, each: Voxel, filled: Any = None
) -> Any:
    """Apply a function of one voxel to ``N`` voxels, tile by tile.

    Parameters
    ----------
    one
        A function of one voxel that returns a pytree of scalars.
    tile
        Voxels that are worked on together.
    shared, each
        Two parts of every voxel: entries of ``shared`` hold for all voxels, entries of ``each``
        have a leading axis ``N``, a multiple of the tile. None or an absent name where the other
        part has it.
    filled
        How many of the voxels, the first ones, there are; the others only fill the size that the
        program is compiled for. Tiles without a voxel are passed over. All of them when None.

    Returns
    -------
    pytree
        What ``one`` returns, every leaf of shape ``(N,)``; anything where there is no voxel.
    """

    def together(own: Voxel) -> Any:
        # the voxel axis goes last: each sample is then one contiguous row
        own = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1), own)
        return jax.vmap(lambda v: one(joined(shared, v)), in_axes=-1, out_axes=-1)(own)

    count = each.signals.shape[0]
    if count <= tile:
        return together(each)
    tiled = jax.tree.map(lambda leaf: leaf.reshape(count // tile, tile, *leaf.shape[1:]), each)
    if filled is None:
        return jax.tree.map(lambda leaf: leaf.reshape(count), lax.map(together, tiled))

    def nothing(own: Voxel) -> Any:
        shapes = jax.eval_shape(together, own)
        return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)

    def unless_empty(tile: tuple[Any, Voxel]) -> Any:
        first, own = tile
        return lax.cond(first < filled, together, nothing, own)

    found = lax.map(unless_empty, (jnp.arange(0, count, tile), tiled))
    return jax.tree.map(lambda leaf: leaf.reshape(count), found)


def joined(shared: Voxel, own: Voxel) -> Voxel:
    """One voxel of both parts, every number in the type of its samples."""
    voxel = Voxel(
        own.signals,
        {**shared.known, **own.known},
        {**shared.known_std, **own.known_std},
        {**shared.known_cov, **own.known_cov},
        {**shared.start, **own.start},
        {**shared.away_from, **own.away_from},
        shared.weights if own.weights is None else own.weights,
        shared.sigma if own.sigma is None else own.sigma,
        None,
    )
    cast = jax.tree.map(lambda leaf: jnp.asarray(leaf, own.signals.dtype), voxel)
    return cast._replace(steps=shared.steps)
