"""Signed distances to simple solids and how to join them: negative inside, in mm."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

Distance = Float[Array, "..."]
Length = Distance | float
Triple = tuple[Length, Length, Length]


class Point(NamedTuple):
    """Coordinates of points in mm, one array each, so that everything below is elementwise."""

    x: Float[Array, ...]
    y: Float[Array, ...]
    z: Float[Array, ...]


def ellipse(u: Distance, v: Distance, radius_u: Length, radius_v: Length) -> Distance:
    """First-order distance ``k0 (k0 - 1) / k1`` to an ellipse, exact on its outline.

    With ``k0 = |(u/a, v/b)|`` and ``k1 = |(u/a^2, v/b^2)|``.
    """
    a, b = u / radius_u, v / radius_v
    k0 = jnp.sqrt(a**2 + b**2 + 1e-12)
    k1 = jnp.sqrt((a / radius_u) ** 2 + (b / radius_v) ** 2 + 1e-12)
    return k0 * (k0 - 1.0) / k1


def rounded_box(u: Distance, v: Distance, radius_u: Length, radius_v: Length) -> Distance:
    """First-order distance to an outline half-way between an ellipse and a box.

    ``f = 1`` with ``f^2 = (q2 + sqrt(q4)) / 2``, ``q2 = a^2 + b^2``, ``q4 = a^4 + b^4``, ``a = u /
    radius_u`` and ``b = v / radius_v``: a cross-section of the trunk.
    """
    a, b = (u / radius_u) ** 2, (v / radius_v) ** 2
    fourth = jnp.sqrt(a**2 + b**2 + 1e-12)
    f = jnp.sqrt(0.5 * (a + b + fourth) + 1e-12)
    slope_u = 0.5 * u / radius_u**2 * (1.0 + a / fourth)
    slope_v = 0.5 * v / radius_v**2 * (1.0 + b / fourth)
    return (f - 1.0) * f / jnp.sqrt(slope_u**2 + slope_v**2 + 1e-12)


def ellipsoid(p: Point, centre: Triple, radii: Triple) -> Distance:
    """First-order distance to an ellipsoid, exact on its surface."""
    scaled = [(c - o) / r for c, o, r in zip(p, centre, radii, strict=True)]
    k0 = jnp.sqrt(sum(s**2 for s in scaled) + 1e-12)
    k1 = jnp.sqrt(sum((s / r) ** 2 for s, r in zip(scaled, radii, strict=True)) + 1e-12)
    return k0 * (k0 - 1.0) / k1


def capsule(
    p: Point,
    start: Triple,
    end: Triple,
    radius: Length,
    flatten: float = 1.0,
    taper: float = 0.0,
) -> Distance:
    """Distance to a rod with round ends, flattened and tapered if told so.

    A rod flattened by 2 is twice as wide along ``x`` as it is thick: a tendon or a belly of
    muscle. Its distance is measured in the thin direction. ``taper`` is the share of the radius
    that is lost at ``end``.
    """
    axis = [(end[0] - start[0]) / flatten, end[1] - start[1], end[2] - start[2]]
    away = [(p.x - start[0]) / flatten, p.y - start[1], p.z - start[2]]
    along = sum(d * a for d, a in zip(away, axis, strict=True)) / sum(a**2 for a in axis)
    along = jnp.clip(along, 0.0, 1.0)
    rest = [d - along * a for d, a in zip(away, axis, strict=True)]
    return jnp.sqrt(sum(r**2 for r in rest) + 1e-12) - radius * (1.0 - taper * along**2)


def smooth_union(a: Distance, b: Distance, blend: Length) -> Distance:
    """Union whose seam is filled over ``blend`` mm."""
    h = jnp.maximum(blend - jnp.abs(a - b), 0.0) / blend
    return jnp.minimum(a, b) - h**2 * blend / 4.0


def smooth_intersection(a: Distance, b: Distance, blend: Length) -> Distance:
    """Intersection whose edge is shaved over ``blend`` mm."""
    return -smooth_union(-a, -b, blend)


def round_intersection(a: Distance, b: Distance, radius: Length) -> Distance:
    """Intersection whose edge is an arc of ``radius`` mm."""
    over_a, over_b = jnp.maximum(a + radius, 0.0), jnp.maximum(b + radius, 0.0)
    inside = jnp.minimum(jnp.maximum(a, b), -radius)
    return inside + jnp.sqrt(over_a**2 + over_b**2 + 1e-12)


def ramp(value: Length, width: float) -> Distance:
    """Smooth step from 0 at ``value = 0`` to 1 at ``value = width``."""
    s = jnp.clip(value / width, 0.0, 1.0)
    return s * s * (3.0 - 2.0 * s)


def coverage(distance: Distance, width: Length) -> Distance:
    """Share of a sample of edge ``width`` that lies inside a surface at ``distance``."""
    return jnp.clip(0.5 - distance / width, 0.0, 1.0)
