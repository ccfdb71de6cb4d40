"""A spin-locked, fat-suppressed fast spin echo: what it makes of a tissue, in imperfect fields."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxqmri.physics.decay import exponential_decay
from jaxqmri.physics.fast_spin_echo import prepared_fse_amplitude
from jaxqmri.physics.spin_lock import spin_lock_magnetisation
from jaxqmri.simulate.tissue import Tissue

Number = Float[Array, ""] | float
Field = Float[Array, "..."] | float


class Protocol(NamedTuple):
    """Timing of a fat-suppressed fast spin echo, in ms."""

    recovery: Number  # from saturation to excitation
    echo_time: Number  # to the centre of k-space


def fat_left(off_resonance: Field, residual: Number) -> Field:
    """Share of the fat signal that SPAIR leaves: all of it where the field is far off.

    ``r + (1 - r) sigmoid((|df| - 180) / 40)`` with the offset ``df`` in Hz, an assumption.
    """
    lost = jax.nn.sigmoid((jnp.abs(off_resonance) - 180.0) / 40.0)
    return residual + (1.0 - residual) * lost


def amplitude(tissue: Tissue, protocol: Protocol) -> Field:
    """Signal of a tissue's water without spin lock."""
    return prepared_fse_amplitude(
        tissue.density, tissue.t1, tissue.t2, protocol.recovery, protocol.echo_time
    )


def locked(tissue: Tissue, spin_lock_times: Float[Array, " n"]) -> Float[Array, " n"]:
    """Share of the magnetisation that a spin lock leaves in perfect fields."""
    return exponential_decay(spin_lock_times, 1.0, tissue.t1rho)


def lock_efficiency(
    spin_lock_times: tuple[float, ...], frequency: Number, b1: Field, off_resonance: Field
) -> Float[Array, "n ..."]:
    """What errors of the fields leave of the signal behind a composite spin-lock module.

    With ``T2rho = T1rho``, an assumption, relaxation during the lock is the same in every
    direction: the module's result is ``e^(-TSL/T1rho)`` times this factor, which knows no tissue
    and is as smooth as the fields.
    """
    return jnp.stack(
        [
            jnp.abs(
                spin_lock_magnetisation(
                    t, jnp.inf, jnp.inf, frequency, b1, off_resonance, "composite"
                )
            )
            for t in spin_lock_times
        ]
    )
