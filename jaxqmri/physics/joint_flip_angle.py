"""Variable flip angles and an actual flip angle read as one: T1 and B1 jointly."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
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
    product_grid,
    times_field,
)
from jaxqmri.physics.gradient_echo import (
    B1,
    actual_flip_angle,
    check_rising,
    spoiled_gradient_echo,
)


class ActualAndVariableFlipAngle(SignalModel):
    """Variable flip angles and an actual flip angle as one series: T1 and B1 jointly.

    The signals are those of :class:`SpoiledGradientEcho` of magnetisation ``m0``, then the two of
    :class:`ActualFlipAngle` of magnetisation ``afi_m0``, all with the same ``t1`` and ``b1``.

    Parameters
    ----------
    flip_angles
        Nominal, in degrees, shape ``(n - 2,)``, zero or above.
    repetition_time
        TR of the variable flip angles in ms.
    afi_repetition_times
        TR1 and TR2 of the actual flip angle in ms, TR2 above TR1.
    afi_flip_angle
        Its nominal angle in degrees, at most 90.

    Raises
    ------
    ValueError
        As the two models do.

    Notes
    -----
    ``Params``: ``m0``, ``afi_m0`` (arbitrary: the two series need not share a gain), ``t1`` (ms)
    and ``b1`` (fraction of nominal). Both series must lie on one grid. Give the ``weights`` of a
    fit where their noise differs.

    References
    ----------
    Hurley et al., Magnetic Resonance in Medicine 2012, 68:54, cited from memory.
    """

    class Params(NamedTuple):
        """``m0`` and ``afi_m0`` in arbitrary units, ``t1`` in ms, ``b1`` a fraction of nominal."""

        m0: Scalar
        afi_m0: Scalar
        t1: Scalar
        b1: Scalar

    flip_angles: Times = times_field("flip_angles", "degrees")
    repetition_time: Any = number_field("repetition_time")
    afi_repetition_times: Times = times_field("afi_repetition_times")
    afi_flip_angle: Any = number_field("afi_flip_angle", "degrees", maximum=90.0)
    units: ClassVar = {"m0": "arbitrary", "afi_m0": "arbitrary", "t1": "ms", "b1": ""}
    limits: ClassVar = {
        "m0": AMPLITUDE,
        "afi_m0": AMPLITUDE,
        "t1": RELAXATION_TIME,
        "b1": B1,
    }
    amplitudes: ClassVar = ("m0", "afi_m0")

    def __check_init__(self) -> None:
        check_rising(self.afi_repetition_times, "afi_repetition_times")

    def __call__(self, params: Params) -> Signals:
        """Signals at the flip angles, then before TR1 and before TR2, shape ``(n,)``."""
        angles, angle = as_type_of(params.t1, self.flip_angles, self.afi_flip_angle)
        variable = spoiled_gradient_echo(params.b1 * angles, self.repetition_time, params.t1)
        actual = actual_flip_angle(self.afi_repetition_times, params.b1 * angle, params.t1)
        return jnp.concatenate([params.m0 * variable, params.afi_m0 * actual])

    def grid(self) -> dict[str, Float[Array, " g"]]:
        """Eight T1 from 4 to 400 repetition times with each of eight B1."""
        tr = as_type_of(jnp.float32(0.0), self.repetition_time)
        return product_grid(t1=log_grid(4.0 * tr, 400.0 * tr), b1=jnp.linspace(0.4, 1.8, 8))
