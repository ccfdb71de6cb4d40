"""Femur, tibia and patella, and where cartilage covers them."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxqmri.simulate.anatomy.distance import (
    Distance,
    Point,
    ellipse,
    ellipsoid,
    ramp,
    round_intersection,
    smooth_union,
)
from jaxqmri.simulate.anatomy.shape import KneeShape


class Bone(NamedTuple):
    """Distance to a bone, and the thickness in mm of the cartilage upon it."""

    distance: Distance
    thickness: Distance

    @property
    def surface(self) -> Distance:
        """Distance to the surface of the cartilage, or of the bone where there is none."""
        return self.distance - self.thickness


def femur(p: Point, s: KneeShape) -> tuple[Distance, Distance]:
    """Distance to the femur, and the thickness of its cartilage as a share of the mean.

    Two condyles swept from one sagittal profile (a circle behind, an ellipse in front), parted by
    the trochlear groove in front and by the notch behind, with the shaft above.
    """
    back = jnp.hypot(p.y + 11.0, p.z - s.condyle_radius - 2.9) - s.condyle_radius
    front = ellipse(p.y - 3.0, p.z - 27.0, s.trochlea_radius, 24.0)
    profile = smooth_union(back, front, 2.0)

    across = jnp.clip(jnp.abs(p.x) / s.condyle_offset, 0.0, 1.0)
    groove = s.groove_depth * 0.5 * (1.0 + jnp.cos(jnp.pi * across))
    slope = s.groove_depth * 0.5 * jnp.pi / s.condyle_offset * jnp.sin(jnp.pi * across)
    beyond = jnp.abs(p.x) - s.condyle_offset
    bow = beyond**2 / 60.0
    swept = (profile + groove + bow) / jnp.sqrt(1.0 + slope**2 + (beyond / 30.0) ** 2)
    condyles = round_intersection(swept, beyond - 13.5, 8.0)

    arch = 9.5 - 0.012 * (p.z - 8.0) ** 2
    roof = (p.z - 9.0 - 0.9 * (4.0 - p.y)) / 1.35
    notch = round_intersection(jnp.abs(p.x) - arch, roof, 4.0)

    flare = jax.nn.sigmoid((52.0 - p.z) / 9.0)
    shaft = ellipse(p.x, p.y - 11.5 + 8.0 * flare, 15.0 + 19.0 * flare, 12.0 + 8.0 * flare)
    shaft = round_intersection(0.9 * shaft, 30.0 - p.z, 6.0)
    bone = smooth_union(condyles, shaft, 6.0)
    bone = round_intersection(bone, -notch, 2.0)

    top = jnp.where(p.y > 0.0, 37.0, 35.0)
    cover = ramp(top - p.z, 6.0) * ramp(13.5 - beyond, 4.0) * ramp(notch + 0.2, 2.5)
    cover = cover * (1.0 + 0.25 * ramp(p.y - 12.0, 12.0))
    return bone, cover


def plateau(p: Point, s: KneeShape) -> Distance:
    """Height of the tibial plateau: dished medially, domed laterally, a spine between."""
    beyond = jnp.abs(p.x) - s.condyle_offset
    forwards = jnp.where(p.x < 0.0, p.y**2 / 90.0, -(p.y**2) / 110.0)
    spine = 9.0 * jnp.exp(-((jnp.abs(p.x) - 3.5) ** 2) / 30.0 - ((p.y + 1.0) / 14.0) ** 2)
    return -2.5 + beyond**2 / 90.0 + forwards + spine


def tibia(p: Point, s: KneeShape) -> tuple[Distance, Distance]:
    """Distance to the tibia, and the thickness of its cartilage as a share of the mean."""
    up = (p.z - plateau(p, s)) * 0.97
    flare = jax.nn.sigmoid((p.z + 26.0) / 8.0)
    narrow = ellipse(
        p.x,
        p.y + 2.0 - 1.0 * flare,
        16.0 + (s.plateau_width - 15.2) * flare,
        15.0 + (s.plateau_depth - 14.6) * flare,
    )
    bone = round_intersection(up, narrow, 3.0)
    tuberosity = ellipsoid(p, (1.0, 19.0, -34.0), (9.0, 7.0, 13.0))
    bone = smooth_union(bone, tuberosity, 6.0)
    beyond = jnp.abs(p.x) - s.condyle_offset + 1.0
    edge = ellipse(beyond, p.y + 1.5, 13.5, 20.0)
    cover = ramp(-edge, 3.5) * ramp(p.z + 8.0, 2.0) * (1.0 + 0.2 * ramp(-edge, 12.0))
    return bone, cover


def patella(p: Point, s: KneeShape) -> tuple[Distance, Distance]:
    """Distance to the patella, and the thickness of its cartilage as a share of the mean."""
    groove_front = 3.0 + s.trochlea_radius - s.groove_depth
    ridge = groove_front + s.femoral_cartilage + 1.2 * s.patellar_cartilage + 1.5
    x, y, z = p.x - s.patella_shift, p.y - ridge, p.z - s.patella_height
    taper = 1.0 + 0.011 * z
    body = ellipsoid(Point(x / taper, y - 7.5 - 0.04 * z, z), (0.0, 0.0, 0.0), (22.0, 10.5, 21.0))
    facets = (0.30 * jnp.sqrt(x**2 + 4.0) - 0.6 - y) / 1.04
    bone = round_intersection(body, facets, 2.0)
    cover = ramp(20.5 - jnp.abs(x), 5.0) * ramp(17.0 - z, 5.0) * ramp(z + 15.0, 5.0)
    cover = cover * ramp(5.0 + 0.30 * jnp.abs(x) - y, 2.0)
    cover = cover * (0.85 + 0.35 * ramp(9.0 - jnp.abs(x), 9.0))
    return bone, cover
