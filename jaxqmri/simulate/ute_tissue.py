"""What a tissue is to a UTE scan at 3 T: relaxation times, proton density and fat, varied.

Times are in ms, proton density is relative to water. T1rho is the adiabatic one: of meniscus,
muscle, tendons and ligaments as UTE measured it (Ma et al. 2018; of tendons and of ligaments the
mean of two). T1 of muscle, fat and fluid follows Gold et al. 2004. Cartilage is varied point by
point, see :func:`cartilage`. Assumed, for want of a measurement: T2*, proton density, all of
marrow's water, bone, vessels and skin, and T1rho of fluid, which is only known to be long.

References
----------
Gold et al., American Journal of Roentgenology 2004 (T1 and T2 of the knee at 3 T).
Ma et al., Magnetic Resonance in Medicine 2018, doi:10.1002/mrm.27131 (adiabatic T1rho).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Integer

from jaxqmri.simulate.anatomy.distance import Point
from jaxqmri.simulate.fields import RandomField, fields_of
from jaxqmri.simulate.tissue import gamma_quantile
from jaxqmri.simulate.ute_people import GROUPS

Field = Float[Array, "..."] | float
Number = Float[Array, ""] | float


class UteTissue(NamedTuple):
    """Relaxation times in ms, proton density and share of it that is fat."""

    t1: Field
    t1rho: Field
    t2star: float
    density: Field
    fat: float = 0.0

    def amount(self, echo_time: float) -> Field:
        """What all of its magnetisation would give at the echo: ``rho e^(-TE/T2*)``."""
        return self.density * jnp.exp(-echo_time / self.t2star)


FAT = UteTissue(t1=365.0, t1rho=80.0, t2star=30.0, density=1.0, fat=1.0)

TABLE = {
    "marrow": UteTissue(t1=1000.0, t1rho=50.0, t2star=20.0, density=0.90, fat=0.93),
    "cortical bone": UteTissue(t1=250.0, t1rho=1.0, t2star=0.35, density=0.20),
    "meniscus": UteTissue(t1=800.0, t1rho=22.5, t2star=7.0, density=0.68),
    "ligament": UteTissue(t1=850.0, t1rho=28.3, t2star=8.0, density=0.65),
    "tendon": UteTissue(t1=725.0, t1rho=11.8, t2star=2.0, density=0.60),
    "fluid": UteTissue(t1=3620.0, t1rho=200.0, t2star=300.0, density=1.0),
    "vessel": UteTissue(t1=1900.0, t1rho=100.0, t2star=30.0, density=0.85),
    "muscle": UteTissue(t1=1420.0, t1rho=43.2, t2star=25.0, density=0.78),
    "fat": UteTissue(t1=900.0, t1rho=40.0, t2star=25.0, density=0.90, fat=0.95),
    "skin": UteTissue(t1=900.0, t1rho=25.0, t2star=10.0, density=0.70),
}
"""Every tissue but cartilage and air; where there is fat, the times are those of the water."""

CARTILAGE = UteTissue(t1=1000.0, t1rho=40.0, t2star=22.0, density=0.735)
"""Typical cartilage."""

GRADE_T1 = (1.00, 1.02, 1.04, 1.06, 1.08)
"""Mean T1 of cartilage by Kellgren–Lawrence grade 0 to 4, relative to grade 0 (assumed)."""

LESION_T1, LESION_T1RHO = 0.1, 0.4
"""What the middle of a severe lesion adds to T1 and T1rho, as a fraction (assumed)."""


class UteCartilage(NamedTuple):
    """One subject's cartilage: levels, spreads, and the fields that vary it."""

    t1: Number  # mean of healthy cartilage halfway to the surface, ms
    t1rho: Number
    t1_spread: Number  # coefficient of variation from point to point
    t1rho_spread: Number
    correlation: Number  # of T1's and of the proton density's scores with T1rho's
    anatomy: Number  # how far depth and lesions tell of it, 0 to 1
    hydration: tuple[RandomField, RandomField]  # coarse and fine
    water_t1: RandomField  # what T1 does not share with T1rho
    water_density: RandomField
    texture: RandomField  # of all other tissues


def ute_cartilage(
    waves: Float[Array, "5 n 4"],
    t1: Number,
    t1rho: Number,
    spreads: tuple[Number, Number],
    correlation: Number,
    anatomy: Number,
) -> UteCartilage:
    """Cartilage of one subject, on average ``t1`` and ``t1rho`` (ms) where it is healthy.

    ``waves`` are normal scores of its fields, ``spreads`` the coefficients of variation of T1 and
    of T1rho.
    """
    coarse, fine, water_t1, water_density, texture = fields_of(waves, 8.0, 3.0, 5.0, 5.0, 3.0)
    return UteCartilage(
        t1,
        t1rho,
        *spreads,
        correlation,
        anatomy,
        hydration=(coarse, fine),
        water_t1=water_t1,
        water_density=water_density,
        texture=texture,
    )


def cartilage(p: Point, depth: Field, lesion: Field, c: UteCartilage) -> UteTissue:
    """Cartilage at points in mm.

    T1 and T1rho are skewed to the right, rise from the bone to the surface (T1 0.93 to 1.07 of
    its mean; T1rho deep to superficial 0.8) and in lesions. The score of T1 and that of the
    proton density share ``c.correlation`` with that of T1rho.

    Parameters
    ----------
    p
        Points.
    depth
        0 at the bone, 1 at the surface.
    lesion
        0 in healthy cartilage, up to 1 in a severe lesion.
    c
        The subject's cartilage; with its ``anatomy`` 0, depth and lesions change nothing.
    """
    coarse, fine = c.hydration
    score = 0.6**0.5 * coarse(p) + 0.4**0.5 * fine(p)
    shared, own = c.correlation * score, jnp.sqrt(1.0 - c.correlation**2)
    known = 0.5 + c.anatomy * (depth - 0.5)
    worn = c.anatomy * lesion
    t1 = c.t1 * gamma_quantile(shared + own * c.water_t1(p), c.t1_spread)
    t1rho = c.t1rho * gamma_quantile(score, c.t1rho_spread)
    return UteTissue(
        t1=t1 * (0.93 + 0.14 * known) * (1.0 + LESION_T1 * worn),
        t1rho=t1rho * (0.889 + 0.222 * known) * (1.0 + LESION_T1RHO * worn),
        t2star=CARTILAGE.t2star,
        density=(0.65 + 0.17 * known) * (1.0 + 0.03 * (shared + own * c.water_density(p))),
    )


def level(
    mean: Number,
    subject_sd: Number,
    effects: Sequence[float],
    grade: Integer[Array, ""],
    score: Float[Array, ""],
) -> Float[Array, ""]:
    """A subject's mean: ``(h + s z) e_g``, so that over the cohort it has a mean and an SD.

    The grades alone spread the subjects' means; what is left of ``subject_sd`` is the subjects'
    own, ``s``.
    """
    weights = np.array(list(GROUPS.values())) / sum(GROUPS.values())
    effect = np.array(effects)
    average = float(weights @ effect)
    healthy = mean / average
    of_grades = healthy * float(np.sqrt(weights @ (effect - average) ** 2))
    own = jnp.sqrt(jnp.maximum(subject_sd**2 - of_grades**2, 0.0))
    return (healthy + own * score) * jnp.asarray(effects)[grade]
