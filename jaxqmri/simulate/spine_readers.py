"""Two readers of a spine: boxes and grades on one image, regions of interest on another."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Integer

from jaxqmri.simulate.anatomy.column import NUCLEUS, body, disc, local
from jaxqmri.simulate.anatomy.distance import Point
from jaxqmri.simulate.anatomy.spine_shape import LEVELS, LUMBAR, Disc, SpineShape
from jaxqmri.simulate.spine_discs import GRADES, grade
from jaxqmri.simulate.spine_scanner import InPlane, Plane, centres

Number = Float[Array, ""] | float

READINGS = 3
AREA = 100.0  # of a region of interest, mm^2
SCORES = len(LEVELS) * (4 + 1 + 2 * READINGS)  # normal scores of a reader's hand and eye


class Reading(NamedTuple):
    """What one reader says of a patient."""

    boxes: Float[Array, "levels 4"]  # x1, y1, x2, y2 in pixels of the T1-weighted image
    grades: Integer[Array, " levels"]  # Pfirrmann, 1 to 5
    regions: Integer[Array, "readings x y"]  # labels 1 to 5 on the T1rho-weighted image


def lumbar_discs(shape: SpineShape) -> Disc:
    """The five lumbar discs."""
    return Disc(*(each[LUMBAR] for each in shape.discs))


def boxes(shape: SpineShape, pose: InPlane, plane: Plane) -> Float[Array, "levels 4"]:
    """The smallest boxes about the discs, nucleus and annulus, in pixels of the T1-weighted image.

    A box is ``x1, y1, x2, y2``, from the image's first corner along its first and second axis:
    pixel ``k`` reaches from ``k`` to ``k + 1``.
    """
    across, up = jnp.meshgrid(jnp.linspace(-1.0, 1.0, 81), jnp.linspace(-1.0, 1.0, 41))

    def one(d: Disc) -> Float[Array, " 4"]:
        u, v = across.ravel() * (d.depth + 6.0), up.ravel() * (d.height + 6.0)
        cos, sin = jnp.cos(d.tilt), jnp.sin(d.tilt)
        p = Point(jnp.zeros_like(u), d.y + cos * u + sin * v, d.z - sin * u + cos * v)
        near = jax.vmap(lambda b: body(p, b).whole)(shape.bodies).min(axis=0)
        room = -disc(p, d, near)[0]
        at = pose.to_scanner(p)
        pixel = plane.field_of_view / plane.matrix
        ends = []
        for c in (at.y, at.z):
            # A circle about a point of the disc that touches its border lies within it.
            high = jnp.max(c + room, where=room > 0, initial=-jnp.inf)
            low = jnp.min(c - room, where=room > 0, initial=jnp.inf)
            ends.append([plane.matrix / 2.0 - end / pixel for end in (high, low)])
        (x1, x2), (y1, y2) = ends
        return jnp.stack([x1, y1, x2, y2])

    return jax.vmap(one)(lumbar_discs(shape))


def region(p: Point, discs: Disc, shift: Float[Array, "levels 2"]) -> Integer[Array, "x y"]:
    """Label 1 to 5 at points in a region of interest about the middle of each nucleus.

    An ellipse of 1 cm^2 that leaves room above and below; it is smaller where even the disc has no
    room for it.

    Parameters
    ----------
    p
        Points, in the spine's coordinates.
    discs
        The lumbar discs.
    shift
        By how much the reader is off, along each disc and across it, in mm.
    """

    def one(d: Disc, off: Array) -> Array:
        u, v = local(p, d)
        high = jnp.minimum(0.8 * d.height, (AREA / jnp.pi) ** 0.5)
        long = jnp.minimum(AREA / (jnp.pi * high), 0.8 * d.depth)
        u = u - NUCLEUS[2] * d.depth - off[0]
        return (u / long) ** 2 + ((v - off[1]) / high) ** 2 < 1.0

    inside = jax.vmap(one)(discs, shift)
    labels = jnp.arange(1, len(LEVELS) + 1)[:, None, None]
    return (inside * labels).max(axis=0).astype(jnp.uint8)


def read(
    z: Float[Array, " scores"],
    shape: SpineShape,
    pose: InPlane,
    plane: Plane,
    degeneration: Float[Array, " levels"],
    hand: tuple[Number, Number, Number],
) -> Reading:
    """What a reader says, from normal scores.

    Parameters
    ----------
    z
        Normal scores of the reader's hand and eye.
    shape, pose, plane
        What there is to see.
    degeneration
        Of the lumbar discs.
    hand
        SD of a box's edge in pixels, of a region's place in mm (a third of it across the disc), and
        of a grade.
    """
    count = len(LEVELS)
    z = jnp.clip(z, -2.5, 2.5)
    edges, eye, places = jnp.split(z, (4 * count, 5 * count))
    drawn = boxes(shape, pose, plane) + hand[0] * edges.reshape(count, 4)
    seen = jnp.round(grade(degeneration) + hand[2] * eye)
    p = pose.to_body(centres(plane, plane.t1rho_matrix))
    shifts = hand[1] * places.reshape(READINGS, count, 2) * jnp.array([1.0, 1.0 / 3.0])
    discs = lumbar_discs(shape)
    return Reading(
        jnp.clip(drawn, 0.0, float(plane.matrix)),
        jnp.clip(seen, 1, len(GRADES)).astype(jnp.uint8),
        jax.vmap(lambda shift: region(p, discs, shift))(shifts),
    )
