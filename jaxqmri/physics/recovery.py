"""Longitudinal recovery: inversion and saturation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxqmri.physics.base import (
    AMPLITUDE,
    RELAXATION_TIME,
    Bounds,
    Scalar,
    SignalModel,
    Signals,
    Times,
    as_type_of,
    log_grid,
    number_field,
    product_grid,
    times_field,
)


def inversion_recovery(
    inversion_times: Times, repetition_time: Scalar | Any, t1: Scalar, efficiency: Scalar = 1.0
) -> Signals:
    """Longitudinal magnetisation at the readout, ``1 - (1 + f) e^(-TI/T1) + f e^(-TR/T1)``.

    The readout leaves none behind, so it recovers to ``1 - e^(-(TR - TI)/T1)`` before the
    inversion turns it to ``-f`` times that; TI later it is what is written above.

    Parameters
    ----------
    inversion_times
        TI in ms, shape ``(n,)``.
    repetition_time
        TR in ms, from inversion to inversion.
    t1
        In ms.
    efficiency
        ``f``, minus the cosine of the inversion angle: 1 for a perfect inversion.
    """
    ti, tr = as_type_of(t1, inversion_times, repetition_time)
    before = -jnp.expm1((ti - tr) / t1)
    return -jnp.expm1(-ti / t1) - efficiency * jnp.exp(-ti / t1) * before


class InversionRecovery(SignalModel):
    """Inversion recovery with a finite TR: ``S = m0 [1 - (1 + f) e^(-TI/T1) + f e^(-TR/T1)]``.

    Parameters
    ----------
    inversion_times
        TI in ms, shape ``(n,)``, zero or above, finite, at most TR.
    repetition_time
        TR in ms, from inversion to inversion; the readout is a 90 degree pulse.
    magnitude
        Whether the images are magnitudes, ``|S|``, or keep their sign.

    Raises
    ------
    ValueError
        If a time is negative or not finite, or an inversion time is beyond TR.

    Notes
    -----
    ``Params``: ``m0`` (arbitrary), ``t1`` (ms), ``efficiency`` ``f`` (0.3 to 1; 1 is a perfect
    inversion). A spin echo's refocusing pulse is taken as right after its 90 degree pulse.

    References
    ----------
    Stikov et al., Magnetic Resonance in Medicine 2015, doi:10.1002/mrm.25135. Barral et al.,
    Magnetic Resonance in Medicine 2010, doi:10.1002/mrm.22497.
    """

    class Params(NamedTuple):
        """``m0`` in arbitrary units, ``t1`` in ms, ``efficiency`` a pure number."""

        m0: Scalar
        t1: Scalar
        efficiency: Scalar

    inversion_times: Times = times_field("inversion_times")
    repetition_time: Any = number_field("repetition_time")
    magnitude: bool = eqx.field(static=True, default=True)
    units: ClassVar = {"m0": "arbitrary", "t1": "ms", "efficiency": ""}
    limits: ClassVar = {"m0": AMPLITUDE, "t1": RELAXATION_TIME, "efficiency": Bounds(0.3, 1.0)}
    amplitudes: ClassVar = ("m0",)

    def __check_init__(self) -> None:
        times = (self.inversion_times, self.repetition_time)
        if any(isinstance(value, jax.Array) for value in times):
            return
        longest = np.max(self.inversion_times)
        if longest > self.repetition_time:
            raise ValueError(
                f"inversion_times must be at most the repetition time, {self.repetition_time:g} "
                f"ms, got {longest:g}"
            )

    @property
    def signed(self) -> bool:
        """Whether the images keep their sign."""
        return not self.magnitude

    def several_starts(self, free: tuple[str, ...]) -> int:
        """Magnitudes hide which samples are negative: each likely answer is tried."""
        del free
        return 3 if self.magnitude else 1

    def __call__(self, params: Params) -> Signals:
        """Signals at the inversion times, shape ``(n,)``."""
        signal = params.m0 * inversion_recovery(
            self.inversion_times, self.repetition_time, params.t1, params.efficiency
        )
        return jnp.abs(signal) if self.magnitude else signal

    def grid(self) -> dict[str, Float[Array, " g"]]:
        """Twelve T1 by three efficiencies: fine enough to settle which samples are negative."""
        longest = jnp.max(as_type_of(jnp.float32(0.0), self.inversion_times))
        return product_grid(
            t1=log_grid(longest / 32.0, longest * 4.0, 12), efficiency=jnp.array([0.6, 0.8, 0.95])
        )

    def groups(
        self, grid: Mapping[str, Float[Array, " g"]], held: Mapping[str, Scalar]
    ) -> Int[Array, " g"]:
        """Number candidates by how many samples a magnitude image shows with the wrong sign."""
        times, tr = self.inversion_times, self.repetition_time

        def negative(row: Mapping[str, Scalar]) -> Int[Array, ""]:
            known = {**held, **row}
            return jnp.sum(inversion_recovery(times, tr, known["t1"], known["efficiency"]) < 0)

        return jax.vmap(negative)(dict(grid))


class SaturationRecovery(SignalModel):
    """Recovery from saturation: ``S = m0 (1 - e^(-TD/T1))``.

    Parameters
    ----------
    delays
        TD in ms from saturation to readout, shape ``(n,)``, zero or above, finite.

    Raises
    ------
    ValueError
        If a delay is negative or not finite.

    Notes
    -----
    ``Params``: ``m0`` (arbitrary) and ``t1`` (ms). Also the equation of spin echoes at several TR
    with TE far below T2.

    References
    ----------
    Haacke et al., Magnetic Resonance Imaging: Physical Principles and Sequence Design, 1999.
    """

    class Params(NamedTuple):
        """``m0`` in arbitrary units, ``t1`` in ms."""

        m0: Scalar
        t1: Scalar

    delays: Times = times_field("delays")
    units: ClassVar = {"m0": "arbitrary", "t1": "ms"}
    limits: ClassVar = {"m0": AMPLITUDE, "t1": RELAXATION_TIME}
    amplitudes: ClassVar = ("m0",)

    def __call__(self, params: Params) -> Signals:
        """Signals at the delays, shape ``(n,)``."""
        delays = as_type_of(params.t1, self.delays)
        return -params.m0 * jnp.expm1(-delays / params.t1)

    def grid(self) -> dict[str, Float[Array, " g"]]:
        """Eight T1 around the delays."""
        longest = jnp.max(as_type_of(jnp.float32(0.0), self.delays))
        return {"t1": log_grid(longest / 16.0, longest * 10.0)}
