"""What a fit minimises: the misfit of one voxel, its slope and its curvature per sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp

from jaxqmri.physics.base import Scalar
from jaxqmri.physics.bessel import bessel_ratio, log_bessel_i0e

SMALLEST_CURVATURE = 0.05  # keeps a Rician step finite where the magnitude is all noise


class Misfit(NamedTuple):
    """Misfit in squared signal units; divided by ``sigma**2`` it is a deviance.

    ``residual`` is minus half the derivative of ``cost`` with respect to each predicted signal,
    ``curvature`` half its second derivative, kept positive.
    """

    cost: Scalar
    residual: list[Scalar]
    curvature: list[Scalar]


def gaussian_misfit(
    measured: Sequence[Scalar], predicted: Sequence[Scalar], weights: Sequence[Scalar]
) -> Misfit:
    """Weighted least squares: ``sum(w (M - S)^2)``.

    Parameters
    ----------
    measured, predicted, weights
        One scalar a sample.
    """
    difference = [m - s for m, s in zip(measured, predicted, strict=True)]
    residual = [w * d for w, d in zip(weights, difference, strict=True)]
    cost = sum(r * d for r, d in zip(residual, difference, strict=True))
    return Misfit(cost, residual, list(weights))


def rician_misfit(
    measured: Sequence[Scalar],
    predicted: Sequence[Scalar],
    weights: Sequence[Scalar],
    sigma: Scalar,
) -> Misfit:
    """Rician log-likelihood in the units of a sum of squares.

    ``sum(w (M - A)^2 - 2 sigma^2 log[I0(z) exp(-z)])`` with ``z = w M A / sigma^2`` and
    ``A = |S|``: the least-squares misfit plus what magnitude images add to it. Its slope is that
    of least squares towards ``M I1(z) / I0(z)`` instead of ``M``.

    Parameters
    ----------
    measured, predicted, weights
        One scalar a sample; a negative magnitude counts as zero.
    sigma
        Standard deviation of the noise in each of the two channels, of a sample of weight one;
        of weight ``w`` it is ``sigma / sqrt(w)``.

    References
    ----------
    Sijbers et al., IEEE Transactions on Medical Imaging 1998, doi:10.1109/42.712125.
    """
    cost = 0.0
    residual, curvature = [], []
    variance = sigma * sigma
    for m, s, w in zip(measured, predicted, weights, strict=True):
        magnitude = jnp.maximum(m, 0.0)
        amplitude, sign = jnp.abs(s), jnp.where(s < 0, -1.0, 1.0)
        z = w * magnitude * amplitude / variance
        ratio = bessel_ratio(z)
        slope = 1.0 - ratio * ratio - jnp.where(z > 0, ratio / jnp.where(z > 0, z, 1.0), 0.5)
        cost += w * (magnitude - amplitude) ** 2 - 2.0 * variance * log_bessel_i0e(z)
        residual.append(w * sign * (magnitude * ratio - amplitude))
        bend = 1.0 - w * magnitude * magnitude / variance * slope
        curvature.append(w * jnp.clip(bend, SMALLEST_CURVATURE, 1.0))
    return Misfit(cost, residual, curvature)
