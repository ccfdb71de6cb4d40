"""What makes one spine differ from another: a chain of vertebrae and discs in the midplane."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax.scipy.special import ndtr
from jaxtyping import Array, Float

Number = Float[Array, ""] | float

BODIES = ("T9", "T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5", "S1", "S2", "S3", "S4")
LEVELS = ("L1/2", "L2/3", "L3/4", "L4/5", "L5/S1")
FIRST = BODIES.index("L1")  # disc k lies between bodies k and k + 1
LUMBAR = slice(FIRST, FIRST + len(LEVELS))  # discs of LEVELS
SCORES = 5 * len(BODIES) + 12  # normal scores that a spine is drawn from

HEIGHT = (22.5, 23.0, 24.0, 25.0, 26.0, 27.0, 27.5, 27.5, 27.5, 29.0, 25.0, 22.0, 19.0)
DEPTH = (29.5, 30.0, 30.5, 31.0, 31.5, 32.5, 34.0, 34.5, 35.0, 31.0, 20.0, 15.0, 11.5)
WEDGE = (-3.0, -3.0, -2.0, -1.0, 0.0, 0.0, 1.0, 2.5, 8.0, 3.0, -2.0, -6.0, -6.0)
TAPER = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.24, 0.16, 0.15, 0.1)
TURN = (-3.0, -2.5, -2.0, 0.5, 3.5, 6.0, 9.0, 13.0, 17.5, 9.0, -6.0, -14.0)
DISC_HEIGHT = (4.8, 5.0, 6.0, 7.2, 8.3, 9.5, 10.6, 11.4, 10.4, 3.2, 1.4, 1.0)
"""Heights and depths in mm, wedges and turns to the next body below in degrees, from above.

Vertebrae and discs of an average adult; heights of the discs are those in their middle. They grow
from L1/2 to L4/5 within the published 8 to 12 mm, and bodies are 31 to 35 mm deep; wedges and
turns, and all of the sacrum, are assumed: together they make a lordosis of about 50 degrees.
"""

CONCAVITY = 1.4  # of an endplate, mm


class Wear(NamedTuple):
    """What age and degeneration have done to each disc and to the bodies beside it.

    The last axis of pairs is above and below the disc: the lower end of the one body, and the
    upper end of the other. Zeros are a spine without any of it.
    """

    height_loss: Float[Array, " discs"]  # share of the disc's height
    bulge: Float[Array, "discs 2"]  # beyond the bodies in front and behind, mm
    osteophyte: Float[Array, "discs 2"]  # how far the rims of the bodies reach forwards, mm
    modic: Float[Array, "discs 2"]  # how far the change reaches into the body, mm
    schmorl: Float[Array, "discs 2"]  # radius of a node, mm


def unworn() -> Wear:
    """A spine in which nothing has happened yet."""
    single, pair = jnp.zeros(len(TURN)), jnp.zeros((len(TURN), 2))
    return Wear(single, pair, pair, pair, pair)


class Body(NamedTuple):
    """Vertebral bodies; of pairs the first is at the upper end. Lengths in mm, angles in radians.

    Coordinates of a body run forwards (``u``) and up (``v``) from its centre.
    """

    y: Float[Array, " bodies"]  # of the centre, anterior
    z: Float[Array, " bodies"]  # superior
    tilt: Float[Array, " bodies"]  # by which the top is turned forwards
    depth: Float[Array, " bodies"]  # half
    height: Float[Array, " bodies"]  # half, at the rim
    wedge: Float[Array, " bodies"]  # tangent of half the angle between the endplates
    taper: Float[Array, " bodies"]  # narrower below, as a share
    concavity: Float[Array, "bodies 2"]
    osteophyte: Float[Array, "bodies 2"]
    modic: Float[Array, "bodies 2"]
    schmorl: Float[Array, "bodies 2"]
    place: Float[Array, "bodies 2"]  # of Modic change and nodes along the endplate, -1 to 1
    process: Float[Array, " bodies"]  # a factor on the spinous process


class Disc(NamedTuple):
    """Discs: lengths in mm, angles in radians."""

    y: Float[Array, " discs"]
    z: Float[Array, " discs"]
    tilt: Float[Array, " discs"]
    depth: Float[Array, " discs"]  # half, of the bodies beside it
    height: Float[Array, " discs"]  # half, in its middle
    bulge: Float[Array, "discs 2"]  # in front, behind


class SpineShape(NamedTuple):
    """One spine, L3 in the origin, and what lies around it."""

    bodies: Body
    discs: Disc
    canal: Number  # half of its width, mm
    fat: Number  # subcutaneous, mm
    conus: Number  # height of the end of the cord, mm
    vessel: Number  # radius of the great vessel in front, mm
    front: Number  # from the vertebrae to the abdominal wall, mm


def sample_spine(z: Float[Array, " scores"], male: Number, wear: Wear) -> SpineShape:
    """Draw one spine.

    Parameters
    ----------
    z
        Normal scores.
    male
        1 for a man, whose spine is larger by 8 %, 0 for a woman.
    wear
        What has become of the discs.
    """
    n = len(BODIES)
    (heights, turns, processes), places = z[: 3 * n].reshape(3, n), z[3 * n : 5 * n].reshape(n, 2)
    own = z[5 * n :]
    size = (0.96 + 0.08 * male) * (1.0 + 0.035 * own[0])
    lordosis = 1.0 + 0.16 * own[1]
    height = size * jnp.array(HEIGHT) / 2.0 * (1.0 + 0.025 * heights)
    depth = size * jnp.array(DEPTH) / 2.0 * (1.0 + 0.03 * own[2])
    flat = jnp.array(DISC_HEIGHT) * size * (1.0 + 0.09 * own[3] + 0.08 * processes[:-1])
    gap = jnp.maximum(flat * (1.0 - wear.height_loss), 0.8) / 2.0
    concavity = hollow(gap)
    lumbar = jnp.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    turn = jnp.array(TURN) * (1.0 + lumbar * (lordosis - 1.0)) + 0.8 * turns[:-1]
    turn = jnp.deg2rad(turn)
    tilt = jnp.concatenate([jnp.zeros(1), jnp.cumsum(turn)])
    l3 = BODIES.index("L3")
    tilt = tilt - tilt[l3] + jnp.deg2rad(-4.0 + 2.5 * own[4])

    up = jnp.stack([jnp.sin(tilt), jnp.cos(tilt)], axis=1)
    middle = (tilt[:-1] + tilt[1:]) / 2.0
    between = jnp.stack([jnp.sin(middle), jnp.cos(middle)], axis=1)
    # Endplates are hollow: at the rims bodies are nearer to each other than in the middle.
    rim = jnp.maximum(gap - concavity, 0.3)[:, None]
    above, below = height[:-1, None] * up[:-1], height[1:, None] * up[1:]
    steps = -(above + 2.0 * rim * between + below)
    at = jnp.concatenate([jnp.zeros((1, 2)), jnp.cumsum(steps, axis=0)])
    at = at - at[l3]
    ends = at[:-1] - above - rim * between

    def beside(of_discs: Float[Array, "discs 2"]) -> Float[Array, "bodies 2"]:
        """What each body has at its upper and at its lower end."""
        none = jnp.zeros(1)
        upper = jnp.concatenate([none, of_discs[:, 1]])
        return jnp.stack([upper, jnp.concatenate([of_discs[:, 0], none])], axis=1)

    taper = jnp.array(TAPER)
    bodies = Body(
        y=at[:, 0],
        z=at[:, 1],
        tilt=tilt,
        depth=depth,
        height=height,
        wedge=jnp.tan(jnp.deg2rad(jnp.array(WEDGE)) / 2.0),
        taper=taper,
        concavity=beside(jnp.stack([concavity, concavity], axis=1)),
        osteophyte=beside(wear.osteophyte),
        modic=beside(wear.modic),
        schmorl=beside(wear.schmorl),
        place=2.0 * ndtr(places) - 1.0,
        process=1.0 + 0.08 * processes,
    )
    discs = Disc(
        y=ends[:, 0],
        z=ends[:, 1],
        tilt=middle,
        depth=(depth[:-1] * (1.0 - taper[:-1]) + depth[1:] * (1.0 + taper[1:])) / 2.0,
        height=gap,
        bulge=jnp.maximum(0.9 + 0.35 * own[5:7] + wear.bulge, 0.0),
    )
    return SpineShape(
        bodies,
        discs,
        canal=size * (7.6 + 0.6 * own[7]),
        fat=jnp.clip(17.0 + 7.0 * own[8] - 3.0 * male, 6.0, 38.0),
        conus=at[FIRST, 1] - height[FIRST] + 9.0 * own[9],
        vessel=7.5 + 0.8 * own[10] + 0.8 * male,
        front=jnp.clip(78.0 + 14.0 * own[11], 50.0, 120.0),
    )


def hollow(gap: Float[Array, ...]) -> Float[Array, ...]:
    """Depth of the endplates beside a disc of half a height ``gap``: less where discs are thin."""
    return CONCAVITY * jnp.clip((gap - 0.4) / 2.5, 0.0, 1.0)
