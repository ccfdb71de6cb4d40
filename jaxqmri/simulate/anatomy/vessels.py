"""Veins and ducts of the liver, and the great vessels."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

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


def targets(key: PRNGKeyArray) -> Float[Array, "n 3"]:
    """Places all over the liver, those near the porta hepatis first."""
    z = jax.random.normal(key, (RIGHT_TARGETS + LEFT_TARGETS, 3))
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


def portal_veins(key: PRNGKeyArray) -> Tubes:
    """Draw the portal vein and its branches."""
    places, shift = jax.random.split(key)
    moved = PORTAL_TRUNK + 2.5 * jax.random.normal(shift, PORTAL_TRUNK.shape)
    return grow(moved, PORTAL_PARENTS, targets(places), 1.3, 3)


def hepatic_veins(key: PRNGKeyArray) -> Tubes:
    """Draw the hepatic veins, which run between the branches of the portal vein."""
    places, shift = jax.random.split(key)
    moved = HEPATIC_TRUNK + 3.0 * jax.random.normal(shift, HEPATIC_TRUNK.shape)
    return grow(moved, HEPATIC_PARENTS, targets(places), 1.1, 1)
