"""Spin-echo trains by extended phase graph."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
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
    acquisition_array,
    as_type_of,
    log_grid,
    number_field,
    product_grid,
    times_field,
)
from jaxqmri.physics.once import computed_once

_SPACING_TOLERANCE = 0.01
_MINIMA_APART = 21.6  # degrees of refocusing
_AWAY_FROM_PERFECT = 8.0  # roundings below perfect refocusing, where the angle's slope is infinite


class _Order(NamedTuple):
    """One dephasing order of the phase graph; ``stored`` is ``Z / i``, real like the rest."""

    forward: Scalar
    backward: Scalar
    stored: Scalar


def echo_train(
    echoes: int, echo_spacing: Scalar, refocusing: Scalar, t2: Scalar, t1: Scalar
) -> list[Scalar]:
    """Echo amplitudes of a CPMG train for unit transverse magnetisation at excitation.

    The extended phase graph with equal refocusing angles ``a``. Under the CPMG condition ``F+``
    and ``F-`` are real and ``Z`` imaginary, so that with ``z = Z / i`` a pulse does

    ``d = F+ - F-``, ``m = sin(a/2)^2 d - sin(a) z``, ``F+ -= m``, ``F- += m``,
    ``z = cos(a) z - sin(a) d / 2``.

    At the pulses only odd orders exist (counted in half spacings), recovered magnetisation (order
    zero) never reaches an echo, and of ``n`` echoes pulse ``j`` needs the lowest
    ``min(j, n - j + 1)`` odd orders: the others are not computed.

    Parameters
    ----------
    echoes
        Number ``n`` of echoes.
    echo_spacing
        In ms.
    refocusing
        Actual refocusing angle in degrees.
    t2, t1
        In ms.

    Returns
    -------
    list
        ``n`` scalars.

    References
    ----------
    Hennig, Journal of Magnetic Resonance 1988, doi:10.1016/0022-2364(88)90128-X. Weigel, Journal
    of Magnetic Resonance Imaging 2015, doi:10.1002/jmri.24619.
    """

    def pulse_and_spacing(spacing: Scalar, refocusing: Scalar, t2: Scalar, t1: Scalar) -> tuple:
        """Relaxation over one spacing, folded into the pulse that precedes it."""
        angle = jnp.deg2rad(refocusing)
        sine, cosine = jnp.sin(angle), jnp.cos(angle)
        swap = 0.5 * (1.0 - cosine)  # sin(a/2)^2
        decay, recovery = jnp.exp(-spacing / t2), jnp.exp(-spacing / t1)
        return decay, decay * swap, decay * sine, recovery * cosine, -0.5 * recovery * sine

    decay, exchange, release, keep, store = computed_once(
        jnp.all(echo_spacing > 0), pulse_and_spacing, echo_spacing, refocusing, t2, t1
    )

    amplitudes: list[Scalar] = []
    orders: list[_Order] = []
    # The highest order, which the last shift has just filled: forward alone. One, not the half
    # decay before the first pulse: that and the one before each echo are the whole one folded in.
    highest: Scalar = jnp.ones_like(decay)
    for pulse in range(1, echoes + 1):
        needed = echoes - pulse + 1
        forward, backward, stored = [], [], []
        for order in orders[:needed]:
            difference = order.forward - order.backward
            moved = exchange * difference - release * order.stored
            forward.append(decay * order.forward - moved)
            backward.append(decay * order.backward + moved)
            stored.append(keep * order.stored + store * difference)
        if len(orders) < needed:
            forward.append((decay - exchange) * highest)
            backward.append(exchange * highest)
            stored.append(store * highest)
        amplitudes.append(backward[0])
        # after its echo the lowest backward order runs on as the lowest forward one
        *forward, highest = backward[0], *forward
        backward = [*backward[1:], 0.0]
        orders = [_Order(*order) for order in zip(forward, backward, stored, strict=True)]
    return amplitudes


class MultiEchoSpinEcho(SignalModel):
    """Multi-echo spin echo by extended phase graph, stimulated echoes included.

    ``S_k = s0 sin(90 b1) EPG_k(T2, T1, b1 a)`` for refocusing pulses of nominal angle ``a`` under
    the CPMG condition; with a slice profile its mean over the slice.

    Parameters
    ----------
    echo_times
        TE in ms, shape ``(n,)``: the multiples 1, 2, ... of the echo spacing, none left out.
    refocusing_angle
        Nominal, in degrees, above 0 and at most 180.
    slice_profile
        Flip angles at equidistant points across the slice as fractions of the nominal one, shape
        ``(p,)``, for excitation and refocusing alike; None is a perfect slice.

    Raises
    ------
    ValueError
        If the echo times are not equally spaced multiples of the first within 1 %, the angle is
        out of range, or the profile is empty, negative or not finite.

    Notes
    -----
    ``Params``: ``s0`` (arbitrary), ``t2`` (ms), ``b1`` (fraction of nominal; 1 unless given or
    freed) and ``t1`` (ms; 1,000 unless given or freed). Without a profile, refocusing by ``180 +
    x`` and ``180 - x`` give the same train, so that ``b1`` is bounded by ``180 / a`` from above: a
    true 1.1 at 180 degrees is found as 0.9, with the same ``t2``.

    References
    ----------
    Hennig, Journal of Magnetic Resonance 1988, doi:10.1016/0022-2364(88)90128-X. Lebel and
    Wilman, Magnetic Resonance in Medicine 2010, doi:10.1002/mrm.22487.
    """

    class Params(NamedTuple):
        """``s0`` in arbitrary units, ``t2`` and ``t1`` in ms, ``b1`` a fraction of nominal."""

        s0: Scalar
        t2: Scalar
        b1: Scalar
        t1: Scalar

    echo_times: Times = times_field("echo_times")
    refocusing_angle: Any = number_field(
        "refocusing_angle", "degrees", maximum=180.0, default=180.0
    )
    slice_profile: Float[Array, " p"] | Float[np.ndarray, " p"] | None = eqx.field(
        converter=lambda values: (
            None if values is None else acquisition_array(values, "slice_profile", "of nominal")
        ),
        default=None,
    )
    units: ClassVar = {"s0": "arbitrary", "t2": "ms", "b1": "", "t1": "ms"}
    limits: ClassVar = {
        "s0": AMPLITUDE,
        "t2": RELAXATION_TIME,
        "b1": Bounds(0.3, 1.7),
        "t1": RELAXATION_TIME,
    }
    defaults: ClassVar = {"b1": 1.0, "t1": 1000.0}

    def __check_init__(self) -> None:
        times = self.echo_times
        if not isinstance(times, np.ndarray):
            return
        spacing = times[-1] / times.size
        off = np.abs(times - spacing * np.arange(1, times.size + 1))
        if spacing <= 0 or np.any(off > _SPACING_TOLERANCE * spacing):
            raise ValueError(
                "echo_times must be equally spaced multiples of the first, as an echo train makes "
                f"them, got {times.tolist()} ms"
            )

    @property
    def minima_apart(self) -> dict[str, Any]:
        """Minima lie at ``b1`` that are some twenty degrees of refocusing apart, or more."""
        return {"b1": _MINIMA_APART / self.refocusing_angle}

    def several_starts(self, free: tuple[str, ...]) -> int:
        """With a profile a ``b1`` below 180 degrees and one above, which it alone tells apart."""
        return 1 if self.slice_profile is None or "b1" not in free else 2

    def groups(
        self, grid: Mapping[str, Float[Array, " g"]], held: Mapping[str, Scalar]
    ) -> Int[Array, " g"]:
        """With a profile, tell candidates that refocus by 180 degrees or more from the others."""
        if self.slice_profile is None or "b1" not in grid:
            return super().groups(grid, held)
        return (grid["b1"] * self.refocusing_angle >= 180.0).astype(jnp.int32)

    @property
    def chained(self) -> bool:
        """True: every echo follows from the states that the last one left."""
        return True

    def __call__(self, params: Params) -> Signals:
        """Signals at the echo times, shape ``(n,)``."""
        if self.slice_profile is None:
            return self._train(params, params.b1)
        profile = as_type_of(params.t2, self.slice_profile)
        across = jax.vmap(lambda fraction: self._train(params, params.b1 * fraction))(profile)
        return jnp.mean(across, axis=0)

    def _train(self, params: Params, b1: Scalar) -> Signals:
        times, nominal = as_type_of(params.t2, self.echo_times, self.refocusing_angle)
        echoes = times.shape[0]
        train = echo_train(echoes, times[-1] / echoes, nominal * b1, params.t2, params.t1)
        excited = params.s0 * computed_once(
            times[-1] > 0, lambda b1: jnp.sin(0.5 * jnp.pi * b1), b1
        )
        # each echo is finished before they are stacked, so that whoever reads them one by one
        # gets arithmetic on scalars alone, without the stack
        return jnp.stack([excited * amplitude for amplitude in train])

    def bounds(self) -> tuple[Params, Params]:
        """Lower and upper bound of every parameter; without a profile ``b1`` up to ``180 / a``."""
        lower, upper = super().bounds()
        if self.slice_profile is None:
            upper = upper._replace(b1=180.0 / self.refocusing_angle)
        return lower, upper

    @property
    def warped(self) -> tuple[str, ...]:
        """``b1``, about whose upper bound the echoes are an even function."""
        return ("b1",) if self.slice_profile is None else ()

    def warp(self, name: str, value: Scalar) -> Scalar:
        """Share of the magnetisation that a refocusing pulse turns over, ``sin(a b1 / 2)^2``."""
        angle = jnp.deg2rad(as_type_of(value, self.refocusing_angle) * value)
        share = jnp.sin(0.5 * angle) ** 2
        return jnp.minimum(share, 1.0 - _AWAY_FROM_PERFECT * jnp.finfo(share.dtype).eps)

    def unwarp(self, name: str, coordinate: Scalar) -> Scalar:
        """The ``b1`` that turns over this share."""
        half = jnp.arcsin(jnp.sqrt(coordinate))
        return 2.0 * jnp.rad2deg(half) / as_type_of(coordinate, self.refocusing_angle)

    def grid(self) -> dict[str, Float[Array, " g"]]:
        """Twelve T2 around the echo times by ``b1`` in even steps of the fit's coordinate.

        Six inside the bounds of a perfect slice; with a profile ten, as ``b1`` may be above 1.
        """
        longest = jnp.max(as_type_of(jnp.float32(0.0), self.echo_times))
        lower, upper = (as_type_of(longest, side.b1) for side in self.bounds())
        if self.slice_profile is None:
            low, high = self.warp("b1", lower), self.warp("b1", upper)
            coordinates = low + (high - low) * jnp.linspace(0.08, 0.99, 6)
            b1 = jnp.asarray(jax.vmap(partial(self.unwarp, "b1"))(coordinates))
        else:
            b1 = lower + (upper - lower) * jnp.linspace(0.05, 0.95, 10)
        return product_grid(t2=log_grid(longest / 8.0, longest * 5.0, 12), b1=b1)
