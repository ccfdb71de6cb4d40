"""The liver: two lobes, a caudate lobe, their fissures, bile ducts and gallbladder."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp

from jaxqmri.simulate.anatomy.body_shape import BodyShape
from jaxqmri.simulate.anatomy.distance import (
    Distance,
    Point,
    capsule,
    ellipsoid,
    ramp,
    round_intersection,
    smooth_union,
)

NEAR = 24  # tubes of a tree that can matter to points close together


class Liver(NamedTuple):
    """Distances to the liver and what lies in and beside it."""

    tissue: Distance
    portal: Distance
    hepatic: Distance
    bile: Distance  # ducts
    gallbladder: Distance
    clearance: Distance  # from all vessels, ducts and the gallbladder


def liver(p: Point, s: BodyShape, room: Distance, beside: Distance) -> Liver:
    """Distances to the liver.

    Parameters
    ----------
    p
        Points.
    s
        The subject's trunk.
    room
        Distance to what the liver may fill: the cavity under the diaphragm.
    beside
        Distance to what it gives way to: kidneys with their fat, vena cava, spine.
    """
    x, y, z = p
    surface = 22.0 - 0.27 * y - s.slope * z + 9.0 * ramp(-y - 10.0, 50.0)
    visceral = (surface - x) / jnp.sqrt(1.07 + s.slope**2)
    tip = -(z + 92.0)
    right = round_intersection(round_intersection(room, visceral, 14.0), tip, 14.0)

    left = ellipsoid(p, (-2.0, 50.0, 24.0), (s.left_lobe, s.left_depth, 44.0))
    under = (20.0 - 0.42 * x - 0.25 * (z - 20.0) - y) / 1.11
    left = round_intersection(round_intersection(left, under, 10.0), room, 6.0)
    caudate = ellipsoid(p, (15.0, 8.0, 24.0), (15.0, 19.0, 27.0))
    whole = smooth_union(smooth_union(right, left, 10.0), caudate, 5.0)

    gallbladder = capsule(p, (36.0, 46.0, -10.0), (50.0, 72.0, -52.0), s.gallbladder, taper=-0.25)
    ducts = jnp.minimum(
        capsule(p, (33.0, 22.0, 3.0), (24.0, 14.0, -40.0), 2.6),
        jnp.minimum(
            capsule(p, (33.0, 22.0, 3.0), (60.0, 18.0, 10.0), 1.6, taper=0.4),
            capsule(p, (33.0, 22.0, 3.0), (4.0, 40.0, 18.0), 1.5, taper=0.4),
        ),
    )
    hilum = jnp.minimum(
        capsule(p, (16.0, 18.0, -14.0), (46.0, 15.0, 1.0), 9.0),
        fissures(x, y, z, s),
    )
    outside = smooth_union(gallbladder - 1.8, smooth_union(hilum, beside, 2.0), 2.0)
    portal, hepatic = (tree.near(p, NEAR).distance(p) for tree in (s.portal, s.hepatic))
    return Liver(
        tissue=round_intersection(whole, -outside, 2.5),
        portal=portal,
        hepatic=hepatic,
        bile=ducts,
        gallbladder=gallbladder,
        clearance=jnp.minimum(jnp.minimum(portal, hepatic), jnp.minimum(ducts, gallbladder)),
    )


def fissures(x: Distance, y: Distance, z: Distance, s: BodyShape) -> Distance:
    """Distance to the fissures of the round and of the venous ligament."""
    front = s.fissure + 2.0 * ramp(y - 60.0, 30.0)
    round_ligament = jnp.abs(x + 6.0 - 0.12 * (y - 50.0)) - front
    round_ligament = jnp.maximum(jnp.maximum(round_ligament, 44.0 - y), z - 20.0 - 0.3 * (y - 50.0))
    along = jnp.clip((y - 2.0) / 32.0, 0.0, 1.0)
    venous = jnp.hypot(x - 1.0 + 6.0 * along, y - 2.0 - 32.0 * along) - 1.6
    venous = jnp.maximum(venous, jnp.abs(z - 26.0) - 20.0)
    return jnp.minimum(round_ligament, venous)
