"""What the tissues of the upper abdomen are to the scanner at 3 T, and the liver's two components.

Times are in ms, proton density is relative to water. T1 and T2 of liver, spleen, kidney, pancreas,
muscle, fat and marrow follow de Bazelaire et al. 2004. Assumed, for want of a measurement: T1rho of
all tissues but the liver, everything about bowel, bile, disc, lung, skin and bone, and proton
densities.

References
----------
de Bazelaire et al., Radiology 2004, doi:10.1148/radiol.2303021331 (T1 and T2 at 3 T).
Wáng et al., SLAS Technology 2018, doi:10.1177/2472630317717049 (T1rho of the healthy liver).
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from jaxqmri.simulate.anatomy.distance import Point
from jaxqmri.simulate.fields import RandomField, random_fields
from jaxqmri.simulate.tissue import Tissue

Number = Float[Array, ""] | float
Field = Float[Array, "..."] | float

LIVER = Tissue(t1=809.0, t2=34.0, t1rho=40.0, density=0.80)
BLOOD = Tissue(t1=1930.0, t2=275.0, t1rho=120.0, density=0.85)  # before the echo train's dephasing
FAT = Tissue(t1=382.0, t2=68.0, t1rho=80.0, density=1.0, fat=1.0)

TABLE = {
    "lung": Tissue(t1=1200.0, t2=20.0, t1rho=25.0, density=0.06),
    "skin": Tissue(t1=900.0, t2=25.0, t1rho=30.0, density=0.70),
    "fat": Tissue(t1=900.0, t2=35.0, t1rho=38.0, density=0.90, fat=0.95),
    "muscle": Tissue(t1=898.0, t2=29.0, t1rho=36.5, density=0.78),
    "cortical bone": Tissue(t1=250.0, t2=0.4, t1rho=0.5, density=0.20),
    "marrow": Tissue(t1=586.0, t2=49.0, t1rho=60.0, density=0.75, fat=0.45),
    "disc": Tissue(t1=1150.0, t2=80.0, t1rho=90.0, density=0.75),
    "cord": Tissue(t1=990.0, t2=78.0, t1rho=85.0, density=0.75),
    "cerebrospinal fluid": Tissue(t1=4000.0, t2=1500.0, t1rho=800.0, density=1.0),
    "bile": Tissue(t1=2500.0, t2=600.0, t1rho=400.0, density=0.95),
    "spleen": Tissue(t1=1328.0, t2=61.0, t1rho=85.0, density=0.80),
    "kidney cortex": Tissue(t1=1142.0, t2=76.0, t1rho=95.0, density=0.80),
    "kidney medulla": Tissue(t1=1545.0, t2=81.0, t1rho=105.0, density=0.85),
    "pancreas": Tissue(t1=725.0, t2=43.0, t1rho=50.0, density=0.75, fat=0.08),
    "bowel wall": Tissue(t1=1000.0, t2=40.0, t1rho=50.0, density=0.75),
    "bowel content": Tissue(t1=1800.0, t2=150.0, t1rho=150.0, density=0.80),
}
"""Every tissue but liver, blood and air; where there is fat, the times are those of the water."""

STAGE_T1RHO = ((40.0, 2.5), (41.0, 2.8), (42.5, 3.2))
"""Mean and SD, in ms, of what a four-point fit reads in a liver of fibrosis stage 0, 1 and 2.

Assumed: the published means of the stages are other sequences'.
"""

SHORT_T1RHO = 10.0  # ms, of the liver's short component


def component_decay(times: Field, fraction: Field, long: Field) -> Field:
    """Decay of the liver's water: ``f e^(-t/10) + (1 - f) e^(-t/T)``."""
    return fraction * jnp.exp(-times / SHORT_T1RHO) + (1.0 - fraction) * jnp.exp(-times / long)


def fitted_t1rho(times: tuple[float, ...], fraction: Field, long: Field) -> Field:
    """T1rho that a mono-exponential least-squares fit reads, without noise, in two components.

    Where ``d/dR [(sum e s)^2 / sum e^2] = 0`` with ``e = exp(-R t)``, by halving of intervals
    between 5 and 400 ms.

    Parameters
    ----------
    times
        Spin-lock times, ms.
    fraction, long
        Share of the short component; T1rho of the long one, ms.
    """
    signals = [component_decay(t, fraction, long) for t in times]

    def slope(rate: Field) -> Field:
        decays = [jnp.exp(-rate * t) for t in times]
        both = list(zip(times, decays, signals, strict=True))
        match = sum(e * s for _, e, s in both)
        late = sum(t * e * s for t, e, s in both)
        power = sum(e * e for e in decays)
        return match * sum(t * e * e for t, e, _ in both) - late * power

    low = jnp.full_like(jnp.asarray(fraction * long), 1.0 / 400.0)
    return 1.0 / _halve(slope, low, jnp.full_like(low, 1.0 / 5.0))


def long_t1rho(times: tuple[float, ...], fraction: Number, fitted: Number) -> Number:
    """T1rho of the long component, ms, where a fit is to read ``fitted``: the inverse of above."""

    def short_of(long: Field) -> Field:
        return fitted - fitted_t1rho(times, fraction, long)

    start = jnp.asarray(fitted, jnp.float32)
    return _halve(short_of, start, 4.0 * start)


def _halve(f, low: Array, high: Array, steps: int = 30) -> Array:
    """Where a function falls through zero."""

    def step(ends: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], None]:
        low, high = ends
        middle = (low + high) / 2.0
        above = f(middle) > 0
        return (jnp.where(above, middle, low), jnp.where(above, high, middle)), None

    (low, high), _ = jax.lax.scan(step, (low, high), None, length=steps)
    return (low + high) / 2.0


class LiverWater(NamedTuple):
    """The liver from point to point."""

    long: Float[Array, ...]  # T1rho of the long component, ms
    fraction: Float[Array, ...]  # of the short component in the water
    fat: Float[Array, ...]  # share of fat


class Parenchyma(NamedTuple):
    """One subject's liver: levels, and the fields that vary it from point to point."""

    long: Number  # mean T1rho of the long component, ms
    fraction: Number  # mean share of the short component
    fat: Number  # mean share of fat
    long_sd: Number
    fraction_sd: Number
    fields: tuple[RandomField, RandomField, RandomField, RandomField]

    def at(self, p: Point) -> tuple[LiverWater, Float[Array, ...]]:
        """The liver at points in mm, and by how much all tissue is brighter there."""
        water, bound, steatosis, texture = (field(p) for field in self.fields)
        fraction = jnp.clip(self.fraction + self.fraction_sd * bound, 0.0, 0.5)
        liver = LiverWater(
            jnp.maximum(self.long + self.long_sd * water, 15.0),
            jnp.where(self.fraction > 0, fraction, 0.0),
            jnp.clip(self.fat * (1.0 + 0.12 * steatosis), 0.0, 1.0),
        )
        return liver, 1.0 + 0.03 * texture


def sample_parenchyma(
    key: PRNGKeyArray,
    long: Number,
    fraction: Number,
    fat: Number,
    long_sd: Number,
    fraction_sd: Number,
) -> Parenchyma:
    """Draw the fields of one subject's liver.

    T1rho varies over 15 mm, the short component over 20, fat over 30; density over 9.
    """
    water, bound, steatosis, texture = random_fields(key, 15.0, 20.0, 30.0, 9.0)
    return Parenchyma(long, fraction, fat, long_sd, fraction_sd, (water, bound, steatosis, texture))
