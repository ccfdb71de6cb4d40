"""Degeneration of lumbar discs: where it comes from, and T1rho and the grade that go with it."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxqmri.simulate.anatomy.spine_shape import LEVELS
from jaxqmri.simulate.spine_people import AGE, AGE_SD

Number = Float[Array, ""] | float
Field = Float[Array, "..."] | float

GRADES = {"I": 12, "II": 133, "III": 83, "IV": 68, "V": 4}
"""Published numbers of discs by Pfirrmann grade."""

LEVEL = (-0.36, -0.26, -0.08, 0.35, 0.35)
AGE_EFFECT = 0.30
SHARED = 0.40
"""What degeneration, of SD 1 over the cohort, owes to the level, to an SD of age, to the patient.

``SHARED`` is the patient's share of the variance that age and level leave (an intraclass
correlation). That the two lowest discs are worst is established; the sizes are assumed, that of age
within the published correlations of a nucleus's T2 with age, -0.20 to -0.51.
"""

REST = 1.0 - AGE_EFFECT**2 - float(np.mean(np.square(LEVEL)))  # variance that they leave

KNOTS = (-2.9, -1.75, -0.04, 0.71, 2.22, 3.0)
"""Degeneration at a continuous grade of 1, 1.5, 2.5, 3.5, 4.5 and 5.

The four in the middle are where a normal variable parts the published numbers of discs by grade.
"""


class Discs(NamedTuple):
    """The five lumbar discs of a patient, from L1/2 down."""

    degeneration: Float[Array, " levels"]  # mean 0 and SD 1 over the cohort
    t1rho: Float[Array, " levels"]  # mean of the nucleus, ms


def degeneration(z: Float[Array, " scores"], age: Number) -> Float[Array, " levels"]:
    """Degeneration of a patient's discs.

    ``d = a (age - 36) / 11 + l_level + sqrt(v) (sqrt(r) z_patient + sqrt(1 - r) z_disc)`` with
    ``r`` of :data:`SHARED` and ``v`` such that ``d`` has a variance of 1.

    Parameters
    ----------
    z
        Normal scores: the patient's, then one for each disc.
    age
        In years.
    """
    own = SHARED**0.5 * z[0] + (1.0 - SHARED) ** 0.5 * z[1:]
    return AGE_EFFECT * (age - AGE) / AGE_SD + jnp.array(LEVEL) + REST**0.5 * own


def nucleus_t1rho(
    score: Float[Array, " levels"],
    z: Float[Array, " levels"],
    mean: Number,
    sd: Number,
    correlation: Number,
) -> Float[Array, " levels"]:
    """T1rho of nuclei, in ms: ``mean - sd (r d + sqrt(1 - r^2) z)``, kept within 40 to 230.

    Parameters
    ----------
    score
        Degeneration ``d``.
    z
        Normal scores of what T1rho does not share with degeneration.
    mean, sd
        Over the cohort, ms.
    correlation
        ``r``, of lower T1rho with degeneration.
    """
    rest = jnp.sqrt(jnp.maximum(1.0 - jnp.asarray(correlation) ** 2, 0.0))
    return jnp.clip(mean - sd * (correlation * score + rest * z), 40.0, 230.0)


def discs_of(
    z: Float[Array, " scores"], age: Number, mean: Number, sd: Number, correlation: Number
) -> Discs:
    """Discs from normal scores: the patient's, each disc's, and each one's own T1rho."""
    count = len(LEVELS)
    score = degeneration(z[: 1 + count], age)
    return Discs(score, nucleus_t1rho(score, z[1 + count :], mean, sd, correlation))


def grade(score: Field) -> Field:
    """Continuous Pfirrmann grade, 1 to 5, of a degeneration; rounded it is the grade itself."""
    return jnp.interp(score, jnp.array(KNOTS), jnp.array([1.0, 1.5, 2.5, 3.5, 4.5, 5.0]))
