"""Veins and ducts of the liver, and the great vessels."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxqmri.simulate.anatomy.tubes import Tubes, grow

PORTAL_TRUNK = jnp.array(
    [
        (0.0, 12.0, -34.0),  # behind the neck of the pancreas
        (14.0, 16.0, -14.0),
        (27.0, 17.0, 0.0),  # divides in the porta hepatis
        (48.0, 10.0, 3.0),  # right
        (66.0, 26.0, 12.0),  # right anterior
        (78.0, -14.0, 4.0),  # right posterior
        (14.0, 30.0, 12.0),  # left
        (-2.0, 46.0, 20.0),  # umbilical part
    ]
)
PORTAL_PARENTS = jnp.array([0, 0, 1, 2, 3, 3, 2, 6])

HEPATIC_TRUNK = jnp.array(
    [
        (20.0, -2.0, 66.0),  # into the vena cava
        (44.0, -8.0, 50.0),  # right
        (82.0, -2.0, 26.0),
        (98.0, 4.0, -10.0),
        (34.0, 22.0, 48.0),  # middle
        (46.0, 46.0, 18.0),
        (10.0, 24.0, 54.0),  # left
        (-14.0, 46.0, 36.0),
    ]
)
HEPATIC_PARENTS = jnp.array([0, 0, 1, 2, 0, 4, 0, 6])

RIGHT_TARGETS, LEFT_TARGETS = 30, 8


def targets(z: Float[Array, "n 3"]) -> Float[Array, "n 3"]:
    """Places all over the liver in random directions, those near the porta hepatis first."""
    z = z / jnp.sqrt((z**2).sum(axis=1, keepdims=True))
    share = (jnp.arange(RIGHT_TARGETS) + 0.5) / RIGHT_TARGETS
    right = jnp.array([78.0, 4.0, 0.0]) + (
        jnp.array([44.0, 78.0, 62.0]) * z[:RIGHT_TARGETS] * share[:, None] ** (1 / 3)
    )
    share = (jnp.arange(LEFT_TARGETS) + 0.5) / LEFT_TARGETS
    left = jnp.array([-10.0, 54.0, 22.0]) + (
        jnp.array([44.0, 24.0, 30.0]) * z[RIGHT_TARGETS:] * share[:, None] ** (1 / 3)
    )
    return jnp.concatenate([right, left])


SCORES = (2, len(PORTAL_TRUNK) + RIGHT_TARGETS + LEFT_TARGETS, 3)


def veins(scores: Float[Array, "2 n 3"]) -> tuple[Tubes, Tubes]:
    """Portal and hepatic veins with their branches, from normal scores of shape ``SCORES``.

    Those of one kind run between those of the other only as chance has it.
    """

    def tree(trunk: Array, parents: Array, leaf: Array, first: Array, z: Array) -> Tubes:
        known = len(PORTAL_TRUNK)
        return grow(trunk + 2.5 * z[:known], parents, targets(z[known:]), leaf, first)

    both = jax.vmap(tree)(
        jnp.stack([PORTAL_TRUNK, HEPATIC_TRUNK]),
        jnp.stack([PORTAL_PARENTS, HEPATIC_PARENTS]),
        jnp.array([1.3, 1.1]),
        jnp.array([3, 1]),
        scores,
    )
    portal, hepatic = (jax.tree.map(lambda each, i=i: each[i], both) for i in (0, 1))
    return portal, hepatic
