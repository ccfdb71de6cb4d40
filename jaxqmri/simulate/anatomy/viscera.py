"""What shares the upper abdomen with the liver: spleen, kidneys, stomach, bowel, great vessels."""

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
    smooth_union,
)


class Viscera(NamedTuple):
    """Distances to the organs and the great vessels."""

    aorta: Distance
    artery: Distance  # branches of the aorta
    cava: Distance
    vein: Distance  # of the spleen, to the portal vein
    crus: Distance
    kidney: Distance
    medulla: Distance
    sinus: Distance
    adrenal: Distance
    spleen: Distance
    stomach: Distance
    gas: Distance  # in the stomach, above its content
    pancreas: Distance
    bowel: Distance
    bowel_inside: Distance
    esophagus: Distance


def viscera(p: Point, s: BodyShape, room: Distance) -> Viscera:
    """Distances to all of them; ``room`` is the distance to the cavity under the diaphragm."""
    x, y, z = p
    aorta = ellipse(x + 11.0 - 0.03 * z, y + 9.0 + 0.05 * z, 10.0, 10.0)
    cava = ellipse(x - 23.0 + 0.02 * z, y + 10.0 - 0.14 * z, 12.0, 8.5 + 0.0 * z)
    kidneys = [kidney(p, s, side) for side in (0, 1)]
    stomach = stomachs(p, s)
    bowel = bowels(p, s)
    near_spine = ellipse(x, y + 38.0, 30.0, 25.0)
    crus = round_intersection(
        smooth_union(ellipse(x + 5.0, y + 14.0, 23.0, 13.0), near_spine - 2.0, 8.0), y + 2.0, 5.0
    )
    return Viscera(
        aorta=aorta,
        artery=jnp.minimum(
            capsule(p, (-11.0, 0.0, 4.0), (-4.0, 14.0, -2.0), 3.2),
            capsule(p, (-11.0, 0.0, -10.0), (-9.0, 10.0, -60.0), 3.4),
        ),
        cava=cava,
        vein=jnp.minimum(
            capsule(p, (0.0, 12.0, -20.0), (-42.0, -4.0, 2.0), 4.2),
            capsule(p, (-42.0, -4.0, 2.0), (-80.0, -22.0, 14.0), 3.8),
        ),
        crus=jnp.maximum(crus, -45.0 - z),
        kidney=jnp.minimum(*(k[0] for k in kidneys)),
        medulla=jnp.minimum(*(k[1] for k in kidneys)),
        sinus=jnp.minimum(*(k[2] for k in kidneys)),
        adrenal=jnp.minimum(
            capsule(p, (-30.0, -14.0, 22.0), (-40.0, -30.0, 10.0), 2.4),
            capsule(p, (32.0, -20.0, 26.0), (38.0, -36.0, 16.0), 2.2),
        ),
        spleen=spleens(p, s, room, stomach),
        stomach=round_intersection(stomach, room + 2.0, 5.0),
        gas=jnp.maximum(stomach + 3.5, s.stomach_gas - y),
        pancreas=pancreas(p),
        bowel=round_intersection(bowel, room + 2.0, 4.0),
        bowel_inside=bowel + 2.6 + 1.6 * jnp.tanh(2.0 * s.bowel(p)),
        esophagus=ellipse(x + 10.0 - 0.1 * (60.0 - z), y - 9.0, 9.0, 6.5)
        + ramp(48.0 - z, 8.0) * 60.0,
    )


def kidney(p: Point, s: BodyShape, side: int) -> tuple[Distance, Distance, Distance]:
    """Distance to a kidney (0 right, 1 left), to its medulla and to its sinus.

    The lower pole lies further from the spine and further to the front than the upper one; the
    hilum looks to the spine and forwards.
    """
    sign, centre = ((1.0, (64.0, -36.0, -50.0)), (-1.0, (-62.0, -38.0, -34.0)))[side]
    moved = s.kidneys[side]
    u = (p.x - centre[0]) * sign - moved[0]
    v, w = p.y - centre[1] - moved[1], p.z - centre[2] - moved[2]
    u, v = u + 0.22 * w, v + 0.12 * w
    u, v = 0.86 * u + 0.5 * v, -0.5 * u + 0.86 * v  # u away from the hilum
    at = Point(u / s.kidney_size, v / s.kidney_size, w / s.kidney_size)
    whole = ellipsoid(at, (0.0, 0.0, 0.0), (27.0, 23.0, 54.0))
    sinus = ellipsoid(at, (-14.0, 0.0, 0.0), (20.0, 8.5, 30.0))
    lobes = jnp.cos(6.0 * jnp.arctan2(at.y, at.x + 3.0)) + jnp.cos(at.z * 0.42)
    medulla = jnp.maximum(whole + 7.5 - 1.8 * lobes, -(sinus - 2.0))
    whole = round_intersection(whole, -(sinus + 1.0), 3.0)
    return whole, medulla, sinus


def spleens(p: Point, s: BodyShape, room: Distance, stomach: Distance) -> Distance:
    """Distance to the spleen: against the wall at the left, hollow towards the stomach."""
    u, v, w = (c - m for c, m in zip(p, s.spleen_shift, strict=True))
    u, v, w = (u + 98.0) / s.spleen, (v + 34.0) / s.spleen, (w - 20.0) / s.spleen
    u, v = 0.88 * u + 0.47 * v, -0.47 * u + 0.88 * v
    outer = ellipsoid(Point(u, v, w), (0.0, 0.0, 0.0), (27.0, 52.0, 50.0))
    hollow = ellipsoid(Point(u, v, w), (34.0, 4.0, 0.0), (30.0, 40.0, 46.0))
    spleen = round_intersection(outer, -hollow, 5.0)
    spleen = round_intersection(spleen, room + 2.0, 5.0)
    return round_intersection(spleen, 3.0 - stomach, 3.0)


def stomachs(p: Point, s: BodyShape) -> Distance:
    """Distance to the stomach, from the fundus under the left diaphragm to the antrum."""
    x, y, z = (c - m for c, m in zip(p, s.stomach_shift, strict=True))
    at = Point(x, y, z)
    fundus = ellipsoid(at, (-64.0, 8.0, 44.0), (38.0 * s.stomach, 36.0 * s.stomach, 40.0))
    body = capsule(at, (-62.0, 26.0, 24.0), (-44.0, 50.0, -18.0), 25.0 * s.stomach)
    antrum = capsule(at, (-44.0, 50.0, -22.0), (18.0, 44.0, -34.0), 17.0 * s.stomach, taper=0.3)
    return smooth_union(smooth_union(fundus, body, 14.0), antrum, 12.0)


def pancreas(p: Point) -> Distance:
    """Distance to the pancreas, from the head at the duodenum to the tail at the spleen."""
    head = ellipsoid(p, (22.0, 20.0, -34.0), (16.0, 13.0, 22.0))
    body = capsule(p, (12.0, 24.0, -22.0), (-30.0, 10.0, -4.0), 9.0)
    tail = capsule(p, (-30.0, 10.0, -4.0), (-74.0, -16.0, 14.0), 8.5)
    return smooth_union(smooth_union(head, body, 8.0), tail, 8.0)


def bowels(p: Point, s: BodyShape) -> Distance:
    """Distance to duodenum, colon and the loops of the small bowel that reach this far up."""
    wave = 3.0 * s.bowel(p)
    duodenum = capsule(p, (34.0, 38.0, -30.0), (40.0, 16.0, -70.0), 12.0)
    flexure = capsule(p, (-104.0, 10.0, -6.0), (-88.0, 52.0, -20.0), 18.0)
    descending = capsule(p, (-104.0, 6.0, -6.0), (-108.0, -8.0, -90.0), 15.0)
    transverse = capsule(p, (-88.0, 60.0, -34.0), (60.0, 78.0, -62.0), 17.0)
    loops = ellipsoid(p, (-62.0, 20.0, -58.0), (40.0, 34.0, 30.0))
    colon = jnp.minimum(jnp.minimum(flexure, descending), transverse)
    return jnp.minimum(jnp.minimum(duodenum, colon), loops) + wave
