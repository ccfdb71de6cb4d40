"""What makes one trunk differ from another."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from jaxqmri.simulate.anatomy.distance import Point
from jaxqmri.simulate.anatomy.tubes import Tubes
from jaxqmri.simulate.anatomy.vessels import SCORES, veins
from jaxqmri.simulate.fields import RandomField, fields_of

Number = Float[Array, ""] | float


class BodyShape(NamedTuple):
    """What makes one trunk differ from another; lengths in mm, ``scale`` a factor on them all."""

    scale: Number
    width: Number  # half of the abdominal cavity
    depth: Number
    wall: Number  # of muscle at the flank
    fat_side: Number  # subcutaneous
    fat_front: Number
    dome: Number  # height of the right diaphragm
    slope: Number  # of the liver's visceral surface: how fast it gives way downwards
    left_lobe: Number  # how far it reaches to the left
    left_depth: Number  # of the left lobe, front to back
    fissure: Number  # half-width of the fissure of the round ligament
    gallbladder: Number  # radius
    kidneys: Float[Array, "2 3"]  # shifts of the right and the left one
    kidney_size: Number
    spleen: Number  # a factor on its size
    spleen_shift: Float[Array, " 3"]
    stomach: Number  # a factor on its size
    stomach_shift: Float[Array, " 3"]
    stomach_gas: Number  # height of its surface
    portal: Tubes
    hepatic: Tubes
    bend: tuple[RandomField, RandomField, RandomField]  # moves points, so that nothing is straight
    bend_size: Number
    bowel: RandomField

    def bent(self, p: Point) -> Point:
        """Points moved by a few millimetres, smoothly."""
        return Point(*(c + self.bend_size * f(p) for c, f in zip(p, self.bend, strict=True)))


def sample_body(key: PRNGKeyArray, male: Number, stage: Number) -> BodyShape:
    """Draw one trunk.

    Parameters
    ----------
    key
        Random key of the subject.
    male
        1 or 0: men are larger, women have more fat beneath the skin.
    stage
        Fibrosis stage, 0 to 2: the spleen grows a little with it.
    """
    trees, waves = math.prod(SCORES), 4 * 10 * 4
    drawn = jax.random.normal(key, (32 + trees + waves,))
    z = jnp.clip(drawn[:32], -2.2, 2.2)
    portal, hepatic = veins(drawn[32 : 32 + trees].reshape(SCORES))
    fields = fields_of(drawn[32 + trees :].reshape(4, 10, 4), 45.0, 45.0, 45.0, 13.0)
    return BodyShape(
        scale=0.95 + 0.06 * male + 0.03 * z[0],
        width=128.0 + 5.0 * z[1],
        depth=90.0 + 5.0 * z[2],
        wall=11.0 + 2.0 * male + 1.2 * z[3],
        fat_side=jnp.clip(17.0 - 5.0 * male + 5.0 * z[4], 5.0, 32.0),
        fat_front=jnp.clip(20.0 - 5.0 * male + 5.0 * z[4] + 2.0 * z[5], 6.0, 36.0),
        dome=78.0 + 5.0 * z[6],
        slope=jnp.clip(0.55 + 0.1 * z[7], 0.3, 0.8),
        left_lobe=64.0 + 12.0 * z[8],
        left_depth=36.0 + 3.0 * z[9],
        fissure=jnp.clip(1.6 + 0.6 * z[10], 0.5, 3.5),
        gallbladder=jnp.clip(13.0 + 3.0 * z[11], 5.0, 19.0),
        kidneys=jnp.array([3.0, 3.0, 8.0]) * z[12:18].reshape(2, 3),
        kidney_size=1.0 + 0.06 * z[18],
        spleen=1.0 + 0.03 * stage + 0.08 * z[19],
        spleen_shift=jnp.array([2.0, 4.0, 8.0]) * z[20:23],
        stomach=1.0 + 0.12 * z[23],
        stomach_shift=jnp.array([5.0, 5.0, 8.0]) * z[24:27],
        stomach_gas=52.0 + 8.0 * z[27],
        portal=portal,
        hepatic=hepatic,
        bend=(fields[0], fields[1], fields[2]),
        bend_size=jnp.asarray(3.0),
        bowel=fields[3],
    )
