"""The spinal column in the midsagittal plane: signed distances to vertebral bodies and discs."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxqmri.simulate.anatomy.distance import (
    Distance,
    Point,
    ellipse,
    ramp,
    round_intersection,
    rounded_box,
)
from jaxqmri.simulate.anatomy.spine_shape import Body, Disc, SpineShape

CORTEX = 0.8  # thickness of a body's cortex, and of an endplate with its cartilage, mm
NUCLEUS = (0.56, 0.92, -0.08)
"""Half of a nucleus's length and height, and how far in front of the middle it lies.

As shares of the disc's half depth, half height and half depth.
"""


class Column(NamedTuple):
    """Distances to vertebral bodies and discs, and which of them are nearest."""

    body: Float[Array, " p"]
    vein: Float[Array, " p"]  # that leaves a body behind
    disc: Float[Array, " p"]
    nucleus: Float[Array, " p"]
    nearest_body: Float[Array, "bodies p"]  # 1 for the nearest
    nearest_disc: Float[Array, "discs p"]
    modic: Float[Array, "2 p"]  # share of marrow changed at the upper and the lower end


class OfBody(NamedTuple):
    """Distances to one vertebral body."""

    whole: Distance
    vein: Distance
    modic: tuple[Distance, Distance]  # not a distance but a share


def local(p: Point, part: Body | Disc) -> tuple[Distance, Distance]:
    """Coordinates of a body or a disc: forwards and up from its centre."""
    y, z = p.y - part.y, p.z - part.z
    cos, sin = jnp.cos(part.tilt), jnp.sin(part.tilt)
    return cos * y - sin * z, sin * y + cos * z


def body(p: Point, b: Body) -> OfBody:
    """Distance to one vertebral body: waisted, hollow at both ends, with rims that may grow."""
    u, v = local(p, b)
    up = jnp.clip(v / b.height, -1.3, 1.3)
    half = b.depth * (1.0 + b.taper * up) * (1.0 - 0.055 * (1.0 - up**2))
    lips = (b.osteophyte[0] * _lip(up) + b.osteophyte[1] * _lip(-up)) / 2.0
    across = jnp.clip(u / b.depth, -1.2, 1.2)
    top, bottom = (b.height + b.wedge * u - hollow * (1.0 - across**2) for hollow in b.concavity)
    below_top, above_bottom = top - v, v + bottom
    side = jnp.abs(u - lips) - half - lips
    whole = round_intersection(side, -jnp.minimum(below_top, above_bottom), 2.2)
    for end, level in enumerate((top, -bottom)):
        off = u - 0.5 * b.place[end] * b.depth
        outwards = 0.35 * b.schmorl[end] * (1.0 - 2.0 * end)
        node = b.schmorl[end] - jnp.sqrt(off**2 + (v - level - outwards) ** 2 + 1e-6)
        whole = jnp.where(b.schmorl[end] > 0, round_intersection(whole, node, 1.0), whole)
    vein = ellipse(u + b.depth, v, 8.0, 1.7) + jnp.where(b.taper > 0, 100.0, 0.0)
    changed = [
        _modic(u / b.depth - 0.6 * b.place[end], depth, b.modic[end])
        for end, depth in enumerate((below_top, above_bottom))
    ]
    return OfBody(whole, vein, (changed[0], changed[1]))


def _lip(up: Distance) -> Distance:
    """How much of an osteophyte there is at a height -1 to 1: a beak at the upper rim."""
    return jnp.clip((up + 1.0) / 2.0, 0.0, 1.0) ** 7


def _modic(off: Distance, depth: Distance, extent: Distance) -> Distance:
    """Share of marrow that a Modic change has reached, from how deep below the endplate it lies."""
    reach = extent * (1.0 - (off / 0.75) ** 2)
    return jnp.where(extent > 0, ramp(reach - depth + 0.75, 1.5), 0.0)


def disc(p: Point, d: Disc, bodies: Distance) -> tuple[Distance, Distance]:
    """Distance to one disc and to its nucleus, the distance to the nearest body given."""
    u, v = local(p, d)
    flat = jnp.clip((v / (d.height + 1.0)) ** 2, 0.0, 4.0)
    bulge = jnp.where(u > 0, d.bulge[0], d.bulge[1])
    edge = jnp.abs(u) - d.depth - bulge * (1.0 - flat)
    # With room above and below: nodes reach into the bodies.
    whole = round_intersection(edge, jnp.abs(v) - d.height - 6.0, 1.5)
    whole = jnp.maximum(whole, CORTEX - bodies)
    long, high, forwards = NUCLEUS
    core = rounded_box(u - forwards * d.depth, v, long * d.depth, high * d.height)
    return whole, jnp.maximum(core, whole + 0.8)


def nearest(distances: Float[Array, "n p"]) -> Float[Array, "n p"]:
    """1 for the smallest distance at each point, 0 for the others."""
    first = distances.argmin(axis=0)
    return (jnp.arange(len(distances))[:, None] == first).astype(distances.dtype)


def column(p: Point, s: SpineShape) -> Column:
    """Distances to the bodies and discs of a spine."""
    bodies = jax.vmap(lambda b: body(p, b))(s.bodies)
    near = bodies.whole.min(axis=0)
    whole, core = jax.vmap(lambda d: disc(p, d, near))(s.discs)
    which = nearest(bodies.whole)
    return Column(
        near,
        bodies.vein.min(axis=0),
        whole.min(axis=0),
        core.min(axis=0),
        which,
        nearest(whole),
        jnp.stack([(changed * which).sum(axis=0) for changed in bodies.modic]),
    )
