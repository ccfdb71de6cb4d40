"""Spin-lock modules in imperfect fields, and how T1rho depends on the field of the lock."""

from __future__ import annotations

import math

import jax.numpy as jnp

from jaxqmri.physics.bessel import Field, Values

Magnetisation = tuple[Field, Field, Field]

SPIN_LOCK_MODULES = ("simple", "rotary", "composite", "balanced")


def _about_x(m: Magnetisation, cosine: Field, sine: Field) -> Magnetisation:
    x, y, z = m
    return x, cosine * y - sine * z, sine * y + cosine * z


def _about_y(m: Magnetisation, cosine: Field, sine: Field) -> Magnetisation:
    x, y, z = m
    return cosine * x + sine * z, y, cosine * z - sine * x


def spin_lock_magnetisation(
    spin_lock_time: Values,
    t1rho: Values,
    t2rho: Values,
    frequency: Values,
    b1: Values = 1.0,
    off_resonance: Values = 0.0,
    module: str = "composite",
) -> Field:
    """Longitudinal magnetisation that a spin-lock module leaves of one unit.

    In the rotating frame the lock's field points along ``n = (w1, 0, dw) / we`` with ``w1 = 2 pi
    f b1``, ``dw = 2 pi df`` and ``we`` the length of both. During the lock the magnetisation
    turns about ``n`` by ``we`` times its duration; the part along ``n`` decays with ``T1rho``,
    the rest with ``T2rho``. The pulses turn by ``b1`` times their nominal angles.

    ========= ==========================================================================
    simple    ``90y  +lock  -90y``
    rotary    ``90y  +lock/2  -lock/2  -90y``: errors of B1 cancel
    composite ``90y  +lock/2  180x  -lock/2  90y``: errors of B0 and B1 cancel in part
    balanced  ``90y  +lock/4  -180x  -lock/2  180x  +lock/4  -90y``
    ========= ==========================================================================

    Parameters
    ----------
    spin_lock_time
        TSL in ms, the whole lock without the pulses.
    t1rho, t2rho
        In ms, along and across the lock's field.
    frequency
        Nominal spin-lock frequency ``f`` in Hz.
    b1
        Actual over nominal B1.
    off_resonance
        ``df`` in Hz.
    module
        Name of the module. All are exact in perfect fields, ``e^(-TSL/T1rho)``.

    Returns
    -------
    Array
        ``Mz``, of the shape the arguments broadcast to. The composite module leaves it along -z:
        its perfect result is ``-e^(-TSL/T1rho)``.

    Raises
    ------
    ValueError
        If the module has another name.

    References
    ----------
    Witschey et al., Journal of Magnetic Resonance 2007, doi:10.1016/j.jmr.2007.01.015
    (composite). Gram et al., Magnetic Resonance in Medicine 2021, doi:10.1002/mrm.28585
    (balanced). Charagundla et al., Journal of Magnetic Resonance 2003,
    doi:10.1016/S1090-7807(02)00197-0 (rotary echo).
    """
    if module not in SPIN_LOCK_MODULES:
        raise ValueError(f"module must be one of {', '.join(SPIN_LOCK_MODULES)}, got {module!r}")
    time, b1 = jnp.asarray(spin_lock_time), jnp.asarray(b1)
    lock, offset = jnp.asarray(frequency) * b1, jnp.asarray(off_resonance)
    squared = lock * lock + offset * offset
    effective = jnp.sqrt(jnp.where(squared > 0, squared, 1.0))
    along, tilt = jnp.where(squared > 0, lock / effective, 1.0), offset / effective
    turn = (2e-3 * math.pi) * effective * time  # over the whole lock
    quarter_angle = (0.5 * math.pi) * b1
    c90, s90 = jnp.cos(quarter_angle), jnp.sin(quarter_angle)
    c180, s180 = c90 * c90 - s90 * s90, 2.0 * s90 * c90

    def segment(share: float) -> tuple[Field, Field, Field]:
        """Decay along the field, and the two rotation terms across it, over part of the lock."""
        angle, across = share * turn, jnp.exp(-share * time / t2rho)
        kept = jnp.exp(-share * time / t1rho)
        return kept, across * jnp.cos(angle), across * jnp.sin(angle)

    def locked(
        m: Magnetisation, terms: tuple[Field, Field, Field], sign: float = 1.0
    ) -> Magnetisation:
        kept, cosine, sine = terms
        x, y, z = m
        nx = sign * along
        parallel = nx * x + tilt * z
        rest = (kept - cosine) * parallel
        return (
            cosine * x + rest * nx - sine * tilt * y,
            cosine * y + sine * (tilt * x - nx * z),
            cosine * z + rest * tilt + sine * nx * y,
        )

    m: Magnetisation = (s90, jnp.zeros_like(s90), c90)
    if module == "simple":
        m = locked(m, segment(1.0))
    elif module == "balanced":
        outer, inner = segment(0.25), segment(0.5)
        m = _about_x(locked(m, outer), c180, -s180)
        m = _about_x(locked(m, inner, -1.0), c180, s180)
        m = locked(m, outer)
    else:
        half = segment(0.5)
        m = locked(m, half)
        if module == "composite":
            m = _about_x(m, c180, s180)
        m = locked(m, half, -1.0)
    last = s90 if module == "composite" else -s90
    return _about_y(m, c90, last)[2]


def t1rho_dispersion(frequency: Values, t2: Values, t1rho_limit: Values, scale: Values) -> Field:
    """T1rho at a spin-lock frequency: ``R = (R2 + Rinf (f/s)^2) / (1 + (f/s)^2)``.

    Parameters
    ----------
    frequency
        Spin-lock frequency ``f`` in Hz.
    t2
        ``1 / R2``, the limit of zero frequency, in ms.
    t1rho_limit
        ``1 / Rinf``, the limit of high frequency, in ms.
    scale
        ``s`` in Hz, where the rate is half-way.

    Returns
    -------
    Array
        In ms.

    References
    ----------
    Chopra, McClung and Jordan, Journal of Magnetic Resonance 1984.
    """
    ratio = (jnp.asarray(frequency) / scale) ** 2
    return (1.0 + ratio) / (1.0 / jnp.asarray(t2) + ratio / jnp.asarray(t1rho_limit))


def off_resonance_t1rho(
    t1rho: Values, t1: Values, frequency: Values, off_resonance: Values
) -> Field:
    """T1rho along a tilted field: ``R = R1 cos(T)^2 + R1rho sin(T)^2``.

    ``T`` is the angle between the effective field and z, ``tan T = f / df``.

    Parameters
    ----------
    t1rho
        On resonance, in ms.
    t1
        In ms.
    frequency
        Actual spin-lock frequency ``f`` in Hz.
    off_resonance
        ``df`` in Hz.

    Returns
    -------
    Array
        In ms.

    References
    ----------
    Palmer and Massi, Chemical Reviews 2006, doi:10.1021/cr0404287.
    """
    lock, offset = jnp.asarray(frequency) ** 2, jnp.asarray(off_resonance) ** 2
    return (lock + offset) / (offset / jnp.asarray(t1) + lock / jnp.asarray(t1rho))
