"""Samples of a subject in two passes: all that is there, then what cartilage adds to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxqmri.simulate.acquisition import BLOCK, places, slices_of
from jaxqmri.simulate.geometry import Grid


class Found(NamedTuple):
    """What the first pass finds at points."""

    rows: Float[Array, "n p"]  # of all but cartilage; the second pass adds to them
    kept: Float[Array, "m p"]  # complete already
    share: Float[Array, " p"]  # of cartilage, any
    layers: Float[Array, "l p"]  # what the second pass needs to know of cartilage there


def sample_twice(
    fine: Grid,
    everything: Callable[[Float[Array, "p 3"]], Found],
    cartilage: Callable[
        [Float[Array, "p 3"], Float[Array, " p"], Float[Array, "l p"]], Float[Array, "n p"]
    ],
) -> tuple[Float[Array, "n z x y"], Float[Array, "m z x y"]]:
    """Samples of all that is there, slices first.

    Cartilage varies from point to point, and one point in fifty holds any: what it adds is worked
    out there alone.

    Parameters
    ----------
    fine
        Grid of the samples.
    everything
        What points hold, their places in mm given.
    cartilage
        What a share of cartilage adds to ``rows``, of the places, the share and ``layers`` there.
    """
    affine, shape = jnp.asarray(fine.affine(), jnp.float32), jnp.asarray(fine.shape[:2])
    count = -(-int(np.prod(fine.shape)) // BLOCK)

    def block(start: Array) -> Found:
        return everything(places(start + jnp.arange(BLOCK), shape, affine))

    found = jax.lax.map(block, jnp.arange(count) * BLOCK)
    share = found.share
    holding = jnp.nonzero(share.ravel() > 0, size=share.size, fill_value=share.size)[0]

    def add(step: Array, rows: Array) -> Array:
        flat = jax.lax.dynamic_slice_in_dim(holding, step * BLOCK, BLOCK)
        which, lane = flat // BLOCK, flat % BLOCK
        at = places(flat, shape, affine)
        added = cartilage(at, share[which, lane], found.layers[which, :, lane].T)
        return rows.at[which, :, lane].add(added.T)

    steps = -(-jnp.count_nonzero(share) // BLOCK)
    rows = jax.lax.fori_loop(0, steps, add, found.rows)
    return slices_of(rows, fine), slices_of(found.kept, fine)
