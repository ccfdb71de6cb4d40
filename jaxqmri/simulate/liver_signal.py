"""Signals of an abdomen on planes, and of the blood that the black-blood preparation leaves."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxqmri.simulate.liver_tissue import BLOOD, FAT, LIVER, TABLE, LiverWater, component_decay
from jaxqmri.simulate.sequence import Protocol, amplitude, locked

Number = Float[Array, ""] | float

BLOOD_VESSELS = ("portal vein", "hepatic vein", "artery")


def plane_signals(
    contents: Mapping[str, Float[Array, "p x y"]],
    liver: LiverWater,
    fat_left: Float[Array, "p x y"],
    times: tuple[float, ...],
    protocol: Protocol,
) -> Float[Array, "n p x y"]:
    """Signals of all tissues but blood at each spin-lock time, in perfect B1.

    Parameters
    ----------
    contents
        Share of each tissue in each pixel.
    liver
        What its water and fat are.
    fat_left
        Share of the fat signal that its suppression leaves.
    times
        Spin-lock times, ms.
    protocol
        Timing of the sequence.
    """
    lock = jnp.asarray(times)
    parenchyma = contents["liver"]
    decays = jnp.stack([component_decay(t, liver.fraction, liver.long) for t in times])
    water = parenchyma * (1.0 - liver.fat) * amplitude(LIVER, protocol)
    lipid = parenchyma * LIVER.density * liver.fat
    for name, entry in TABLE.items():
        lipid = lipid + entry.fat * entry.density * contents[name]
    rates = jnp.stack(
        [(1.0 - e.fat) * amplitude(e, protocol) * locked(e, lock) for e in TABLE.values()]
        + [amplitude(FAT, protocol) * locked(FAT, lock)],
        axis=1,
    )
    others = jnp.stack([*(contents[name] for name in TABLE), fat_left * lipid])
    return water * decays + jnp.tensordot(rates, others, 1, precision="highest")


def blood_signals(
    contents: Mapping[str, Float[Array, "p x y"]],
    slab: Float[Array, "n s p"],
    left: Float[Array, "v n s"],
    times: tuple[float, ...],
    protocol: Protocol,
) -> Float[Array, "n s x y"]:
    """Signals of the blood in each slice: portal veins, hepatic veins, arteries.

    Flow differs from one excitation to the next, so that what is ``left`` of its signal differs
    between vessels, spin-lock times and slices.
    """
    blood = amplitude(BLOOD, protocol) * locked(BLOOD, jnp.asarray(times))
    vessels = jnp.stack([contents[name] for name in BLOOD_VESSELS])
    seen = jnp.einsum("nsp,vpxy->vnsxy", slab, vessels, precision="highest")
    return jnp.einsum("vns,vnsxy->nsxy", left * blood[:, None], seen, precision="highest")
