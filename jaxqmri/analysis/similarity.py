"""Structural similarity of two images, voxel by voxel."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

WINDOW = 1.5  # standard deviation of the Gaussian window, in voxels
RADIUS = 5  # where it is cut off
K1, K2 = 0.01, 0.03
RANGE = 99.9  # percentile of the reference that stands for the range of its values


def structural_similarity(
    a: Float[np.ndarray, "x y z"], b: Float[np.ndarray, "x y z"], data_range: float, across: int
) -> Float[np.ndarray, "x y z"]:
    """``(2 m_a m_b + c1)(2 s_ab + c2) / ((m_a^2 + m_b^2 + c1)(s_a^2 + s_b^2 + c2))``.

    Means ``m``, variances ``s^2`` and covariance ``s_ab`` are taken within each slice, under a
    Gaussian window of 1.5 voxels; ``c1 = (0.01 R)^2`` and ``c2 = (0.03 R)^2`` for the data range
    ``R``.

    Parameters
    ----------
    a, b
        Images on one grid, in the same units.
    data_range
        ``R``, the range that the values can have.
    across
        Array axis across the slices.

    Returns
    -------
    array
        Of the images' shape: 1 where they agree. The border is mirrored.

    References
    ----------
    Wang et al., IEEE Transactions on Image Processing 2004, doi:10.1109/TIP.2003.819861.
    """
    from scipy import ndimage

    sigma = [0.0 if axis == across else WINDOW for axis in range(3)]

    def window(values: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(values, sigma, mode="mirror", radius=RADIUS)

    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    mean_a, mean_b = window(a), window(b)
    variance_a = np.maximum(window(a * a) - mean_a**2, 0.0)
    variance_b = np.maximum(window(b * b) - mean_b**2, 0.0)
    covariance = window(a * b) - mean_a * mean_b
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    return ((2 * mean_a * mean_b + c1) * (2 * covariance + c2)) / (
        (mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)
    )


def similarity_in_mask(
    image: Float[np.ndarray, "x y z"],
    reference: Float[np.ndarray, "x y z"],
    mask: Bool[np.ndarray, "x y z"],
    across: int,
) -> float:
    """Mean structural similarity over a mask, ``image`` brought to the scale of ``reference``.

    One factor, by least squares over the mask: two scans differ in gain, which says nothing about
    alignment. The range is the 99.9th percentile of the reference. Where either image holds no
    number, both count as zero around, and the voxel itself is left out of the mean.

    Parameters
    ----------
    image, reference
        Images on one grid.
    mask
        Where the mean is taken.
    across
        Array axis across the slices.

    Returns
    -------
    float
        Not a number where the mask holds no voxel that both images see.
    """
    seen = np.isfinite(image) & np.isfinite(reference)
    inside = np.asarray(mask, bool) & seen
    if not inside.any():
        return float("nan")
    a = np.where(seen, reference, 0.0).astype(np.float64)
    b = np.where(seen, image, 0.0).astype(np.float64)
    power = float(np.sum(b[inside] ** 2))
    gain = float(np.sum(a[inside] * b[inside])) / power if power else 0.0
    local = structural_similarity(a, gain * b, float(np.percentile(a, RANGE)), across)
    return float(local[inside].mean())
