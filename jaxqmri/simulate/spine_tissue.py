"""What tissues of the lumbar spine are to the scanner at 1.5 T, and discs by their grade.

Times are in ms, proton density is relative to water. T2 of nucleus and annulus by Pfirrmann grade I
to IV are published means (210, 129, 84 and 51 ms; 55, 50, 45 and 37 ms). T1 and proton density of
the nucleus are set, within the range of 1350 to 850 ms, such that it is nearly iso-intense on
T1-weighted images whatever its grade, as it is seen to be. Fat and muscle follow Gold et al. 2004
and de Bazelaire et al. 2004 in part, cerebrospinal fluid textbooks. Assumed, for want of a
measurement: grade V, T1 and T1rho of the annulus (700 to 850 and 55 to 75 ms), T1rho of all else,
oedema, bowel, roots, vein, ligaments, bone and proton densities.

References
----------
Gold et al., American Journal of Roentgenology 2004 (fat at 1.5 T).
de Bazelaire et al., Radiology 2004, doi:10.1148/radiol.2303021331 (muscle and marrow at 1.5 T).
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxqmri.simulate.tissue import Tissue

Number = Float[Array, ""] | float
Field = Float[Array, "..."] | float

FAT = Tissue(t1=288.0, t2=130.0, t1rho=80.0, density=0.95, fat=1.0)
MARROW = Tissue(t1=850.0, t2=55.0, t1rho=60.0, density=0.80)  # its water
OEDEMA = Tissue(t1=1200.0, t2=85.0, t1rho=95.0, density=0.90)  # its water, Modic type I
MODIC_FAT = {"oedema": 0.12, "fatty": 0.85}  # share of fat in a Modic change, types I and II

OTHERS = {
    "skin": Tissue(t1=850.0, t2=28.0, t1rho=32.0, density=0.70),
    "fat": Tissue(t1=800.0, t2=35.0, t1rho=40.0, density=0.95, fat=0.93),
    "interspinous": Tissue(t1=820.0, t2=28.0, t1rho=34.0, density=0.75, fat=0.30),
    "bowel": Tissue(t1=1000.0, t2=60.0, t1rho=70.0, density=0.75),
    "vessel": Tissue(t1=1200.0, t2=5.0, t1rho=6.0, density=0.25),  # flow void in an echo train
    "cortical bone": Tissue(t1=250.0, t2=0.5, t1rho=0.6, density=0.20),
    "ligament": Tissue(t1=700.0, t2=6.0, t1rho=9.0, density=0.60),
    "vein": Tissue(t1=1200.0, t2=150.0, t1rho=120.0, density=0.90, fat=0.25),
    "cerebrospinal fluid": Tissue(t1=4000.0, t2=2000.0, t1rho=1000.0, density=1.0),
    "cord": Tissue(t1=850.0, t2=75.0, t1rho=80.0, density=0.75),
    "cauda equina": Tissue(t1=1500.0, t2=130.0, t1rho=140.0, density=0.85),
    "process": Tissue(t1=850.0, t2=50.0, t1rho=55.0, density=0.78, fat=0.5),
}
"""Every tissue but air, discs and marrow; where there is fat, the times are those of the water."""


class ByGrade(NamedTuple):
    """Relaxation times in ms and proton density, for Pfirrmann grade I to V."""

    t1: tuple[float, ...]
    t2: tuple[float, ...]
    t1rho: tuple[float, ...]
    density: tuple[float, ...]


NUCLEUS = ByGrade(
    t1=(1350.0, 1250.0, 1100.0, 930.0, 850.0),
    t2=(210.0, 129.0, 84.0, 51.0, 42.0),
    t1rho=(150.0, 120.0, 95.0, 75.0, 65.0),
    density=(0.87, 0.84, 0.80, 0.74, 0.70),
)
"""Nucleus pulposus by Pfirrmann grade I to V. T1rho is drawn for each disc of the study instead."""

ANNULUS = ByGrade(
    t1=(720.0, 740.0, 770.0, 820.0, 850.0),
    t2=(55.0, 50.0, 45.0, 37.0, 35.0),
    t1rho=(72.0, 70.0, 66.0, 60.0, 56.0),
    density=(0.72, 0.72, 0.72, 0.72, 0.70),
)
"""Annulus fibrosus by Pfirrmann grade I to V."""


def graded(by_grade: ByGrade, grade: Field) -> Tissue:
    """A tissue at a continuous Pfirrmann grade: times and density between those of the grades."""
    known = jnp.arange(1.0, 6.0)
    columns = [jnp.interp(grade, known, jnp.array(column)) for column in by_grade]
    return Tissue(*columns)


def marrow_fat(age: Number, male: Number, z: Number) -> Number:
    """Share of fat in a patient's vertebral marrow: 30 to 50 %, rising with age (assumed slope)."""
    share = 0.36 + 0.0045 * (age - 36.0) + 0.03 * (male - 0.5) + 0.045 * z
    return jnp.clip(share, 0.15, 0.70)
