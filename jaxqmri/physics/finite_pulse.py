"""Pulses so long that T2 acts while they turn: spoiled gradient echoes of short T2."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxqmri.physics.base import (
    AMPLITUDE,
    RELAXATION_TIME,
    Scalar,
    SignalModel,
    Signals,
    Times,
    as_type_of,
    log_grid,
    number_field,
    times_field,
)
from jaxqmri.physics.gradient_echo import B1

CLOSE = 0.01  # of a squared angle to zero: a series of four terms is exact there


def finite_pulse(flip_angle: Any, pulse_duration: Any, t2: Scalar) -> tuple[Any, Any]:
    """What a rectangular pulse leaves along z, and turns across, of unit magnetisation.

    With ``h = tau / (2 T2)`` and ``x = sqrt(a^2 - h^2)``: ``f_z = e^-h [cos x + h sin(x)/x]`` and
    ``f_xy = e^-h a sin(x)/x``; hyperbolic functions where ``h`` is above ``a``. T1 does not act.

    Parameters
    ----------
    flip_angle
        Actual ``a`` in degrees, of long T2; a number or an array.
    pulse_duration
        ``tau`` in ms.
    t2
        In ms.

    Returns
    -------
    tuple
        ``f_z`` and ``f_xy``, each of the shape of the angle.

    References
    ----------
    Sussman et al., Magnetic Resonance in Medicine 1998, doi:10.1002/mrm.1910400610, cited from
    memory; the equation is solved here and checked against the Bloch equations step by step.
    """
    lost, across = _lost_and_turned(flip_angle, pulse_duration, t2)
    return 1.0 - lost, across


class FinitePulseGradientEcho(SignalModel):
    """Variable flip angles of short T2: ``S = m0 f_xy (1 - E1) / (1 - E1 f_z)``.

    ``f_z`` and ``f_xy`` are those of :func:`finite_pulse`, ``E1 = e^(-TR/T1)``.

    Parameters
    ----------
    flip_angles
        Nominal, in degrees, shape ``(n,)``, zero or above.
    repetition_time
        TR in ms.
    pulse_duration
        Length of the rectangular pulse in ms, below TR.

    Raises
    ------
    ValueError
        If an angle is negative or not finite, or a time is not above zero, or the pulse is not
        shorter than TR.

    Notes
    -----
    ``Params``: ``m0`` (arbitrary), ``t1`` (ms), ``b1`` (fraction of nominal; 1 unless given) and
    ``t2`` (ms; 20 unless given: angles alone cannot tell it from ``b1``). It matters where T2 is
    not far above the pulse's length; else :class:`jaxqmri.physics.SpoiledGradientEcho` will do.

    References
    ----------
    Sussman et al., Magnetic Resonance in Medicine 1998, doi:10.1002/mrm.1910400610.
    """

    class Params(NamedTuple):
        """``m0`` in arbitrary units, ``t1`` and ``t2`` in ms, ``b1`` a fraction of nominal."""

        m0: Scalar
        t1: Scalar
        b1: Scalar
        t2: Scalar

    flip_angles: Times = times_field("flip_angles", "degrees")
    repetition_time: Any = number_field("repetition_time")
    pulse_duration: Any = number_field("pulse_duration")
    units: ClassVar = {"m0": "arbitrary", "t1": "ms", "b1": "", "t2": "ms"}
    limits: ClassVar = {
        "m0": AMPLITUDE,
        "t1": RELAXATION_TIME,
        "b1": B1,
        "t2": RELAXATION_TIME,
    }
    amplitudes: ClassVar = ("m0",)
    defaults: ClassVar = {"b1": 1.0, "t2": 20.0}

    def __check_init__(self) -> None:
        pulse, tr = self.pulse_duration, self.repetition_time
        if isinstance(pulse, np.ndarray) and isinstance(tr, np.ndarray) and not pulse < tr:
            raise ValueError(f"pulse_duration must be below TR, {tr:g} ms, got {pulse:g}")

    def __call__(self, params: Params) -> Signals:
        """Signals at the flip angles, shape ``(n,)``."""
        angles, tr = as_type_of(params.t1, self.flip_angles, self.repetition_time)
        lost, across = _lost_and_turned(params.b1 * angles, self.pulse_duration, params.t2)
        recovered = -jnp.expm1(-tr / params.t1)
        return params.m0 * across * recovered / (recovered + jnp.exp(-tr / params.t1) * lost)

    def grid(self) -> dict[str, Float[Array, " g"]]:
        """Ten T1 from 4 to 400 repetition times."""
        tr = as_type_of(jnp.float32(0.0), self.repetition_time)
        return {"t1": log_grid(4.0 * tr, 400.0 * tr, 10)}


def _lost_and_turned(flip_angle: Any, pulse_duration: Any, t2: Scalar) -> tuple[Any, Any]:
    """``1 - f_z``, without the cancellation of a small angle, and ``f_xy``.

    The square root in ``x`` has no slope at zero: near there the even functions of ``x`` are
    series in its square, and each form is only ever shown arguments that it is made for.
    """
    degrees, duration = as_type_of(t2, flip_angle, pulse_duration)
    angle, h = jnp.deg2rad(degrees), 0.5 * duration / t2
    square = angle * angle - h * h
    decay = jnp.exp(-h)

    x = jnp.sqrt(jnp.where(square > CLOSE, square, 1.0))
    near = jnp.clip(square, -CLOSE, CLOSE)
    cosine_series = near * (1 / 2 - near * (1 / 24 - near * (1 / 720 - near / 40320)))
    sinc_series = near * (1 / 6 - near * (1 / 120 - near * (1 / 5040 - near / 362880)))
    swinging = square > CLOSE
    one_minus_cosine = jnp.where(swinging, 2.0 * jnp.sin(0.5 * x) ** 2, cosine_series)
    one_minus_sinc = jnp.where(swinging, 1.0 - jnp.sin(x) / x, sinc_series)
    slow_loss = -jnp.expm1(-h) - h * decay  # of a pulse without an angle, were x zero
    lost = slow_loss + decay * (one_minus_cosine + h * one_minus_sinc)
    turned = decay * angle * (1.0 - one_minus_sinc)

    damped = square < -CLOSE
    r = jnp.sqrt(jnp.where(damped, -square, 1.0))
    d = angle * angle / (h + r)  # h - r
    share = -jnp.expm1(-2.0 * r) / (2.0 * r)
    damped_lost = -jnp.expm1(-d) - d * jnp.exp(-d) * share
    return (
        jnp.where(damped, damped_lost, lost),
        jnp.where(damped, angle * jnp.exp(-d) * share, turned),
    )
