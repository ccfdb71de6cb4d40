"""Noise of magnitude images from the air around the body."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

RAYLEIGH_MEAN = float(np.sqrt(np.pi / 2))  # of air, in units of the noise of one channel
RAYLEIGH_SD = float(np.sqrt(2 - np.pi / 2))
_WIDTH = 2.5  # half width of the window of means, in their standard deviations
_STARTS = (0.2, 1, 2, 5, 10, 20, 35, 50, 65)
_ROUNDS = 30
_TOLERANCE = 0.1
_FEWEST = 200


def find_air(images: Float[np.ndarray, "x y z n"]) -> Bool[np.ndarray, "x y z"] | None:
    """Voxels that hold nothing but Rician noise.

    In air a magnitude follows the Rayleigh distribution in every image: the mean over the ``n``
    images is ``1.2533 sigma`` with standard deviation ``0.6551 sigma / sqrt(n)``. Starting from
    several levels, the voxels whose mean lies in that window give the next level until it stays.
    Of the levels that stay, the one with most voxels counts whose magnitudes scatter as Rayleigh
    ones do in every single image. Voxels that the scanner set to zero are no evidence.

    Returns
    -------
    Array or None
        The voxels; None where no level looks like air.
    """
    usable = np.isfinite(images).all(axis=-1) & (images > 0).all(axis=-1)
    samples = images[usable].astype(np.float64)
    if len(samples) < _FEWEST:
        return None
    means = samples.mean(axis=1)
    half = _WIDTH * RAYLEIGH_SD / np.sqrt(images.shape[-1])
    best: np.ndarray | None = None
    for level in np.percentile(means, _STARTS) / RAYLEIGH_MEAN:
        sigma, inside = float(level), np.zeros(len(means), bool)
        for _ in range(_ROUNDS):
            inside = np.abs(means / sigma - RAYLEIGH_MEAN) < half
            if not inside.any():
                break
            updated = float(np.sqrt(np.mean(samples[inside] ** 2) / 2))
            settled = abs(updated - sigma) < 1e-4 * sigma
            sigma = updated
            if settled:
                break
        if inside.sum() < _FEWEST or not _is_rayleigh(samples[inside]):
            continue
        if best is None or inside.sum() > best.sum():
            best = inside
    if best is None:
        return None
    air = np.zeros(usable.shape, bool)
    air[usable] = best
    return air


def _is_rayleigh(samples: Float[np.ndarray, "v n"]) -> bool:
    """Whether mean and scatter of every image agree with one noise level."""
    sigma = np.sqrt(np.mean(samples**2) / 2)
    means, spreads = samples.mean(axis=0) / sigma, samples.std(axis=0) / sigma
    return bool(
        np.all(np.abs(means / RAYLEIGH_MEAN - 1) < _TOLERANCE)
        and np.all(np.abs(spreads / RAYLEIGH_SD - 1) < _TOLERANCE)
    )
