"""What becomes of volumes once they are acquired: noise, and regions that a reader draws."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Integer, PRNGKeyArray

from jaxqmri.physics.noise import sample_rician


def draw(shares: Float[Array, "5 x y z"], least: Float[Array, "x y z"]) -> Integer[Array, "x y z"]:
    """Regions as a reader draws them, of voxels that hold at least a share of the tissue.

    1 to 4 are the cartilages, 5 meniscus, 0 elsewhere.
    """
    cartilage, meniscus = shares[:-1], shares[-1]
    other = jnp.where(meniscus > least, len(shares), 0)
    drawn = jnp.where(cartilage.sum(axis=0) > least, 1 + jnp.argmax(cartilage, axis=0), other)
    return drawn.astype(jnp.uint8)


def with_noise(
    key: PRNGKeyArray, series: Sequence[Float[Array, ...]], sigmas: Sequence[Float[Array, ""]]
) -> list[Float[Array, ...]]:
    """Magnitudes of every series with complex noise of its own sigma, drawn in one go."""
    flat = jnp.concatenate([images.ravel() for images in series])
    pairs = zip(series, sigmas, strict=True)
    noise = jnp.concatenate([jnp.broadcast_to(s, images.size) for images, s in pairs])
    ends = np.cumsum([images.size for images in series])[:-1]
    noisy = jnp.split(sample_rician(key, flat, noise), ends)
    return [part.reshape(images.shape) for part, images in zip(noisy, series, strict=True)]
