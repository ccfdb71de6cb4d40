"""Three UTE series of one protocol, and what they make of a tissue where B1 is not nominal."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxqmri.physics.gradient_echo import actual_flip_angle, spoiled_gradient_echo
from jaxqmri.physics.multi_spoke import multi_spoke_signal

Field = Float[Array, "..."] | float

B1_RANGE = 0.15  # B1 is 1 within this


class UteProtocol(NamedTuple):
    """Timing in ms and angles in degrees; static and hashable.

    Published but for ``spoke_spacing``, which is assumed.

    References
    ----------
    Lu et al., Journal of Imaging Informatics in Medicine 2024, doi:10.1007/s10278-024-01089-8.
    """

    echo_time: float = 0.032
    flip_angles: tuple[float, ...] = (5.0, 10.0, 20.0, 30.0)
    repetition_time: float = 20.0
    afi_repetition_times: tuple[float, float] = (20.0, 100.0)
    afi_flip_angle: float = 45.0
    spin_lock_times: tuple[float, ...] = (0.0, 12.0, 24.0, 36.0, 48.0, 72.0, 96.0)
    preparation_time: float = 500.0  # from one preparation to the next
    spoke_angle: float = 10.0
    spokes: int = 25  # after each preparation
    spoke_spacing: float = 5.0

    def counts(self) -> tuple[int, int, int]:
        """Images with variable flip angles, of the actual flip angle, with T1rho contrast."""
        return len(self.flip_angles), 2, len(self.spin_lock_times)


PUBLISHED = UteProtocol()


def unit_signals(
    protocol: UteProtocol, b1: Float[Array, " p"], t1: Field, t1rho: Field
) -> Float[Array, "n p"]:
    """Signals of all images for unit magnetisation: flip angles, AFI, spin-lock times.

    Parameters
    ----------
    protocol
        The series.
    b1
        Actual over nominal angle, at every point.
    t1, t1rho
        In ms, everywhere the same or at every point.
    """
    angles, pair, locks = (
        jnp.array(numbers)
        for numbers in (
            protocol.flip_angles,
            protocol.afi_repetition_times,
            protocol.spin_lock_times,
        )
    )
    spoke = (protocol.spokes, protocol.spoke_spacing)

    def at_one_point(b1: Array, t1: Array, t1rho: Array) -> Array:
        return jnp.concatenate(
            [
                spoiled_gradient_echo(b1 * angles, protocol.repetition_time, t1),
                actual_flip_angle(pair, b1 * protocol.afi_flip_angle, t1),
                multi_spoke_signal(
                    locks, protocol.preparation_time, b1 * protocol.spoke_angle, *spoke, t1, t1rho
                ),
            ]
        )

    times = [jnp.asarray(time) for time in (t1, t1rho)]
    axes = [0 if time.ndim else None for time in times]
    return jax.vmap(at_one_point, (0, *axes), 1)(b1, *times)


def polynomials(
    protocol: UteProtocol, t1: Float[Array, " tissues"], t1rho: Float[Array, " tissues"]
) -> Float[Array, "k n tissues"]:
    """Coefficients of tissues' signals in powers of ``(b1 - 1) / B1_RANGE``, the first constant.

    Interpolation at five Chebyshev nodes: a signal is a smooth function of B1, and over its range
    a polynomial of degree 4 is within 1e-5 of it. That of a mixture has the mixed coefficients.
    """
    nodes = np.cos((np.arange(5) + 0.5) * np.pi / 5)
    at_nodes = jnp.asarray(1.0 + B1_RANGE * nodes, jnp.float32)
    known = jax.vmap(partial(unit_signals, protocol, at_nodes), out_axes=2)(t1, t1rho)
    powers = jnp.asarray(np.linalg.inv(np.vander(nodes, increasing=True)), jnp.float32)
    return jnp.einsum("kp,npt->knt", powers, known, precision="highest")


def evaluate(coefficients: Float[Array, "k n p"], b1: Float[Array, " p"]) -> Float[Array, "n p"]:
    """Polynomials of :func:`polynomials` at a B1 for each point."""
    x = (b1 - 1.0) / B1_RANGE
    total = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        total = total * x + coefficient
    return total
