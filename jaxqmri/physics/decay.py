"""Decays with spin-lock or echo time: T1rho, T2 and T2*."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

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
    product_grid,
    times_field,
)


def exponential_decay(times: Times, amplitude: Scalar, relaxation_time: Scalar) -> Signals:
    """``A exp(-t / T)`` for times ``t`` and relaxation time ``T`` in the same unit."""
    t = as_type_of(relaxation_time, times)
    return amplitude * jnp.exp(-t / relaxation_time)


def _candidates(times: Times, count: int = 8) -> Float[Array, " g"]:
    """Relaxation times that these acquisition times can tell apart."""
    longest = jnp.max(as_type_of(jnp.float32(0.0), times))
    return log_grid(longest / 16.0, longest * 10.0, count)


class T1rhoDecay(SignalModel):
    """Mono-exponential decay with spin-lock time: ``S = s0 exp(-TSL / T1rho)``.

    Parameters
    ----------
    spin_lock_times
        TSL in ms, shape ``(n,)``, zero or above, finite.

    Raises
    ------
    ValueError
        If a time is negative or not finite.

    Notes
    -----
    ``Params``: ``s0`` (arbitrary) and ``t1rho`` (ms), both scalars. Magnetisation must be the
    same before every spin lock, as a reset or a long repetition time makes it.

    References
    ----------
    Borthakur et al., NMR in Biomedicine 2006, doi:10.1002/nbm.1102.
    """

    class Params(NamedTuple):
        """``s0`` in arbitrary units, ``t1rho`` in ms."""

        s0: Scalar
        t1rho: Scalar

    spin_lock_times: Times = times_field("spin_lock_times")
    units: ClassVar = {"s0": "arbitrary", "t1rho": "ms"}
    limits: ClassVar = {"s0": AMPLITUDE, "t1rho": RELAXATION_TIME}

    def __call__(self, params: Params) -> Signals:
        """Signals at the spin-lock times, shape ``(n,)``."""
        return exponential_decay(self.spin_lock_times, params.s0, params.t1rho)

    def grid(self) -> dict[str, Float[Array, " g"]]:
        """Eight relaxation times around the spin-lock times."""
        return {"t1rho": _candidates(self.spin_lock_times)}


class T2Decay(SignalModel):
    """Mono-exponential decay with echo time: ``S = s0 exp(-TE / T2)``.

    Parameters
    ----------
    echo_times
        TE in ms, shape ``(n,)``, zero or above, finite.

    Raises
    ------
    ValueError
        If a time is negative or not finite.

    Notes
    -----
    ``Params``: ``s0`` (arbitrary) and ``t2`` (ms). Exact for single spin echoes; in an echo train
    stimulated echoes lengthen it, see :class:`jaxqmri.physics.MultiEchoSpinEcho`.

    References
    ----------
    Carr and Purcell, Physical Review 1954, doi:10.1103/PhysRev.94.630.
    """

    class Params(NamedTuple):
        """``s0`` in arbitrary units, ``t2`` in ms."""

        s0: Scalar
        t2: Scalar

    echo_times: Times = times_field("echo_times")
    units: ClassVar = {"s0": "arbitrary", "t2": "ms"}
    limits: ClassVar = {"s0": AMPLITUDE, "t2": RELAXATION_TIME}

    def __call__(self, params: Params) -> Signals:
        """Signals at the echo times, shape ``(n,)``."""
        return exponential_decay(self.echo_times, params.s0, params.t2)

    def grid(self) -> dict[str, Float[Array, " g"]]:
        """Eight relaxation times around the echo times."""
        return {"t2": _candidates(self.echo_times)}


class T2StarDecay(SignalModel):
    """Mono-exponential gradient-echo decay: ``S = s0 exp(-TE / T2*)``.

    Parameters
    ----------
    echo_times
        TE in ms, shape ``(n,)``, zero or above, finite.

    Raises
    ------
    ValueError
        If a time is negative or not finite.

    Notes
    -----
    ``Params``: ``s0`` (arbitrary) and ``t2star`` (ms).

    References
    ----------
    Chavhan et al., RadioGraphics 2009, doi:10.1148/rg.295095034.
    """

    class Params(NamedTuple):
        """``s0`` in arbitrary units, ``t2star`` in ms."""

        s0: Scalar
        t2star: Scalar

    echo_times: Times = times_field("echo_times")
    units: ClassVar = {"s0": "arbitrary", "t2star": "ms"}
    limits: ClassVar = {"s0": AMPLITUDE, "t2star": RELAXATION_TIME}

    def __call__(self, params: Params) -> Signals:
        """Signals at the echo times, shape ``(n,)``."""
        return exponential_decay(self.echo_times, params.s0, params.t2star)

    def grid(self) -> dict[str, Float[Array, " g"]]:
        """Eight relaxation times around the echo times."""
        return {"t2star": _candidates(self.echo_times)}


class T2DecayOffset(SignalModel):
    """Decay to a constant: ``S = s0 exp(-TE / T2) + offset``.

    Parameters
    ----------
    echo_times
        TE in ms, shape ``(n,)``, zero or above, finite.

    Raises
    ------
    ValueError
        If a time is negative or not finite.

    Notes
    -----
    ``Params``: ``s0`` and ``offset`` (arbitrary; the offset may be negative) and ``t2`` (ms).

    References
    ----------
    Milford et al., PLoS ONE 2015, doi:10.1371/journal.pone.0145255.
    """

    class Params(NamedTuple):
        """``s0`` and ``offset`` in arbitrary units, ``t2`` in ms."""

        s0: Scalar
        t2: Scalar
        offset: Scalar

    echo_times: Times = times_field("echo_times")
    units: ClassVar = {"s0": "arbitrary", "t2": "ms", "offset": "arbitrary"}
    limits: ClassVar = {
        "s0": AMPLITUDE,
        "t2": RELAXATION_TIME,
        "offset": Bounds(-np.inf, np.inf),
    }
    amplitudes: ClassVar = ("s0", "offset")

    def __call__(self, params: Params) -> Signals:
        """Signals at the echo times, shape ``(n,)``."""
        return exponential_decay(self.echo_times, params.s0, params.t2) + params.offset

    def grid(self) -> dict[str, Float[Array, " g"]]:
        """Eight relaxation times around the echo times."""
        return {"t2": _candidates(self.echo_times)}


class BiExponentialDecay(SignalModel):
    """Two pools: ``S = s0 [f exp(-t / T_short) + (1 - f) exp(-t / T_long)]``.

    Parameters
    ----------
    times
        Spin-lock or echo times in ms, shape ``(n,)``, zero or above, finite.

    Raises
    ------
    ValueError
        If a time is negative or not finite.

    Notes
    -----
    ``Params``: ``s0`` (arbitrary), ``fraction_short`` (0 to 1), ``t_short`` and ``t_long`` (ms).
    The pools are told apart by their bounds: ``t_short`` ends where ``t_long`` begins.

    References
    ----------
    Sharafi et al., NMR in Biomedicine 2017, doi:10.1002/nbm.3781.
    """

    class Params(NamedTuple):
        """``s0`` in arbitrary units, ``fraction_short`` 0 to 1, both times in ms."""

        s0: Scalar
        fraction_short: Scalar
        t_short: Scalar
        t_long: Scalar

    times: Times = times_field("times")
    units: ClassVar = {"s0": "arbitrary", "fraction_short": "", "t_short": "ms", "t_long": "ms"}
    limits: ClassVar = {
        "s0": AMPLITUDE,
        "fraction_short": Bounds(0.0, 1.0),
        "t_short": Bounds(0.1, 20.0),
        "t_long": Bounds(20.0, 10_000.0),
    }

    def __call__(self, params: Params) -> Signals:
        """Signals at the times, shape ``(n,)``."""
        short = exponential_decay(self.times, params.fraction_short, params.t_short)
        long = exponential_decay(self.times, 1.0 - params.fraction_short, params.t_long)
        return params.s0 * (short + long)

    def grid(self) -> dict[str, Float[Array, " g"]]:
        """Two fractions by three short by four long relaxation times."""
        return product_grid(
            fraction_short=jnp.array([0.25, 0.6]),
            t_short=jnp.array([1.5, 5.0, 14.0]),
            t_long=jnp.array([25.0, 45.0, 80.0, 200.0]),
        )


class StretchedDecay(SignalModel):
    """Stretched exponential: ``S = s0 exp(-(t / T)^beta)`` with ``0 < beta <= 1``.

    Parameters
    ----------
    times
        Spin-lock or echo times in ms, shape ``(n,)``, zero or above, finite.

    Raises
    ------
    ValueError
        If a time is negative or not finite.

    Notes
    -----
    ``Params``: ``s0`` (arbitrary), ``t`` (ms), ``beta`` (0.1 to 1; 1 is the mono-exponential).

    References
    ----------
    Bennett et al., Magnetic Resonance in Medicine 2003, doi:10.1002/mrm.10581.
    """

    class Params(NamedTuple):
        """``s0`` in arbitrary units, ``t`` in ms, ``beta`` a pure number."""

        s0: Scalar
        t: Scalar
        beta: Scalar

    times: Times = times_field("times")
    units: ClassVar = {"s0": "arbitrary", "t": "ms", "beta": ""}
    limits: ClassVar = {"s0": AMPLITUDE, "t": RELAXATION_TIME, "beta": Bounds(0.1, 1.0)}

    def __call__(self, params: Params) -> Signals:
        """Signals at the times, shape ``(n,)``."""
        t = as_type_of(params.t, self.times)
        # log(0) has no finite derivative: time zero is taken out before the power is formed
        later = t > 0
        log_ratio = jnp.log(jnp.where(later, t, 1.0) / params.t)
        return params.s0 * jnp.exp(-jnp.where(later, jnp.exp(params.beta * log_ratio), 0.0))

    def grid(self) -> dict[str, Float[Array, " g"]]:
        """Eight relaxation times by three exponents."""
        return product_grid(t=_candidates(self.times), beta=jnp.array([0.5, 0.7, 0.9]))
