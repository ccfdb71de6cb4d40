"""Spoiled gradient echoes: variable flip angles for T1, actual flip angles for B1."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

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
    times_field,
)
from jaxqmri.physics.bessel import Field, Values
from jaxqmri.physics.once import computed_once

B1 = Bounds(0.2, 2.0)


def spoiled_gradient_echo(flip_angles: Times, repetition_time: Any, t1: Scalar) -> Signals:
    """``sin(a) (1 - E1) / (1 - E1 cos(a))`` with ``E1 = e^(-TR/T1)``, for unit magnetisation.

    Parameters
    ----------
    flip_angles
        Actual ``a`` in degrees, shape ``(n,)``.
    repetition_time
        TR in ms.
    t1
        In ms.
    """
    angle, tr = as_type_of(t1, flip_angles, repetition_time)
    half = jnp.deg2rad(0.5 * angle)
    e1, recovered = jnp.exp(-tr / t1), -jnp.expm1(-tr / t1)
    sine, cosine = computed_once(tr > 0, lambda a: (jnp.sin(a), jnp.cos(a)), half)
    # 1 - E1 cos(a) loses most of its digits at small angles and TR well below T1
    return 2.0 * sine * cosine * recovered / (recovered + 2.0 * e1 * sine * sine)


def actual_flip_angle(repetition_times: Times, flip_angle: Any, t1: Scalar) -> Signals:
    """Two interleaved TR with one flip angle, exact steady state, for unit magnetisation.

    ``S1 = sin(a) [1 - E2 + (1 - E1) E2 cos(a)] / [1 - E1 E2 cos(a)^2]`` and ``S2`` the same with
    the indices exchanged, ``Ei = e^(-TRi/T1)``.

    Parameters
    ----------
    repetition_times
        TR1, after the first signal, and TR2 in ms, shape ``(2,)``.
    flip_angle
        Actual ``a`` in degrees.
    t1
        In ms.

    Returns
    -------
    Array
        The signals before TR1 and before TR2, shape ``(2,)``.

    References
    ----------
    Yarnykh, Magnetic Resonance in Medicine 2007, doi:10.1002/mrm.21120.
    """
    times, degrees = as_type_of(t1, repetition_times, flip_angle)
    angle = jnp.deg2rad(degrees)
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    e1, e2 = jnp.exp(-times[0] / t1), jnp.exp(-times[1] / t1)
    r1, r2 = -jnp.expm1(-times[0] / t1), -jnp.expm1(-times[1] / t1)
    # 1 - E1 E2 cos(a)^2 without the cancellation of a short TR
    steady = -jnp.expm1(-(times[0] + times[1]) / t1) + e1 * e2 * sine * sine
    return sine / steady * jnp.stack([r2 + r1 * e2 * cosine, r1 + r2 * e1 * cosine])


class SpoiledGradientEcho(SignalModel):
    """Variable flip angles: ``S = m0 sin(b1 a) (1 - E1) / (1 - E1 cos(b1 a))``.

    Parameters
    ----------
    flip_angles
        Nominal ``a`` in degrees, shape ``(n,)``, zero or above.
    repetition_time
        TR in ms; ``E1 = e^(-TR/T1)``.

    Raises
    ------
    ValueError
        If an angle is negative or not finite, or TR is not above zero.

    Notes
    -----
    ``Params``: ``m0`` (arbitrary; it holds ``e^(-TE/T2*)``), ``t1`` (ms) and ``b1`` (fraction of
    nominal). The angles alone cannot tell ``b1`` from ``t1``: ``b1`` is 1 unless a map is given,
    and an error in it comes back doubled in T1.

    References
    ----------
    Deoni et al., Magnetic Resonance in Medicine 2003, doi:10.1002/mrm.10407.
    """

    class Params(NamedTuple):
        """``m0`` in arbitrary units, ``t1`` in ms, ``b1`` a fraction of nominal."""

        m0: Scalar
        t1: Scalar
        b1: Scalar

    flip_angles: Times = times_field("flip_angles", "degrees")
    repetition_time: Any = number_field("repetition_time")
    units: ClassVar = {"m0": "arbitrary", "t1": "ms", "b1": ""}
    limits: ClassVar = {"m0": AMPLITUDE, "t1": RELAXATION_TIME, "b1": B1}
    amplitudes: ClassVar = ("m0",)
    defaults: ClassVar = {"b1": 1.0}

    def __call__(self, params: Params) -> Signals:
        """Signals at the flip angles, shape ``(n,)``."""
        angles = params.b1 * as_type_of(params.t1, self.flip_angles)
        return params.m0 * spoiled_gradient_echo(angles, self.repetition_time, params.t1)

    def grid(self) -> dict[str, Float[Array, " g"]]:
        """Ten T1 from 4 to 400 repetition times."""
        tr = as_type_of(jnp.float32(0.0), self.repetition_time)
        return {"t1": log_grid(4.0 * tr, 400.0 * tr, 10)}


class ActualFlipAngle(SignalModel):
    """Two interleaved TR with one flip angle: ``m0`` times :func:`actual_flip_angle`.

    Parameters
    ----------
    repetition_times
        TR1 and TR2 in ms, TR1 the delay after the first signal, TR2 above TR1.
    flip_angle
        Nominal, in degrees, at most 90.

    Raises
    ------
    ValueError
        If there are not two times, TR2 is not above TR1 or TR1 not above zero, or the angle is
        outside 0 to 90.

    Notes
    -----
    ``Params``: ``m0`` (arbitrary), ``b1`` (fraction of nominal), ``t1`` (ms; 1,000 unless given:
    over its whole range it moves ``b1`` by less than 1 %, which a T1 map takes out).
    :func:`approximate_flip_angle` is the usual formula.

    References
    ----------
    Yarnykh, Magnetic Resonance in Medicine 2007, doi:10.1002/mrm.21120.
    """

    class Params(NamedTuple):
        """``m0`` in arbitrary units, ``b1`` a fraction of nominal, ``t1`` in ms."""

        m0: Scalar
        b1: Scalar
        t1: Scalar

    repetition_times: Times = times_field("repetition_times")
    flip_angle: Any = number_field("flip_angle", "degrees", maximum=90.0)
    units: ClassVar = {"m0": "arbitrary", "b1": "", "t1": "ms"}
    limits: ClassVar = {"m0": AMPLITUDE, "b1": B1, "t1": RELAXATION_TIME}
    amplitudes: ClassVar = ("m0",)
    defaults: ClassVar = {"t1": 1000.0}

    def __check_init__(self) -> None:
        check_rising(self.repetition_times, "repetition_times")

    def __call__(self, params: Params) -> Signals:
        """The signals before TR1 and before TR2, shape ``(2,)``."""
        angle = params.b1 * as_type_of(params.t1, self.flip_angle)
        return params.m0 * actual_flip_angle(self.repetition_times, angle, params.t1)

    def grid(self) -> dict[str, Float[Array, " g"]]:
        """Eight B1; T1 hardly matters."""
        return {"b1": jnp.linspace(0.4, 1.8, 8)}


def check_rising(times: Times, name: str) -> None:
    """Refuse anything but a TR1 and a longer TR2."""
    if times.shape != (2,):
        raise ValueError(f"{name} must be two times, got {times.shape[0]}")
    if isinstance(times, np.ndarray) and not 0.0 < times[0] < times[1]:
        raise ValueError(f"{name} must be above 0 ms and rising, got {times.tolist()}")


def approximate_flip_angle(
    signal_1: Values, signal_2: Values, repetition_times: Times, flip_angle: float
) -> Field:
    """B1 from the ratio of the two signals, for TR far below T1.

    ``cos(a) = (r n - 1) / (n - r)`` with ``r = S2 / S1`` and ``n = TR2 / TR1``; ``b1`` is ``a``
    over the nominal angle. At TR 20/100 ms and 45 degrees it reads 0.6 % low for T1 300 ms and
    0.1 % low for 1,500 ms; :class:`ActualFlipAngle` fitted with a T1 map does not.

    Parameters
    ----------
    signal_1, signal_2
        Magnitudes, arrays that broadcast.
    repetition_times
        TR1 and TR2 in ms.
    flip_angle
        Nominal, in degrees.

    Returns
    -------
    Array
        Actual over nominal angle; 0 where the second signal is at least the first, as no angle
        explains; NaN where the first signal is not positive.

    References
    ----------
    Yarnykh, Magnetic Resonance in Medicine 2007, doi:10.1002/mrm.21120.
    """
    first, second = jnp.asarray(signal_1), jnp.asarray(signal_2)
    n = repetition_times[1] / repetition_times[0]
    ratio = second / jnp.where(first > 0, first, 1.0)
    explained = (ratio < 1.0) & (ratio > -1.0)
    safe = jnp.where(explained, ratio, 0.5)
    angle = jnp.rad2deg(jnp.arccos((safe * n - 1.0) / (n - safe)))
    clamped = jnp.where(ratio >= 1.0, 0.0, 180.0)
    return jnp.where(first > 0, jnp.where(explained, angle, clamped) / flip_angle, jnp.nan)
