"""Apparent T2 of femoral cartilage in an echo train: layers, regions, subjects, four years.

Means and spreads by region are those that a published study of the Osteoarthritis Initiative's
images shows in its figures (Thomas et al. 2021); measured from pictures, they are known to a few
tenths of a millisecond. Real echo trains read T2 longer than it is: what is set here is what they
read. How the spreads split into subjects, places and points, how smooth everything is, and all of
lesions is assumed.

References
----------
Thomas et al., Cartilage 2021, doi:10.1177/19476035211042406.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxqmri.simulate.anatomy.distance import Point, ramp
from jaxqmri.simulate.fields import RandomField, fields_of

Number = Float[Array, ""] | float
Field = Float[Array, "..."]

PLACES = (
    "lateral anterior", "lateral central", "lateral posterior",
    "medial anterior", "medial central", "medial posterior",
)  # fmt: skip

MEAN = np.array(
    [(51.4, 57.2), (48.0, 52.9), (51.0, 53.5), (53.4, 61.3), (49.6, 57.1), (51.1, 55.9)]
)
"""Mean T2 in ms of every place's deep and superficial layer."""

SD = np.array([(5.1, 2.9), (5.4, 4.1), (3.6, 2.7), (3.9, 3.8), (5.4, 3.5), (4.6, 3.9)])
"""From subject to subject."""

PLATE_SD = np.array([3.5, 1.75])
"""What a subject's places have in common, deep and superficial."""

LAYERS_TOGETHER = 0.7
"""Correlation of the deep and the superficial layer, of a subject and of a place."""

FALL = np.array([(3.8, 2.3), (5.0, 3.2), (3.7, 2.4), (0.7, -0.2), (3.4, 1.0), (5.1, 1.0)])
"""By how much T2 falls in four years, ms."""

FALL_SD = np.array([(2.9, 1.7), (2.6, 2.0), (2.5, 2.6), (3.2, 3.9), (4.0, 3.9), (3.5, 3.0)])

AXIS = (-0.7, 31.0)
"""Anterior and superior of the axis that femoral cartilage is wound around, mm."""

RADIUS = 27.0
"""Of the circle that lies nearest to it, mm."""

LESIONS = 3
"""Most that a knee has."""


class Lesions(NamedTuple):
    """Places where T2 has risen, on the cartilage unrolled."""

    angle: Float[Array, " lesions"]  # degrees, see :func:`angle_of`
    right: Float[Array, " lesions"]  # mm
    radius: Float[Array, " lesions"]  # where half of the rise is left, mm
    gain: Float[Array, " lesions"]  # at the surface in the middle, ms; 0 where there is none


class MeseCartilage(NamedTuple):
    """One subject's cartilage at one visit."""

    common: Float[Array, "6 2"]  # T2 by place and layer, ms: what all subjects share, and its own
    own: Float[Array, "6 2"]  # what a place adds
    lesions: Lesions
    point_sd: Number  # from point to point, ms
    points: tuple[RandomField, RandomField]  # coarse and fine
    texture: RandomField  # of all other tissues


def levels(scores: Float[Array, " 14"], mean: Number) -> tuple[Array, Array]:
    """T2 of a subject by place and layer: what its places have in common, and what each adds.

    ``mean`` (ms) is added to the published means. Normal scores are of the plate's two layers,
    then of the places'.
    """
    plate, places = correlated(scores[:2]), correlated(scores[2:].reshape(6, 2))
    rest = np.sqrt(np.maximum(SD**2 - PLATE_SD**2, 0.25))
    return jnp.asarray(MEAN) + mean + jnp.asarray(PLATE_SD) * plate, jnp.asarray(rest) * places


def change(
    scores: Float[Array, " 13"], drift: Number, drift_sd: Number, change_sd: Number
) -> tuple[Array, Array]:
    """What four years add to both parts of :func:`levels`.

    T2 falls by ``drift`` (ms) on average over the places, as much more or less in each as
    published; by ``drift_sd`` more or less in a subject; places change on their own with an SD of
    ``change_sd``, on average (root mean square) over the places.
    """
    fall = -drift * jnp.asarray(FALL / FALL.mean()) + drift_sd * scores[0]
    rest = np.sqrt(np.maximum(FALL_SD**2 - 1.5**2, 0.25))
    places = jnp.asarray(rest / np.sqrt(np.mean(rest**2))) * correlated(scores[1:].reshape(6, 2))
    return fall, change_sd * places


def correlated(scores: Float[Array, "*n 2"]) -> Float[Array, "*n 2"]:
    """Scores of both layers that share ``LAYERS_TOGETHER``."""
    first, second = scores[..., 0], scores[..., 1]
    return jnp.stack(
        [first, LAYERS_TOGETHER * first + (1.0 - LAYERS_TOGETHER**2) ** 0.5 * second], axis=-1
    )


def lesions_of(
    uniform: Float[Array, "6 lesions"],
    share: Number,
    sizes: tuple[Number, Number],
    gains: tuple[Number, Number],
) -> Lesions:
    """New lesions: none, or one to three in a ``share`` of subjects, where the knee bears weight.

    ``sizes`` and ``gains`` are the least and the most of diameters in mm and of rises in ms; six
    of ten lesions are medial.
    """
    many = jnp.ceil(LESIONS * uniform[0, 1])
    present = (uniform[0, 0] < share) & (jnp.arange(LESIONS) < many)
    return Lesions(
        angle=-60.0 + 120.0 * uniform[1],
        right=jnp.where(uniform[2] < 0.6, -1.0, 1.0) * (14.0 + 14.0 * uniform[3]),
        radius=(sizes[0] + (sizes[1] - sizes[0]) * uniform[4]) / 2.0,
        gain=present * (gains[0] + (gains[1] - gains[0]) * uniform[5]),
    )


def mese_cartilage(
    waves: Float[Array, "3 n 4"],
    level: tuple[Array, Array],
    lesions: Lesions,
    point_sd: Number,
) -> MeseCartilage:
    """Cartilage of one subject at one visit; ``waves`` are normal scores of its fields."""
    coarse, fine, texture = fields_of(waves, 4.0, 2.0, 1.4)
    return MeseCartilage(*level, lesions, point_sd, (coarse, fine), texture)


def angle_of(p: Point) -> Field:
    """Angle about the axis of the condyles in degrees: 0 distal, positive to posterior."""
    return jnp.rad2deg(jnp.arctan2(AXIS[0] - p.y, AXIS[1] - p.z))


def weights(p: Point) -> Float[Array, "6 ..."]:
    """How much each of ``PLACES`` counts at points: smooth, 1 in its middle, together 1.

    Places are 60 degrees apart about the axis of the condyles; lateral passes into medial within
    15 mm of the middle.
    """
    angle = angle_of(p)
    anterior, posterior = ramp(-angle, 60.0), ramp(angle, 60.0)
    along = jnp.stack([anterior, 1.0 - anterior - posterior, posterior])
    lateral = ramp(p.x + 15.0, 30.0)
    return jnp.concatenate([along * lateral, along * (1.0 - lateral)])


def lesion_at(p: Point, lesions: Lesions) -> tuple[Field, Field]:
    """Rise of T2 in ms at the surface, and how much of the nearest lesion's is there, 0 to 1."""
    angle = angle_of(p)
    rise, most = jnp.zeros_like(p.x), jnp.zeros_like(p.x)
    for i in range(LESIONS):
        along = jnp.deg2rad(angle - lesions.angle[i]) * RADIUS
        squared = (along**2 + (p.x - lesions.right[i]) ** 2) / lesions.radius[i] ** 2
        here = jnp.exp2(-squared)
        rise = jnp.maximum(rise, lesions.gain[i] * here)
        most = jnp.maximum(most, jnp.where(lesions.gain[i] > 0, here, 0.0))
    return rise, most


def apparent_t2(p: Point, depth: Field, rise: Field, c: MeseCartilage) -> Field:
    """T2 in ms that an echo train reads at points, lengths being those of the average knee.

    ``T2 = D + (S - D) (2 d - 1/2) + s z + (0.4 + 0.6 d) r`` with depth ``d``, 0 at the bone and 1
    at the surface; ``D`` and ``S``, the means of the deep and of the superficial half, pass
    smoothly from place to place; ``z`` varies from point to point, and ``r`` is a lesion's rise.
    What a place adds keeps its SD between the places.
    """
    w = weights(p)
    steady = w / jnp.sqrt((w**2).sum(axis=0))
    deep, superficial = (
        jnp.tensordot(c.common[:, layer], w, 1) + jnp.tensordot(c.own[:, layer], steady, 1)
        for layer in (0, 1)
    )
    coarse, fine = c.points
    score = 0.6**0.5 * coarse(p) + 0.4**0.5 * fine(p)
    layered = deep + (superficial - deep) * (2.0 * depth - 0.5)
    return jnp.clip(layered + c.point_sd * score + (0.4 + 0.6 * depth) * rise, 15.0, 120.0)
