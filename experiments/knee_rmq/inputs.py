"""What a network is given: logarithms of its images, shifted and turned until unrelated.

The images of one voxel rise and fall together, and what tells of relaxation is their small ratios.
Logarithms make ratios differences, and a fixed linear map gives every direction the same spread,
so that gradients need not find that out. Nothing is lost but signals below the noise.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

FLOOR = 0.02  # of typical cartilage at 10 degrees; about the noise
SMALLEST = 1e-2  # spread of a direction in units of the largest: less is noise
LIMIT = 8.0  # standard deviations; air and vessels lie beyond


class Whitening(NamedTuple):
    """Shift and linear map of logarithms; images that are not given have no weight in it.

    Attributes
    ----------
    centre
        Mean logarithm of each image.
    weights
        Symmetric, with rows and columns of zeros for images that are not given.
    """

    centre: Float[Array, " n"]
    weights: Float[Array, "n n"]


def whitening(signals: Float[np.ndarray, "v n"], chosen: Int[np.ndarray, " c"]) -> Whitening:
    """Shift and map that give some of the images a mean of 0 and unit covariance.

    Parameters
    ----------
    signals
        Of the training subjects' cartilage, in units of its typical signal.
    chosen
        Places of the images that the network is given.
    """
    logs = np.log(np.maximum(signals[:, chosen], FLOOR)).astype(np.float64)
    variances, directions = np.linalg.eigh(np.atleast_2d(np.cov(logs, rowvar=False)))
    spreads = np.sqrt(np.maximum(variances, 0.0) + (SMALLEST**2) * variances.max())
    centre, weights = np.zeros(signals.shape[1]), np.zeros((signals.shape[1],) * 2)
    centre[chosen] = logs.mean(axis=0)
    weights[np.ix_(chosen, chosen)] = (directions / spreads) @ directions.T
    return Whitening(jnp.asarray(centre, jnp.float32), jnp.asarray(weights, jnp.float32))


def given_of(signals: Float[Array, "*p n"], by: Whitening) -> Float[Array, "*p n"]:
    """What the network sees of images, in units of typical cartilage's signal."""
    logs = jnp.log(jnp.maximum(signals, FLOOR)) - by.centre
    return jnp.clip(logs @ by.weights, -LIMIT, LIMIT)
