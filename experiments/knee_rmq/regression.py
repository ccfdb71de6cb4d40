"""What a voxel's images say without neighbours: a quadratic regression on what a network is given.

The competitor that tells what convolutions are for. It has no equation, no prior and a few dozen
numbers, fitted to the training subjects' cartilage by least squares.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from experiments.knee_rmq.fits import Reference
from experiments.knee_rmq.inputs import given_of, whitening
from experiments.knee_rmq.study import Study, channels
from jaxqmri.training import Split


def regress(
    study: Study, reference: Reference, split: Split, name: str
) -> Float[np.ndarray, "s h w 4"]:
    """Maps from an input's images in the drawn cartilage of the test subjects; NaN elsewhere.

    ``y = c + sum_i a_i x_i + sum_ij b_ij x_i x_j`` for every map, with ``x`` the logarithms of a
    voxel's images, whitened as they are for the network.
    """
    chosen = channels(name)
    train, test = (study.slices_of(subjects) for subjects in (split.train, np.sort(split.test)))
    inside, drawn = study.cartilage[train] & reference.known[train], study.cartilage[test]
    signals, others = study.images[train][inside], study.images[test][drawn]
    unit = np.median(signals[:, 1])
    by = whitening(signals / unit, chosen)

    def terms(images: Float[np.ndarray, "v n"]) -> Float[np.ndarray, "v terms"]:
        x = np.asarray(given_of(jnp.asarray(images / unit), by), np.float64)[:, chosen]
        i, j = np.triu_indices(chosen.size)
        return np.concatenate([np.ones((len(x), 1)), x, x[:, i] * x[:, j]], axis=1)

    fitted, *_ = np.linalg.lstsq(terms(signals), reference.maps[train][inside], rcond=None)
    maps = np.full((*drawn.shape, fitted.shape[1]), np.nan, np.float32)
    maps[drawn] = terms(others) @ fitted
    return maps
