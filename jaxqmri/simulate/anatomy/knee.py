"""An analytic knee: bones, cartilage, menisci, muscle, fat and fluid as signed distances.

Coordinates are millimetres of a right knee in extension: ``x`` to lateral, ``y`` to anterior,
``z`` to superior, the origin in the joint line between the tibial spines. A left knee is the
mirror image in ``x``. Measures are typical adult ones; each subject's differ from them by a
:class:`~jaxqmri.simulate.anatomy.shape.KneeShape`.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxqmri.simulate.anatomy import soft
from jaxqmri.simulate.anatomy.bones import Bone, femur, patella, tibia
from jaxqmri.simulate.anatomy.distance import Distance, Point, coverage, ramp
from jaxqmri.simulate.anatomy.shape import LESIONS, KneeShape, Number

REGIONS: tuple[str, ...] = ("femoral", "medial tibial", "lateral tibial", "patellar")
TISSUES: tuple[str, ...] = (
    "air",
    "marrow",
    "cortical bone",
    "cartilage",
    "meniscus",
    "ligament",
    "tendon",
    "fluid",
    "vessel",
    "muscle",
    "fat",
    "skin",
)


CORTEX = 1.0  # mm
SKIN = 1.6  # mm


class Knee(NamedTuple):
    """What fills each point: fractions of the tissues and of the cartilage regions."""

    fractions: tuple[Float[Array, ...], ...]  # in the order of TISSUES, summing to 1
    regions: tuple[Float[Array, ...], ...]  # in the order of REGIONS, summing to cartilage's
    depth: Float[Array, ...]  # in cartilage: 0 at the bone, 1 at the surface
    lesion: Float[Array, ...]  # 0 in healthy cartilage, up to 1 in a severe lesion
    femur: Bone  # in mm of the point, not of the average knee


def lesions(p: Point, s: KneeShape) -> Distance:
    """Severity of the focal lesions: 0 away from them, up to 1 in the middle of a severe one."""
    total = jnp.zeros_like(p.x)
    for i in range(LESIONS):
        squared = sum((c - o) ** 2 for c, o in zip(p, s.lesion_centres[i], strict=True))
        total = jnp.maximum(total, s.lesion_depths[i] * jnp.exp(-squared / s.lesion_radii[i] ** 2))
    return total


def knee(points: Point, s: KneeShape, spacing: Number) -> Knee:
    """Fill points with tissue.

    Parameters
    ----------
    points
        In mm, three arrays of one shape, best with a long last axis.
    s
        The subject's knee.
    spacing
        Edge of the sample around each point in mm: tissues share a sample on their borders.

    Returns
    -------
    Knee
        Fractions of tissue and of cartilage regions, depth in cartilage, severity of lesions,
        distance to the femur and thickness of its cartilage.
    """
    p = Point(*(c / s.scale for c in points))
    lesion = lesions(p, s)
    wave = s.thickness_field(p)
    relief = 1.0 + s.thickness_sd * wave
    medial = ramp(2.0 - p.x, 4.0) * ramp(20.0 - p.z, 10.0)
    relief = jnp.maximum(relief * (1.0 - 0.45 * lesion) * (1.0 - s.thinning * medial), 0.1)
    femoral, tibial, patellar = femur(p, s), tibia(p, s), patella(p, s)
    bones = (
        Bone(femoral[0], s.femoral_cartilage * femoral[1] * relief),
        Bone(tibial[0], s.tibial_cartilage * tibial[1] * relief),
        Bone(patellar[0], s.patellar_cartilage * patellar[1] * relief),
    )
    around = soft.around(p, s, bones, wave)
    filled = fill(p, bones, around, jnp.asarray(spacing) / s.scale)
    return Knee(*filled, lesion, Bone(*(length * s.scale for length in bones[0])))


def fill(
    p: Point, bones: tuple[Bone, ...], around: soft.Around, width: Number
) -> tuple[tuple[Distance, ...], tuple[Distance, ...], Distance]:
    """Give every sample to the tissues from the inside out: each takes its part of what is left.

    Fractions of the tissues and of the cartilage regions, and the depth in cartilage.
    """
    share: dict[str, Distance] = {name: jnp.zeros_like(p.x) for name in TISSUES}
    left = jnp.ones_like(p.x)

    def layers(distances: dict[str, Distance]) -> Distance:
        """Nested solids, innermost first; returns what the outermost covers."""
        nonlocal left
        within = jnp.zeros_like(left)
        for name, distance in distances.items():
            covered = jnp.maximum(coverage(distance, width), within)
            share[name] = share[name] + left * (covered - within)
            within = covered
        return within

    amounts, depths = [], []
    for bone in bones:
        before = share["cartilage"]
        solid = {
            "marrow": bone.distance + CORTEX,
            "cortical bone": bone.distance,
            "cartilage": bone.surface,
        }
        left = left * (1.0 - layers(solid))
        amounts.append(share["cartilage"] - before)
        depths.append(jnp.clip(bone.distance / jnp.maximum(bone.thickness, 0.3), 0.0, 1.0))
    left = left * (1.0 - layers({"marrow": around.fibula + CORTEX, "cortical bone": around.fibula}))
    for name in ("meniscus", "ligament", "tendon", "fluid", "vessel", "muscle"):
        left = left * (1.0 - layers({name: getattr(around, name)}))
    share["air"] = left * (1.0 - layers({"fat": around.skin + SKIN, "skin": around.skin}))

    depth = sum(a * d for a, d in zip(amounts, depths, strict=True))
    medial = p.x < 0.0
    regions = (
        amounts[0],
        jnp.where(medial, amounts[1], 0.0),
        jnp.where(medial, 0.0, amounts[1]),
        amounts[2],
    )
    fractions = tuple(share[name] for name in TISSUES)
    return fractions, regions, depth / jnp.maximum(share["cartilage"], 1e-6)
