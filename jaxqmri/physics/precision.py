"""How precise an acquisition can be: Fisher information and the Cramér–Rao bound."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxqmri.physics.base import Scalar, SignalModel, as_type_of
from jaxqmri.physics.bessel import Field, Values, bessel_ratio, log_bessel_i0e

_NODES = 96
_REACH = 9.0  # standard deviations to either side that the quadrature covers


@functools.cache
def _gauss_legendre() -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return 0.5 * (nodes + 1.0), 0.5 * weights


def rician_information(snr: Values) -> Field:
    """What one Rician magnitude tells about its amplitude, as a fraction of a Gaussian sample.

    ``E[(d ln p / dA)^2] s^2 = E[(m I1(m t) / I0(m t) - t)^2]`` for ``m = M / s`` and ``t = A /
    s``, by Gauss–Legendre quadrature: 0 in pure noise, 1 at high SNR.

    Parameters
    ----------
    snr
        ``A / s``, zero or above, any shape.

    References
    ----------
    Karlsen et al., Magnetic Resonance in Medicine 1999 (Fisher information of Rician samples).
    """
    t = jnp.asarray(snr, dtype=jnp.result_type(snr, jnp.float32))[..., None]
    nodes, weights = as_type_of(t, *_gauss_legendre())
    lowest = jnp.maximum(t - _REACH, 0.0)
    width = t + _REACH - lowest
    m = lowest + width * nodes
    density = m * jnp.exp(-0.5 * (m - t) ** 2 + log_bessel_i0e(m * t))
    score = m * bessel_ratio(m * t) - t
    return jnp.sum(width * weights * density * score**2, axis=-1)


def _free_names(model: SignalModel, free: Sequence[str] | None) -> tuple[str, ...]:
    names = model.Params._fields
    if free is None:
        return tuple(name for name in names if name not in model.defaults)
    unknown = [name for name in free if name not in names]
    if unknown:
        raise ValueError(f"free must name parameters out of {', '.join(names)}, got {unknown[0]!r}")
    return tuple(free)


def fisher_information(
    model: SignalModel,
    params: Any,
    sigma: Scalar,
    likelihood: str = "gaussian",
    free: Sequence[str] | None = None,
) -> Float[Array, "p p"]:
    """``F_ij = sum_k w(S_k / s) (dS_k / dp_i) (dS_k / dp_j) / s^2`` of one voxel.

    ``w`` is 1 for Gaussian noise and :func:`rician_information` for magnitudes.

    Parameters
    ----------
    model
        A signal model; its acquisition may be traced, so that it can be designed by gradient.
    params
        The voxel's ``model.Params``.
    sigma
        Standard deviation of the noise in one channel, in the unit of the signal.
    likelihood
        ``"gaussian"`` or ``"rician"``.
    free
        Parameters to be estimated, in the order of the rows; all but ``model.defaults`` if None.

    Raises
    ------
    ValueError
        If the likelihood or a parameter is unknown.

    References
    ----------
    Karlsen et al., Magnetic Resonance in Medicine 1999. Alexander, Magnetic Resonance in Medicine
    2008, doi:10.1002/mrm.21646.
    """
    names = _free_names(model, free)
    if likelihood not in {"gaussian", "rician"}:
        raise ValueError(f"likelihood must be 'gaussian' or 'rician', got {likelihood!r}")
    values = [jnp.asarray(getattr(params, name)) for name in names]
    values = [value.astype(jnp.result_type(value, jnp.float32)) for value in values]

    def signal(*varied: Scalar) -> Float[Array, " n"]:
        return model(params._replace(**dict(zip(names, varied, strict=True))))

    predicted = signal(*values)
    jacobian = jnp.stack(jax.jacfwd(signal, argnums=tuple(range(len(names))))(*values), axis=-1)
    if likelihood == "gaussian":
        weight = jnp.ones_like(predicted)
    else:
        weight = rician_information(jnp.abs(predicted) / sigma)
    scaled = jacobian / sigma
    return scaled.T @ (weight[:, None] * scaled)


def cramer_rao_bound(
    model: SignalModel,
    params: Any,
    sigma: Scalar,
    likelihood: str = "gaussian",
    free: Sequence[str] | None = None,
) -> Any:
    """Smallest standard deviation of any unbiased estimate, ``sqrt(diag(F^-1))``.

    Parameters
    ----------
    model, params, sigma, likelihood, free
        As for :func:`fisher_information`.

    Returns
    -------
    Params
        One standard deviation for each free parameter, NaN for those held.

    Raises
    ------
    ValueError
        If the likelihood or a parameter is unknown, or there are fewer samples than free
        parameters.

    References
    ----------
    Alexander, Magnetic Resonance in Medicine 2008, doi:10.1002/mrm.21646.
    """
    names = _free_names(model, free)
    if model.samples < len(names):
        raise ValueError(
            f"{len(names)} free parameters need at least as many samples, got {model.samples}"
        )
    information = fisher_information(model, params, sigma, likelihood, names)
    scale = jnp.sqrt(jnp.diagonal(information))  # the parameters' units differ by many decades
    inverse = jnp.linalg.inv(information / (scale[:, None] * scale[None, :]))
    deviations = jnp.sqrt(jnp.diagonal(inverse)) / scale
    held = dict.fromkeys(model.Params._fields, jnp.full_like(deviations[0], jnp.nan))
    return model.Params(**{**held, **{name: deviations[i] for i, name in enumerate(names)}})
