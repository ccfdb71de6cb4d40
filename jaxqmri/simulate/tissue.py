"""What a tissue is to the scanner at 3 T: relaxation times, proton density and fat, varied.

Times are in ms, proton density is relative to water. T1 and T2 of muscle, marrow fat,
subcutaneous fat and synovial fluid follow Gold et al. 2004; menisci's T2 and T1rho are those of
mild degeneration in Rauscher et al. 2008. Cartilage is varied point by point, see
:func:`cartilage`. Assumed, for want of a measurement at 3 T and 300 Hz: T1rho of all other
tissues, everything about ligaments, tendons, skin, blood and bone, and proton densities.

References
----------
Gold et al., American Journal of Roentgenology 2004 (T1 and T2 of the knee at 3 T).
Rauscher et al., Radiology 2008 (T1rho and T2 of the meniscus).
Wang and Regatte, Academic Radiology 2014 (T1rho of the knee in osteoarthritis).
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from jaxqmri.simulate.anatomy.distance import Point
from jaxqmri.simulate.fields import RandomField, random_fields

Field = Float[Array, "..."] | float


class Tissue(NamedTuple):
    """Relaxation times in ms, proton density and share of it that is fat."""

    t1: Field
    t2: Field
    t1rho: Field
    density: Field
    fat: Field = 0.0


FAT = Tissue(t1=370.0, t2=133.0, t1rho=80.0, density=1.0, fat=1.0)

TABLE = {
    "marrow": Tissue(t1=1000.0, t2=45.0, t1rho=50.0, density=0.90, fat=0.93),
    "cortical bone": Tissue(t1=250.0, t2=0.4, t1rho=0.5, density=0.20),
    "meniscus": Tissue(t1=700.0, t2=13.5, t1rho=16.1, density=0.68),
    "ligament": Tissue(t1=850.0, t2=15.0, t1rho=24.0, density=0.65),
    "tendon": Tissue(t1=700.0, t2=4.0, t1rho=6.0, density=0.60),
    "fluid": Tissue(t1=3620.0, t2=767.0, t1rho=500.0, density=1.0),
    "vessel": Tissue(t1=1900.0, t2=5.0, t1rho=5.0, density=0.3),  # flow void in an echo train
    "muscle": Tissue(t1=1420.0, t2=31.7, t1rho=38.0, density=0.78),
    "fat": Tissue(t1=900.0, t2=35.0, t1rho=38.0, density=0.90, fat=0.95),
    "skin": Tissue(t1=900.0, t2=25.0, t1rho=30.0, density=0.70),
}
"""Every tissue but cartilage and air; where there is fat, the times are those of the water."""

VARIATION = {"marrow": 0.05, "muscle": 0.05, "fat": 0.06, "fluid": 0.03, "meniscus": 0.05}
"""SD of the proton density within a tissue, as a fraction."""

GRADE_T1RHO = (1.00, 1.03, 1.06, 1.12, 1.18)
"""Mean T1rho by Kellgren–Lawrence grade 0 to 4, relative to grade 0 (assumed from group means)."""


class Cartilage(NamedTuple):
    """One subject's cartilage: levels, spread, and the fields that vary it from point to point."""

    t1rho: Field  # mean of healthy cartilage halfway to the surface, ms
    t2: Field
    t1: Field
    spread: Field  # coefficient of variation of T1rho from point to point
    hydration: tuple[RandomField, RandomField]  # coarse and fine
    water_t2: RandomField  # what T2 does not share with T1rho
    water_t1: RandomField
    texture: RandomField  # of all other tissues


def sample_cartilage(key: PRNGKeyArray, t1rho: Field, spread: Field) -> Cartilage:
    """Draw the fields of one subject whose healthy cartilage has a mean ``t1rho`` (ms)."""
    coarse, fine, water_t2, water_t1, texture = random_fields(key, 8.0, 3.0, 5.0, 5.0, 1.4)
    return Cartilage(
        t1rho=t1rho,
        t2=38.0 * (t1rho / 42.0) ** 0.6,
        t1=jnp.asarray(1000.0),
        spread=spread,
        hydration=(coarse, fine),
        water_t2=water_t2,
        water_t1=water_t1,
        texture=texture,
    )


def gamma_quantile(z: Field, spread: Field) -> Field:
    """Gamma variable with mean 1 and coefficient of variation ``spread`` at normal score ``z``.

    ``(1 - 1 / (9 k) + z / (3 sqrt(k)))^3`` with shape ``k = spread^-2``: skewed to the right.

    References
    ----------
    Wilson and Hilferty, PNAS 1931, doi:10.1073/pnas.17.12.684.
    """
    return jnp.maximum(1.0 - spread**2 / 9.0 + z * spread / 3.0, 0.05) ** 3


def cartilage(p: Point, depth: Field, lesion: Field, c: Cartilage) -> Tissue:
    """Cartilage at points in mm.

    T1rho is skewed to the right, rises from the bone to the surface (deep to superficial 0.82) and
    in lesions (up to 40 %). Scores of T2 and of T1 share 0.6 and 0.5 with that of T1rho, so that
    contrast predicts T1rho in part only; proton density rises to the surface from 0.65 to 0.82.

    Parameters
    ----------
    p
        Points.
    depth
        0 at the bone, 1 at the surface.
    lesion
        0 in healthy cartilage, up to 1 in a severe lesion.
    c
        The subject's cartilage.
    """
    coarse, fine = c.hydration
    score = 0.6**0.5 * coarse(p) + 0.4**0.5 * fine(p)
    score_t2 = 0.6 * score + 0.8 * c.water_t2(p)
    score_t1 = 0.5 * score + 0.75**0.5 * c.water_t1(p)
    layer = 0.9 + 0.2 * depth
    return Tissue(
        t1=c.t1 * (0.93 + 0.14 * depth) * (1.0 + 0.08 * score_t1 + 0.1 * lesion),
        t2=c.t2 * (0.95 + 0.1 * depth) * gamma_quantile(score_t2, 0.25) * (1.0 + 0.3 * lesion),
        t1rho=c.t1rho * layer * gamma_quantile(score, c.spread) * (1.0 + 0.4 * lesion),
        density=(0.65 + 0.17 * depth) * (1.0 + 0.02 * score),
    )
