"""Two readers of femoral cartilage, each with a convention of where it begins and ends."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Integer

from jaxqmri.simulate.anatomy.distance import Point
from jaxqmri.simulate.fields import fields_of

Number = Float[Array, ""] | float

HAND = 6.0  # mm over which a hand wavers, within a slice and from slice to slice
FLUID_EDGE = 0.16  # mm, half of a published pixel
THINNEST = 0.31  # mm, a published pixel: nobody draws a thinner plate, however the hand wavers


class Convention(NamedTuple):
    """How far within the true borders a reader stays, and how the hand wavers about that, in mm."""

    inner: Number  # from the bone
    outer: Number  # from the surface
    hand: Number  # SD of either border


def draw(
    bone: Float[Array, "x y z"],
    surface: Float[Array, "x y z"],
    at: Float[Array, "x y z 3"],
    waves: Float[Array, "2 n 4"],
    convention: Convention,
) -> Integer[Array, "x y z"]:
    """Voxels that a reader takes for femoral cartilage: 1 inside, 0 elsewhere.

    ``bone > i + e_i`` and ``surface < -(o + e_o)``, with smooth random fields ``e``, where
    cartilage is thicker than :data:`THINNEST`.

    Parameters
    ----------
    bone, surface
        Signed distances in mm to the femur and to the surface of its cartilage, mean over a
        voxel: where they curve within a thick slice the reader draws a border in between.
    at
        Voxel centres in mm.
    waves
        Normal scores of the fields.
    convention
        The reader's.
    """
    p = Point(*jnp.moveaxis(at, -1, 0))
    hand_inner, hand_outer = fields_of(waves, HAND, HAND)
    inner = convention.inner + convention.hand * hand_inner(p)
    outer = convention.outer + convention.hand * hand_outer(p)
    there = bone - surface > THINNEST
    return (there & (bone > inner) & (surface < -outer)).astype(jnp.uint8)
