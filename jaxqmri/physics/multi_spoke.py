"""Adiabatic T1rho with several spokes, low-angle gradient echoes, after each preparation."""

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
from jaxqmri.physics.gradient_echo import B1
from jaxqmri.physics.once import computed_once

LARGEST_ANGLE = 45.0  # degrees: twice that, at the bound of b1, is where cos(a) ends to be positive


def multi_spoke_signal(
    spin_lock_times: Times,
    repetition_time: Any,
    flip_angle: Any,
    spokes: Any,
    spoke_spacing: Any,
    t1: Scalar,
    t1rho: Scalar,
) -> Signals:
    """Mean signal of ``N`` spokes after each preparation, exact steady state, unit magnetisation.

    With ``E = e^(-tau/T1)``, ``c = E cos(a)``, ``p = e^(-TSL/T1rho)``,
    ``R = e^(-(TR - TSL - N tau)/T1)``, ``u = (1 - E) / (1 - c)`` and
    ``G = (1 - c^N) / (N (1 - c))``::

        M = [u (1 - c^N) R + 1 - R] / (1 - p c^N R)
        S = sin(a) [M p G + u (1 - G)]

    The preparation multiplies the longitudinal magnetisation ``M`` by ``p``; then a spoke every
    ``tau``, then recovery until the next preparation.

    Parameters
    ----------
    spin_lock_times
        TSL in ms, shape ``(n,)``.
    repetition_time
        TR from preparation to preparation in ms, at least ``TSL + N tau``.
    flip_angle
        Actual ``a`` of every spoke in degrees, 0 to 90.
    spokes
        Their number ``N``.
    spoke_spacing
        ``tau`` in ms.
    t1, t1rho
        In ms.

    References
    ----------
    The geometric series of a spoiled train between two preparations, worked out here and checked
    against the recursion spoke by spoke. Sequence: Ma et al., Magnetic Resonance in Medicine
    2018, doi:10.1002/mrm.27131.
    """
    times, tr, angle, count, spacing = as_type_of(
        t1rho, spin_lock_times, repetition_time, flip_angle, spokes, spoke_spacing
    )

    def unlocked(angle: Scalar, t1: Scalar) -> tuple[Any, ...]:
        """All that a spin lock does not touch."""
        recovered = -jnp.expm1(-spacing / t1)
        # 1 - c and 1 - c^N as sums of what is small: nothing cancels at small angles and long T1
        lost = recovered + (1.0 - recovered) * _one_minus_cosine(angle)
        train = count * (_log_cosine(angle) - spacing / t1)
        used = -jnp.expm1(train)
        kept, share = recovered / lost, used / (count * lost)
        rest = (tr - times - count * spacing) / t1
        ready = kept * used * jnp.exp(-rest) - jnp.expm1(-rest)
        sine = jnp.sin(jnp.deg2rad(angle))
        return ready, train - rest, sine * share, sine * kept * (1.0 - share)

    ready, left, seen, between = computed_once(tr > 0, unlocked, angle, t1)
    locked = jnp.exp(-times / t1rho) * ready / -jnp.expm1(left - times / t1rho)
    return locked * seen + between


def multi_spoke_decay(
    spin_lock_times: Times,
    repetition_time: Any,
    flip_angle: Any,
    spokes: Any,
    t1: Scalar,
    t1rho: Scalar,
) -> Signals:
    """Approximate decay with TSL, ``p (1 - R) / (1 - p cos(a)^N R)``, of unit amplitude.

    ``p = e^(-TSL/T1rho)`` and ``R = e^(-(TR - TSL)/T1)``: what :func:`multi_spoke_signal` becomes
    without recovery between the spokes, but for a constant. Parameters are those of
    :func:`multi_spoke_signal`. One spoke gives the steady state of Rauscher et al.

    References
    ----------
    Rauscher et al., Magnetic Resonance in Medicine 2014, cited from memory; for several spokes Ma
    et al., Magnetic Resonance in Medicine 2018, doi:10.1002/mrm.27131, of which only the abstract
    was read: ``cos(a)^N`` is our reading.
    """
    times, tr, angle, count = as_type_of(
        t1rho, spin_lock_times, repetition_time, flip_angle, spokes
    )

    def unlocked(angle: Scalar, t1: Scalar) -> tuple[Any, Any]:
        rest = (tr - times) / t1
        return -jnp.expm1(-rest), count * _log_cosine(angle) - rest

    ready, left = computed_once(tr > 0, unlocked, angle, t1)
    return jnp.exp(-times / t1rho) * ready / -jnp.expm1(left - times / t1rho)


class AdiabaticT1rho(SignalModel):
    """Adiabatic T1rho with ``N`` spokes a preparation, exact: ``m0`` :func:`multi_spoke_signal`.

    Parameters
    ----------
    spin_lock_times
        TSL in ms, the lengths of the adiabatic trains, shape ``(n,)``, zero or above.
    repetition_time
        TR from preparation to preparation, in ms, at least the longest TSL and the spokes.
    flip_angle
        Nominal angle of a spoke in degrees, at most 45.
    spokes
        Spokes after each preparation, a whole number ``N``.
    spoke_spacing
        From one spoke to the next, in ms.

    Raises
    ------
    ValueError
        If a number is outside what is said above, or TR is shorter than what it holds.

    Notes
    -----
    ``Params``: ``m0`` (arbitrary), ``t1rho`` (ms), ``t1`` (ms; 1,000 unless given) and ``b1``
    (fraction of nominal; 1 unless given). The images say little about ``t1`` and ``b1``: give
    maps of variable flip angles and of the actual flip angle. Magnetisation is taken to decay
    towards zero during the adiabatic train.

    References
    ----------
    Ma et al., Magnetic Resonance in Medicine 2018, doi:10.1002/mrm.27131.
    """

    class Params(NamedTuple):
        """``m0`` in arbitrary units, ``t1rho`` and ``t1`` in ms, ``b1`` a fraction of nominal."""

        m0: Scalar
        t1rho: Scalar
        t1: Scalar
        b1: Scalar

    spin_lock_times: Times = times_field("spin_lock_times")
    repetition_time: Any = number_field("repetition_time")
    flip_angle: Any = number_field("flip_angle", "degrees", maximum=LARGEST_ANGLE)
    spokes: Any = number_field("spokes", "spokes")
    spoke_spacing: Any = number_field("spoke_spacing")
    units: ClassVar = {"m0": "arbitrary", "t1rho": "ms", "t1": "ms", "b1": ""}
    limits: ClassVar = {
        "m0": AMPLITUDE,
        "t1rho": RELAXATION_TIME,
        "t1": RELAXATION_TIME,
        "b1": B1,
    }
    amplitudes: ClassVar = ("m0",)
    defaults: ClassVar = {"t1": 1000.0, "b1": 1.0}

    def __check_init__(self) -> None:
        _check_whole(self.spokes)
        _check_room(self.repetition_time, self.spin_lock_times, self.spokes * self.spoke_spacing)

    def __call__(self, params: Params) -> Signals:
        """Signals at the spin-lock times, shape ``(n,)``."""
        return params.m0 * multi_spoke_signal(
            self.spin_lock_times,
            self.repetition_time,
            params.b1 * as_type_of(params.t1rho, self.flip_angle),
            self.spokes,
            self.spoke_spacing,
            params.t1,
            params.t1rho,
        )

    def grid(self) -> dict[str, Float[Array, " g"]]:
        """Eight T1rho around the spin-lock times."""
        return {"t1rho": _candidates(self.spin_lock_times)}


class AdiabaticT1rhoOffset(SignalModel):
    """Adiabatic T1rho with ``N`` spokes a preparation, as published: with a free constant.

    ``S = s0 p (1 - R) / (1 - p cos(b1 a)^N R) + offset``, see :func:`multi_spoke_decay`. The
    constant stands for what recovers between the spokes, which no spin lock has seen. Without it
    T1rho of 40 ms reads as 53 ms.

    Parameters
    ----------
    spin_lock_times
        TSL in ms, the lengths of the adiabatic trains, shape ``(n,)``, zero or above.
    repetition_time
        TR from preparation to preparation, in ms, above the longest TSL.
    flip_angle
        Nominal angle of a spoke in degrees, at most 45.
    spokes
        Spokes after each preparation, a whole number ``N``.

    Raises
    ------
    ValueError
        If a number is outside what is said above.

    Notes
    -----
    ``Params``: ``s0`` and ``offset`` (arbitrary), ``t1rho`` (ms), ``t1`` (ms; 1,000 unless given)
    and ``b1`` (fraction of nominal; 1 unless given). :class:`AdiabaticT1rho` has one parameter
    less and about half the error; it needs the spacing of the spokes.

    References
    ----------
    Ma et al., Magnetic Resonance in Medicine 2018, doi:10.1002/mrm.27131.
    """

    class Params(NamedTuple):
        """``s0`` and ``offset`` arbitrary, ``t1rho`` and ``t1`` in ms, ``b1`` of nominal."""

        s0: Scalar
        t1rho: Scalar
        offset: Scalar
        t1: Scalar
        b1: Scalar

    spin_lock_times: Times = times_field("spin_lock_times")
    repetition_time: Any = number_field("repetition_time")
    flip_angle: Any = number_field("flip_angle", "degrees", maximum=LARGEST_ANGLE)
    spokes: Any = number_field("spokes", "spokes")
    units: ClassVar = {
        "s0": "arbitrary",
        "t1rho": "ms",
        "offset": "arbitrary",
        "t1": "ms",
        "b1": "",
    }
    limits: ClassVar = {
        "s0": AMPLITUDE,
        "t1rho": RELAXATION_TIME,
        "offset": Bounds(-np.inf, np.inf),
        "t1": RELAXATION_TIME,
        "b1": B1,
    }
    amplitudes: ClassVar = ("s0", "offset")
    defaults: ClassVar = {"t1": 1000.0, "b1": 1.0}

    def __check_init__(self) -> None:
        _check_whole(self.spokes)
        _check_room(self.repetition_time, self.spin_lock_times, np.float64(0.0))

    def __call__(self, params: Params) -> Signals:
        """Signals at the spin-lock times, shape ``(n,)``."""
        decay = multi_spoke_decay(
            self.spin_lock_times,
            self.repetition_time,
            params.b1 * as_type_of(params.t1rho, self.flip_angle),
            self.spokes,
            params.t1,
            params.t1rho,
        )
        return params.s0 * decay + params.offset

    def grid(self) -> dict[str, Float[Array, " g"]]:
        """Eight T1rho around the spin-lock times."""
        return {"t1rho": _candidates(self.spin_lock_times)}


def _one_minus_cosine(angle: Scalar) -> Scalar:
    half = jnp.sin(jnp.deg2rad(0.5 * angle))
    return 2.0 * half * half


def _log_cosine(angle: Scalar) -> Scalar:
    """``ln cos(a)`` up to 90 degrees, where it would be infinite and its slope too."""
    almost = 1.0 - 4.0 * jnp.finfo(jnp.result_type(angle)).eps
    return jnp.log1p(-jnp.minimum(_one_minus_cosine(angle), almost))


def _candidates(times: Times) -> Float[Array, " g"]:
    longest = jnp.max(as_type_of(jnp.float32(0.0), times))
    return log_grid(longest / 16.0, longest * 10.0)


def _check_whole(spokes: Any) -> None:
    if isinstance(spokes, np.ndarray) and (spokes < 1 or spokes != np.round(spokes)):
        raise ValueError(f"spokes must be a whole number of spokes, got {float(spokes):g}")


def _check_room(repetition_time: Any, times: Times, readout: Any) -> None:
    """Refuse a repetition time that its spin lock and spokes do not fit into."""
    known = all(isinstance(v, np.ndarray | np.number) for v in (repetition_time, times, readout))
    if known and not repetition_time > np.max(times) + readout - 1e-9:
        raise ValueError(
            f"repetition_time must be at least the longest spin lock and the spokes, "
            f"{np.max(times):g} + {readout:g} ms, got {repetition_time:g}"
        )
