"""How large the noise is, and what is left of a magnitude without it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxqmri.physics.bessel import Field, Values

_RAYLEIGH_VARIANCE = 2.0 - math.pi / 2.0
_FLOOR = math.sqrt(math.pi / (4.0 - math.pi))  # mean over SD of pure Rician noise
_ITERATIONS = 200


class RicianEstimate(NamedTuple):
    """Noise-free ``amplitude`` and noise ``sigma`` behind a mean and SD of magnitudes."""

    amplitude: Field
    sigma: Field


def sigma_from_background(
    background: Values, statistic: str = "second_moment", coils: int = 1
) -> Float[Array, ""]:
    """Noise level from magnitudes of air.

    Without signal ``M`` follows a chi distribution with ``2 n`` degrees of freedom:
    ``E[M] = s sqrt(2) g`` with ``g = Gamma(n + 1/2) / Gamma(n)``, ``E[M^2] = 2 n s^2``,
    ``Var[M] = s^2 (2 n - 2 g^2)``; for one coil ``mean / 1.2533``, ``SD / 0.6551``.

    Parameters
    ----------
    background
        Magnitudes in air, any shape, without ghosts and without voxels that a vendor zeroed.
    statistic
        ``"second_moment"`` (least variable), ``"mean"`` or ``"sd"``.
    coils
        Receivers combined by root sum of squares; 1 for Rician images.

    Raises
    ------
    ValueError
        If the statistic is unknown or ``coils`` is below 1.

    References
    ----------
    Henkelman, Medical Physics 1985, doi:10.1118/1.595711. Constantinides et al., Magnetic
    Resonance in Medicine 1997, doi:10.1002/mrm.1910380524.
    """
    if coils < 1:
        raise ValueError(f"coils must be a whole number of at least 1, got {coils}")
    magnitudes = jnp.asarray(background)
    gamma_ratio = math.exp(math.lgamma(coils + 0.5) - math.lgamma(coils))
    if statistic == "second_moment":
        return jnp.sqrt(jnp.mean(magnitudes**2) / (2 * coils))
    if statistic == "mean":
        return jnp.mean(magnitudes) / (math.sqrt(2.0) * gamma_ratio)
    if statistic == "sd":
        return jnp.std(magnitudes) / math.sqrt(2 * coils - 2.0 * gamma_ratio**2)
    raise ValueError(f"statistic must be 'second_moment', 'mean' or 'sd', got {statistic!r}")


def sigma_from_repeats(first: Field, second: Field) -> Float[Array, ""]:
    """Noise level from two images of the same thing: ``SD(first - second) / sqrt(2)``.

    Parameters
    ----------
    first, second
        Magnitudes of the same voxels, well above the noise (SNR above 3).

    References
    ----------
    Dietrich et al., Journal of Magnetic Resonance Imaging 2007, doi:10.1002/jmri.20969.
    """
    return jnp.std(first - second) / math.sqrt(2.0)


def gudbjartsson_patz(measured: Values, sigma: Values) -> Field:
    """Magnitude with the bias of high SNR removed: ``sqrt(|M^2 - s^2|)``.

    Parameters
    ----------
    measured, sigma
        Arrays that broadcast.

    References
    ----------
    Gudbjartsson and Patz, Magnetic Resonance in Medicine 1995, doi:10.1002/mrm.1910340618.
    """
    return jnp.sqrt(jnp.abs(jnp.asarray(measured) ** 2 - jnp.asarray(sigma) ** 2))


def second_moment(measured: Values, sigma: Values, coils: int = 1) -> Field:
    """Magnitude whose square is unbiased: ``sqrt(max(M^2 - 2 n s^2, 0))``.

    Parameters
    ----------
    measured, sigma
        Arrays that broadcast; ``measured`` may be the root of a local mean of ``M^2``.
    coils
        Receivers ``n`` combined by root sum of squares; 1 for Rician images.

    References
    ----------
    Henkelman, Medical Physics 1985, doi:10.1118/1.595711 (for one coil).
    """
    return jnp.sqrt(jnp.maximum(jnp.asarray(measured) ** 2 - 2 * coils * sigma**2, 0.0))


def rician_variance_factor(snr: Values) -> Field:
    """Variance of a Rician magnitude over ``sigma^2``, from 0.4292 in air to 1.

    ``2 + t^2 - (pi / 8) e^{-t^2/2} [(2 + t^2) I0(t^2/4) + t^2 I1(t^2/4)]^2`` at ``t = A / s``.

    Parameters
    ----------
    snr
        ``A / s``, any shape.

    References
    ----------
    Koay and Basser, Journal of Magnetic Resonance 2006, doi:10.1016/j.jmr.2006.01.016.
    """
    t2 = jnp.asarray(snr) ** 2
    small = jnp.minimum(t2, 144.0)
    quarter = small / 4.0
    bracket = (2.0 + small) * jax.scipy.special.i0e(quarter)
    bracket = bracket + small * jax.scipy.special.i1e(quarter)
    exact = 2.0 + small - (math.pi / 8.0) * bracket**2
    inverse = 1.0 / jnp.maximum(t2, 144.0)  # beyond, the difference above loses its digits
    return jnp.where(t2 > 144.0, 1.0 - 0.5 * inverse - 0.5 * inverse**2, exact)


def koay_basser(mean: Values, sd: Values) -> RicianEstimate:
    """Amplitude and noise level from the local mean and SD of Rician magnitudes.

    The SNR ``t`` is the fixed point of ``t = sqrt(x(t) (1 + m^2 / s^2) - 2)`` with the variance
    factor ``x``; then ``sigma^2 = s^2 / x`` and ``A^2 = m^2 + (x - 2) sigma^2``.

    Parameters
    ----------
    mean, sd
        Of magnitudes with the same amplitude, arrays that broadcast.

    Returns
    -------
    RicianEstimate
        The amplitude is 0 where ``mean / sd`` is at or below 1.913, the value of pure noise.

    References
    ----------
    Koay and Basser, Journal of Magnetic Resonance 2006, doi:10.1016/j.jmr.2006.01.016.
    """
    ratio = jnp.asarray(mean) / sd
    noise_only = ratio <= _FLOOR

    def step(_: Any, snr: Field) -> Field:
        return jnp.sqrt(jnp.maximum(rician_variance_factor(snr) * (1.0 + ratio**2) - 2.0, 0.0))

    snr = jax.lax.fori_loop(0, _ITERATIONS, step, ratio)
    factor = jnp.where(noise_only, _RAYLEIGH_VARIANCE, rician_variance_factor(snr))
    sigma = jnp.asarray(sd) / jnp.sqrt(factor)
    squared = jnp.asarray(mean) ** 2 + (factor - 2.0) * sigma**2
    return RicianEstimate(jnp.where(noise_only, 0.0, jnp.sqrt(jnp.maximum(squared, 0.0))), sigma)
