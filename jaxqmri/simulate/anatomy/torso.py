"""The wall of the trunk and what holds it up: skin, muscle, ribs, spine, diaphragm and lungs."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp

from jaxqmri.simulate.anatomy.body_shape import BodyShape
from jaxqmri.simulate.anatomy.distance import (
    Distance,
    Point,
    capsule,
    ellipse,
    ellipsoid,
    ramp,
    round_intersection,
    rounded_box,
    smooth_union,
)

RIB_SPACING = 26.0  # mm, of neighbouring ribs along the body
LEVEL = 33.0  # from vertebra to vertebra


class Torso(NamedTuple):
    """Distances to the wall of the trunk and its bones."""

    cavity: Distance
    wall: Distance  # muscle between cavity and subcutaneous fat
    skin: Distance
    rib: Distance
    vertebra: Distance
    disc: Distance  # height above the middle of a disc, less half its thickness
    arch: Distance  # processes and lamina
    canal: Distance
    cord: Distance
    back: Distance  # muscles along the spine
    psoas: Distance
    diaphragm: Distance  # the dome: negative below it
    lung: Distance


def torso(p: Point, s: BodyShape) -> Torso:
    """Distances to all of the wall."""
    x, y, z = p
    side = jnp.abs(x)
    front = y - 8.0
    # The chest narrows upwards, the waist downwards.
    width = s.width - 0.00035 * (z + 5.0) ** 2
    cavity = rounded_box(x, front, width, s.depth)
    wall_front = 6.0 + 3.0 * jnp.exp(-(((side - 45.0) / 30.0) ** 2))
    toward_front = ramp(front + 10.0, 80.0)
    thickness = s.wall + (wall_front - s.wall) * toward_front
    midline = 3.0 * jnp.exp(-((x / 6.0) ** 2)) * toward_front
    flank = cavity - thickness + midline
    back = smooth_union(
        ellipse(side - 29.0, y + 86.0, 27.0, 18.0), ellipse(side - 58.0, y + 84.0, 24.0, 10.0), 8.0
    )
    wall = smooth_union(flank, back, 10.0)
    fat = s.fat_side + (s.fat_front - s.fat_side) * toward_front
    outline = rounded_box(
        x, y - 6.0, s.width + s.wall + s.fat_side, s.depth + 9.0 + 0.5 * (s.fat_front + 14.0)
    )
    furrow = 7.0 * jnp.exp(-((x / 16.0) ** 2)) * ramp(-y, 60.0)
    skin = smooth_union(outline + furrow, wall - fat * (1.0 - 0.4 * ramp(-y - 20.0, 70.0)), 20.0)
    return Torso(
        cavity=cavity,
        wall=wall,
        skin=skin,
        rib=ribs(x, y, z, flank, thickness),
        vertebra=round_intersection(ellipse(x, y + 38.0, 22.0, 17.0) + waist(z), -(y + 58.5), 3.0),
        disc=jnp.abs(level(z)) - 4.0,
        arch=arches(p),
        canal=ellipse(x, y + 67.0, 11.5, 9.0),
        cord=ellipse(x, y + 67.0, 5.6, 4.4),
        back=back,
        psoas=capsule(Point(side, y, z), (27.0, -44.0, -18.0), (48.0, -38.0, -95.0), 13.0),
        diaphragm=diaphragm(p, s),
        lung=lungs(p, s, cavity),
    )


def level(z: Distance) -> Distance:
    """Height above the middle of the nearest disc, mm."""
    return z - 9.0 - LEVEL * jnp.round((z - 9.0) / LEVEL)


def waist(z: Distance) -> Distance:
    """How far a vertebra is drawn in between its end plates, mm."""
    return 2.5 * ramp(jnp.abs(level(z)) - 5.0, 10.0)


def arches(p: Point) -> Distance:
    """Distance to pedicles, laminae and processes of the vertebrae."""
    x, y, z = p
    side = jnp.abs(x)
    height = jnp.abs(level(z))
    canal = ellipse(x, y + 67.0, 11.5, 9.0)
    ring = jnp.maximum(jnp.maximum(canal - 5.0, -canal), y + 62.0)
    pedicle = jnp.maximum(ellipse(side - 14.0, y + 58.0, 4.5, 9.0), 8.0 - height)
    spinous = round_intersection(ellipse(x, y + 88.0, 3.8, 17.0), 4.0 - height, 2.0)
    out = jnp.clip(side - 14.0, 0.0, 24.0)
    transverse = jnp.sqrt((side - 14.0 - out) ** 2 + (y + 66.0 + 0.3 * out) ** 2 + 1e-6) - 4.2
    transverse = jnp.maximum(transverse, 9.0 - height)
    return jnp.minimum(jnp.minimum(ring, pedicle), jnp.minimum(spinous, transverse))


def ribs(x: Distance, y: Distance, z: Distance, flank: Distance, thickness: Distance) -> Distance:
    """Distance to the ribs: bars in the wall that sink from the spine to the front.

    They end where the costal cartilage of the lower ribs would begin.
    """
    depth = flank + 0.55 * thickness
    along = jnp.abs(jnp.arctan2(x, 8.0 - y))  # 0 behind, pi in front
    height = z + 62.0 * along
    height = height - RIB_SPACING * jnp.round(height / RIB_SPACING)
    bar = ellipse(depth, height, 3.2, 6.5)
    ends = jnp.maximum(along - 2.35 + 0.006 * (20.0 - z), 0.45 - along) * 100.0
    return jnp.maximum(bar, ends)


def diaphragm(p: Point, s: BodyShape) -> Distance:
    """Distance to the dome under the lungs: negative below."""
    right = ellipsoid(p, (66.0, 0.0, -25.0), (78.0, 98.0, s.dome + 25.0))
    left = ellipsoid(p, (-66.0, 2.0, -30.0), (76.0, 96.0, s.dome + 20.0))
    middle = ellipsoid(p, (0.0, 30.0, -25.0), (60.0, 80.0, s.dome + 10.0))
    return smooth_union(smooth_union(right, left, 12.0), middle, 20.0)


def lungs(p: Point, s: BodyShape, cavity: Distance) -> Distance:
    """Distance to the lungs, which reach down between diaphragm and wall, deepest behind."""
    recess = 6.0 + 50.0 * ramp(p.y + 70.0, 110.0)
    heart = ellipsoid(p, (-25.0, 42.0, 100.0), (62.0, 50.0, 52.0))
    lung = jnp.maximum(jnp.maximum(cavity + 1.5, 2.0 - diaphragm(p, s)), recess - p.z)
    return round_intersection(lung, -heart, 4.0)
