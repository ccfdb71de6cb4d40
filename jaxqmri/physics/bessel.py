"""The two Bessel functions of Rician statistics, quick enough for the inside of a fit."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Field = Float[Array, "..."]
Values = Field | Float[np.ndarray, "..."] | float

# Minimax in u = c / sqrt(x^2 + c^2), which runs from 1 at zero to 0 at infinity.
_RATIO_SCALE = 4.5
_RATIO = (
    0.499985832,
    -2.16610112,
    0.0111244121,
    -0.473245053,
    -0.0770237894,
    -0.290494391,
    0.760267954,
    -1.6496835,
    1.28120241,
    -0.396032798,
)
_LOG_SCALE = 3.0
_LOG = (
    1.5317552,
    -1.4583039,
    0.255732113,
    -0.332563642,
    -0.0184620844,
    0.501761122,
    -1.62559891,
    2.46066061,
    -2.03780301,
    0.8872377,
    -0.1644151,
)


def _polynomial(coefficients: Sequence[float], u: Field) -> Field:
    value = jnp.full_like(u, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = value * u + coefficient
    return value


def bessel_ratio(x: Values) -> Field:
    """``I1(x) / I0(x)``: how much of a magnitude a Rician likelihood believes.

    In float32 ``x / (sqrt(x^2 + c^2) + p)`` with a polynomial ``p``, one formula for every ``x``
    within 1e-6 relative; in float64 the quotient of the exponentially scaled functions.

    Parameters
    ----------
    x
        Any shape, elementwise; the function is odd.

    Returns
    -------
    Array
        Between -1 and 1, the shape of ``x``.

    References
    ----------
    Amos, Mathematics of Computation 1974 (bounds of this form).
    """
    x = jnp.asarray(x, dtype=jnp.result_type(x, jnp.float32))
    if x.dtype == jnp.float64:
        return jax.scipy.special.i1e(x) / jax.scipy.special.i0e(x)
    root = jnp.sqrt(x * x + _RATIO_SCALE**2)
    return x / (root + _polynomial(_RATIO, _RATIO_SCALE / root))


def log_bessel_i0e(x: Values) -> Field:
    """``log[I0(x) exp(-|x|)]``, the part of ``log I0`` that stays small.

    Parameters
    ----------
    x
        Any shape, elementwise; the function is even.

    Returns
    -------
    Array
        Zero or below, the shape of ``x``; in float32 within 1e-6 of the larger of 1 and the
        value itself.
    """
    x = jnp.asarray(x, dtype=jnp.result_type(x, jnp.float32))
    if x.dtype == jnp.float64:
        return jnp.log(jax.scipy.special.i0e(x))
    size = jnp.where(x < 0, -x, x)  # unlike abs, this has the slope of the right side at zero
    root = jnp.sqrt(x * x + _LOG_SCALE**2)
    shrinking = _LOG_SCALE**2 / (root + size)  # sqrt(x^2 + c^2) - |x| without cancellation
    return (
        shrinking
        - _LOG_SCALE
        - 0.5 * jnp.log(root * (1.0 / _LOG_SCALE))
        + _polynomial(_LOG, _LOG_SCALE / root)
    )


def log_bessel_i0(x: Values) -> Field:
    """``log I0(x)`` without overflow.

    Where ``exp(-x)`` is in the formula anyway, :func:`log_bessel_i0e` keeps more digits.

    Parameters
    ----------
    x
        Any shape, elementwise; the function is even.

    Returns
    -------
    Array
        Zero or above, the shape of ``x``.
    """
    x = jnp.asarray(x, dtype=jnp.result_type(x, jnp.float32))
    return jnp.where(x < 0, -x, x) + log_bessel_i0e(x)
