"""Noise of MR images: Gaussian, Rician and non-central chi.

``sigma`` is always the standard deviation of the Gaussian noise in one channel (real or
imaginary) of one coil. ``signal`` is the noise-free magnitude. Everything is elementwise, any
shapes that broadcast.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray, UInt32

from jaxqmri.physics.base import as_type_of
from jaxqmri.physics.bessel import Field, Values, bessel_ratio, log_bessel_i0, log_bessel_i0e

__all__ = [
    "bessel_ratio",
    "gaussian_log_likelihood",
    "log_bessel_i0",
    "log_bessel_i0e",
    "noncentral_chi_log_likelihood",
    "noncentral_chi_mean",
    "rician_log_likelihood",
    "rician_mean",
    "sample_gaussian",
    "sample_noncentral_chi",
    "sample_rician",
]

Key = PRNGKeyArray | UInt32[Array, "2"]

_EXTRA_RATIOS = 60  # steps of the downward recurrence before its first value is used
_ANGLES = 512
_LARGE_SNR = 100.0  # beyond it the mean's expansion in 1/SNR is exact to float32


def _check_coils(coils: int) -> None:
    if coils < 1:
        raise ValueError(f"coils must be a whole number of at least 1, got {coils}")


def sample_gaussian(key: Key, signal: Values, sigma: Values) -> Field:
    """Add zero-mean Gaussian noise: ``S + sigma n``.

    Parameters
    ----------
    key
        JAX random key.
    signal, sigma
        Arrays that broadcast.
    """
    shape = jnp.broadcast_shapes(jnp.shape(signal), jnp.shape(sigma))
    return jnp.asarray(signal) + sigma * jax.random.normal(
        key, shape, jnp.result_type(signal, jnp.float32)
    )


def sample_rician(key: Key, signal: Values, sigma: Values) -> Field:
    """Magnitude of a complex signal with Gaussian noise: ``|A + sigma (n1 + i n2)|``.

    Parameters
    ----------
    key
        JAX random key.
    signal, sigma
        Arrays that broadcast.

    References
    ----------
    Gudbjartsson and Patz, Magnetic Resonance in Medicine 1995, doi:10.1002/mrm.1910340618.
    """
    return sample_noncentral_chi(key, signal, sigma, coils=1)


def sample_noncentral_chi(key: Key, signal: Values, sigma: Values, coils: int) -> Field:
    """Root sum of squares over ``coils`` receivers with equal, uncorrelated noise.

    Parameters
    ----------
    key
        JAX random key.
    signal
        Root sum of squares of the noise-free coil signals.
    sigma
        Standard deviation in one channel of one coil.
    coils
        Number of receivers, 1 for Rician.

    Raises
    ------
    ValueError
        If ``coils`` is below 1.

    References
    ----------
    Constantinides et al., Magnetic Resonance in Medicine 1997, doi:10.1002/mrm.1910380524.
    """
    _check_coils(coils)
    shape = jnp.broadcast_shapes(jnp.shape(signal), jnp.shape(sigma))
    dtype = jnp.result_type(signal, jnp.float32)
    channels = sigma * jax.random.normal(key, (2 * coils, *shape), dtype)
    return jnp.sqrt((signal + channels[0]) ** 2 + jnp.sum(channels[1:] ** 2, axis=0))


def gaussian_log_likelihood(measured: Values, signal: Values, sigma: Values) -> Field:
    """``log N(M; S, sigma^2)`` of each sample.

    Parameters
    ----------
    measured, signal, sigma
        Arrays that broadcast.
    """
    deviation = (jnp.asarray(measured) - signal) / sigma
    return -0.5 * deviation**2 - jnp.log(sigma) - 0.5 * math.log(2.0 * math.pi)


def rician_log_likelihood(measured: Values, signal: Values, sigma: Values) -> Field:
    """``log p(M | A) = log(M / s^2) - (M - A)^2 / 2 s^2 + log[I0(z) e^-z]``, ``z = M A / s^2``.

    Parameters
    ----------
    measured, signal, sigma
        Arrays that broadcast; ``signal`` zero or above.

    Returns
    -------
    Array
        Minus infinity where ``measured`` is zero or below, which no magnitude is.

    References
    ----------
    Gudbjartsson and Patz, Magnetic Resonance in Medicine 1995, doi:10.1002/mrm.1910340618.
    """
    m, s = measured / sigma, signal / sigma
    possible = m > 0
    m = jnp.where(possible, m, 1.0)
    value = jnp.log(m) - jnp.log(sigma) - 0.5 * (m - s) ** 2 + log_bessel_i0e(m * s)
    return jnp.where(possible, value, -jnp.inf)


def noncentral_chi_log_likelihood(
    measured: Values, signal: Values, sigma: Values, coils: int
) -> Field:
    """``p = (A / s^2) (M / A)^n exp[-(M^2 + A^2) / 2 s^2] I_{n-1}(M A / s^2)``, its logarithm.

    ``I_{n-1}`` is built on ``I0`` from the ratios ``I_{k+1}(z) / (z I_k(z))``, which a downward
    recurrence gives without overflow and with a limit at ``A = 0``; the logarithm is right to 1e-7
    in float64.

    Parameters
    ----------
    measured, signal, sigma
        Arrays that broadcast; ``signal`` zero or above.
    coils
        Number ``n`` of receivers, 1 for Rician.

    Returns
    -------
    Array
        Minus infinity where ``measured`` is zero or below.

    Raises
    ------
    ValueError
        If ``coils`` is below 1.

    References
    ----------
    Constantinides et al., Magnetic Resonance in Medicine 1997, doi:10.1002/mrm.1910380524.
    """
    _check_coils(coils)
    m, s = measured / sigma, signal / sigma
    possible = m > 0
    m = jnp.where(possible, m, 1.0)
    z = m * s
    last = coils + _EXTRA_RATIOS
    # between the two bounds of Amos, with the right expansion at large z
    ratio = 1.0 / (last + 0.5 + jnp.sqrt(z * z + (last + 0.5) * (last + 1.5)))
    higher_orders = jnp.zeros_like(z)
    for order in range(last - 1, -1, -1):
        ratio = 1.0 / (2.0 * (order + 1) + z * z * ratio)
        if order < coils - 1:
            higher_orders = higher_orders + jnp.log(ratio)
    value = (
        (2 * coils - 1) * jnp.log(m)
        - jnp.log(sigma)
        - 0.5 * (m - s) ** 2
        + log_bessel_i0e(z)
        + higher_orders
    )
    return jnp.where(possible, value, -jnp.inf)


@jax.custom_jvp
def rician_mean(signal: Values, sigma: Values) -> Field:
    """``E[M] = s sqrt(pi/2) e^-a [(1 + 2a) I0(a) + 2a I1(a)]`` with ``a = (A / 2 s)^2``.

    Parameters
    ----------
    signal, sigma
        Arrays that broadcast.

    References
    ----------
    Gudbjartsson and Patz, Magnetic Resonance in Medicine 1995, doi:10.1002/mrm.1910340618.
    """
    half = jnp.asarray(0.5 * signal / sigma)
    a = half * half
    i0e, i1e = jax.scipy.special.i0e(a), jax.scipy.special.i1e(a)
    return math.sqrt(math.pi / 2.0) * ((1.0 + 2.0 * a) * i0e + 2.0 * a * i1e) * sigma


@rician_mean.defjvp
def _rician_mean_jvp(primals: tuple, tangents: tuple) -> tuple[Field, Field]:
    """With ``dE/dA = sqrt(pi/2) (A / 2 s) e^-a [I0(a) + I1(a)]``, sums rather than differences.

    The derivative of ``e^-a I0(a)`` is a difference of two numbers that are nearly equal where
    the signal is strong. The mean scales with both arguments: ``A dE/dA + s dE/ds = E``.
    """
    signal, sigma = (jnp.asarray(one) for one in primals)
    mean, half = rician_mean(signal, sigma), 0.5 * signal / sigma
    both = jax.scipy.special.i0e(half * half) + jax.scipy.special.i1e(half * half)
    slope = math.sqrt(math.pi / 2.0) * half * both
    of_signal, of_sigma = tangents
    return mean, slope * of_signal + (mean - slope * signal) / sigma * of_sigma


def noncentral_chi_mean(signal: Values, sigma: Values, coils: int) -> Field:
    """Mean of the root sum of squares over ``coils`` receivers.

    ``X = M^2 / s^2`` is non-central chi-squared with ``2 n`` degrees of freedom. Its mean root is
    ``sqrt(2 / pi)`` times the integral over 0 to pi/2 of
    ``[1 - cos(t)^(2n) exp(-(A / s)^2 sin(t)^2 / 2)] / sin(t)^2``, smooth and periodic, so that
    equal steps converge exponentially.

    Parameters
    ----------
    signal, sigma
        Arrays that broadcast.
    coils
        Number ``n`` of receivers, 1 for Rician.

    Raises
    ------
    ValueError
        If ``coils`` is below 1.

    References
    ----------
    Constantinides et al., Magnetic Resonance in Medicine 1997, doi:10.1002/mrm.1910380524.
    """
    _check_coils(coils)
    energy = jnp.asarray(signal / sigma) ** 2
    angle = (np.arange(_ANGLES) + 0.5) * (0.5 * math.pi / _ANGLES)
    sine2 = np.sin(angle) ** 2
    weight = math.sqrt(math.pi / 2.0) / (_ANGLES * sine2)
    weight, sine2, fall = as_type_of(energy, weight, sine2, 2 * coils * np.log(np.cos(angle)))
    moderate = jnp.minimum(energy, _LARGE_SNR**2)[..., None]
    total = -jnp.sum(weight * jnp.expm1(fall - 0.5 * sine2 * moderate), axis=-1)
    root = jnp.sqrt(jnp.maximum(energy, _LARGE_SNR**2))
    excess = (2 * coils - 1) / (2.0 * root)
    large = root + excess - (2 * coils - 1) * (2 * coils - 3) / (8.0 * root**3)
    return jnp.where(energy > _LARGE_SNR**2, large, total) * sigma
