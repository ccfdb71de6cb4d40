"""What lies about the spinal column: canal and its contents, processes, vessels, wall and skin."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxqmri.simulate.anatomy.distance import (
    Distance,
    Point,
    ramp,
    round_intersection,
    rounded_box,
)
from jaxqmri.simulate.anatomy.spine_shape import BODIES, Body, SpineShape

SLANT = (42.0, 42.0, 38.0, 25.0, 14.0, 12.0, 10.0, 10.0, 14.0, 8.0, 0.0, 0.0, 0.0)
LENGTH = (33.0, 33.0, 32.0, 31.0, 31.0, 33.0, 34.0, 32.0, 26.0, 17.0, 12.0, 9.0, 7.0)
HIGH = (6.0, 6.0, 6.5, 8.0, 9.5, 10.5, 11.0, 10.5, 8.5, 7.0, 5.0, 4.0, 3.5)
NEARER = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.9, 0.65, 0.45, 0.35)
"""Spinous processes: slant in degrees, length and half height in mm, and how far behind the bodies
they begin, as a share of what it is in lumbar vertebrae (assumed)."""

SMOOTH = 17.0  # mm of height over which lines that run along the spine are smoothed


class Surroundings(NamedTuple):
    """Distances to what lies about the column."""

    canal: Float[Array, " p"]
    sac: Float[Array, " p"]
    cord: Float[Array, " p"]
    roots: Float[Array, " p"]  # of the cauda equina, on the back of the sac
    process: Float[Array, " p"]  # the nearest spinous process
    flavum: Float[Array, " p"]
    supraspinous: Float[Array, " p"]
    vessel: Float[Array, " p"]
    wall: Float[Array, " p"]  # the abdominal wall: 0 in its middle, negative within
    inside: Float[Array, " p"]  # the fascia of the back: negative in front of it
    skin: Float[Array, " p"]
    front: Float[Array, " p"]  # how far in front of the vertebrae


def surroundings(p: Point, s: SpineShape) -> Surroundings:
    """Distances to what lies about a spine's column."""
    b = s.bodies
    cos, sin = jnp.cos(b.tilt), jnp.sin(b.tilt)
    height = dict(zip(BODIES, b.z, strict=True))

    def behind(distance: Array | float) -> tuple[Array, Array]:
        """Places behind each body, at a distance from its back."""
        away = b.depth + distance
        return b.y - cos * away, b.z + sin * away

    slant = jnp.deg2rad(jnp.array(SLANT))
    length, high = jnp.array(LENGTH), jnp.array(HIGH) * b.process
    first = (2.0 * s.canal + 3.0) * jnp.array(NEARER)
    tips, tips_z = behind(first + 0.95 * length + 1.0)
    # The sac leaves the bodies towards the sacrum.
    away = jnp.clip((jnp.arange(len(BODIES)) - BODIES.index("L4")) / 2.0, 0.0, 1.5)
    sac_y, sac_z = behind(s.canal - 0.4 + away)
    anterior = along(p.z, b.z, b.y + b.depth)
    fascia = along(p.z, tips_z, tips)
    middle = along(p.z, sac_z, sac_y)

    front = p.y - anterior
    aorta = jnp.abs(front - 6.0 - s.vessel) - s.vessel
    bones = jax.vmap(lambda *each: process(p, *each))(b, slant, length, high, first).min(axis=0)
    # Laminae leave triangles of fat between them.
    canal = polyline(p, *behind(s.canal + 1.0)) - s.canal - 2.2 + 3.0 * ramp(7.0 - bones, 7.0)
    sac = polyline(p, sac_y, sac_z) - s.canal + 1.2 + 3.5 * ramp(height["S1"] + 12.0 - p.z, 45.0)
    cord = polyline(p, *behind(s.canal + 0.8)) - 4.3 + 4.3 * ramp(s.conus + 22.0 - p.z, 26.0)
    roots = polyline(p, *behind(s.canal + 2.4 + 0.6 * away))
    roots = roots - 2.6 + 1.2 * ramp(s.conus - 40.0 - p.z, 90.0)
    inside = fascia - p.y
    fat = s.fat * (1.0 + 0.25 * ramp(-p.z - 20.0, 70.0))
    return Surroundings(
        canal,
        round_intersection(sac, height["S2"] - p.z, 3.0),
        jnp.maximum(cord, s.conus - p.z),
        jnp.maximum(roots, height["S1"] - p.z),
        bones,
        jnp.maximum(jnp.abs(canal - 1.2) - 1.2, p.y - middle),
        jnp.maximum(jnp.abs(inside) - 1.1, height["L5"] - 8.0 - p.z),
        round_intersection(aorta, height["L4"] - 6.0 - p.z, 7.0),
        front - s.front,
        inside,
        inside - fat - 2.0,
        front,
    )


def along(z: Distance, nodes: Float[Array, " k"], values: Float[Array, " k"]) -> Distance:
    """Values at nodes along the height, smoothed into a curve."""
    # The softmax keeps the outermost value where all nodes are far away.
    weight = jax.nn.softmax(-(((z - nodes[:, None]) / SMOOTH) ** 2) / 2.0, axis=0)
    return (weight * values[:, None]).sum(axis=0)


def polyline(p: Point, y: Float[Array, " k"], z: Float[Array, " k"]) -> Distance:
    """Distance to a line from node to node."""

    def piece(y0: Array, z0: Array, y1: Array, z1: Array) -> Distance:
        dy, dz = y1 - y0, z1 - z0
        share = jnp.clip(((p.y - y0) * dy + (p.z - z0) * dz) / (dy**2 + dz**2), 0.0, 1.0)
        return (p.y - y0 - share * dy) ** 2 + (p.z - z0 - share * dz) ** 2

    squared = jax.vmap(piece)(y[:-1], z[:-1], y[1:], z[1:])
    return jnp.sqrt(squared.min(axis=0) + 1e-6)


def process(p: Point, b: Body, slant: Array, length: Array, high: Array, first: Array) -> Distance:
    """Distance to one spinous process, which begins behind the body and slants down."""
    y, z = p.y - b.y, p.z - b.z
    cos, sin = jnp.cos(b.tilt), jnp.sin(b.tilt)
    u, v = cos * y - sin * z + b.depth + first, sin * y + cos * z + 5.0
    cos, sin = jnp.cos(slant), jnp.sin(slant)
    back, up = -(cos * u + sin * v), cos * v - sin * u
    thick = high * (0.72 + 0.28 * jnp.clip(back / length, 0.0, 1.0))
    return 0.9 * rounded_box(back - length / 2.0, up, length / 2.0, thick)
