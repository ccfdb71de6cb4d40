"""Intensity scaling: what a network is told of the gain of a scan, and what is taken from it.

A scale divides an image. The images of one spin-lock series share one scale, taken from the image
at TSL 0: their ratios carry T1rho, and an image scaled by itself has lost them. The PD-weighted
scan has a scale of its own. Scales are taken from whole images, before any masking.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxqmri.io import InputError

Scaling = Literal["scanner", "percentile", "reference-tissue"]

PERCENTILE = 99.0

Volume = Float[np.ndarray, "x y z"]
Mask = Bool[np.ndarray, "x y z"]


class Scales(NamedTuple):
    """What one subject's images are divided by.

    Attributes
    ----------
    t1rho
        Of every image of the spin-lock series.
    pd
        Of the PD-weighted image.
    """

    t1rho: float
    pd: float


def percentile_scale(image: Volume, percentile: float = PERCENTILE) -> float:
    """The image's own percentile, over all voxels that hold a number.

    It takes any factor on the image away, and with it the gain of this subject's scan.

    Raises
    ------
    InputError
        If no voxel holds a number, or the percentile is not above zero.
    """
    values = image[np.isfinite(image)]
    if not values.size:
        raise InputError("an image without a number has no intensity scale")
    return _above_zero(float(np.percentile(values, percentile)), f"percentile {percentile:g}")


def reference_tissue_scale(image: Volume, tissue: Mask) -> float:
    """Median of a tissue that differs little between people, such as muscle.

    Raises
    ------
    InputError
        If no voxel of the tissue holds a number, or the median is not above zero.
    """
    values = image[np.asarray(tissue, bool) & np.isfinite(image)]
    if not values.size:
        raise InputError("no voxel of the reference tissue holds a number")
    return _above_zero(float(np.median(values)), "median of the reference tissue")


def cohort_scales(first: Sequence[float], pd: Sequence[float]) -> Scales:
    """Scanner units: the same constants for all subjects, so that what differs between them stays.

    Parameters
    ----------
    first, pd
        :func:`percentile_scale` of each training subject's TSL 0 and PD-weighted image.

    Returns
    -------
    Scales
        The median of each.

    Raises
    ------
    InputError
        If there is no subject, or one lacks an image.
    """
    if not len(first) or len(first) != len(pd):
        raise InputError(
            "a cohort's scale needs both images of every subject, "
            f"found {len(first)} at TSL 0 and {len(pd)} PD-weighted"
        )
    return Scales(*(_above_zero(float(np.median(each)), "cohort's median") for each in (first, pd)))


def scales(
    kind: Scaling,
    first: Volume,
    pd: Volume,
    *,
    cohort: Scales | None = None,
    tissue: Mask | None = None,
) -> Scales:
    """What one subject's images are divided by.

    Parameters
    ----------
    kind
        ``scanner`` leaves scanner units but for the ``cohort`` constants; ``percentile`` is the
        99th of each whole image; ``reference-tissue`` the median in ``tissue``.
    first
        The image at TSL 0, unmasked.
    pd
        The PD-weighted image, unmasked; not a number outside its field of view.
    cohort
        From :func:`cohort_scales`, over training subjects alone.
    tissue
        Voxels of the reference tissue, on the images' grid.

    Raises
    ------
    ValueError
        If the kind is unknown, or lacks what it is taken from.
    InputError
        If an image has no scale of this kind.
    """
    if kind == "scanner":
        if cohort is None:
            raise ValueError("scanner units need the scale of the cohort")
        return cohort
    if kind == "percentile":
        return Scales(percentile_scale(first), percentile_scale(pd))
    if kind == "reference-tissue":
        if tissue is None:
            raise ValueError("scaling by a reference tissue needs its mask")
        return Scales(reference_tissue_scale(first, tissue), reference_tissue_scale(pd, tissue))
    raise ValueError(f"unknown scaling {kind!r}, expected scanner, percentile or reference-tissue")


def between_quartiles(image: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    r"""Image with its quartiles at -1 and 1, cut off at its own 3rd and 97th percentile.

    .. math:: x \mapsto 2\,\frac{x - P_{25}}{P_{75} - P_{25}} - 1 .

    Parameters
    ----------
    image
        One image: a slice, or a volume, whole.

    Raises
    ------
    InputError
        If its quartiles are equal, as where three quarters of it were set to zero.

    References
    ----------
    Thomas et al., Cartilage 2021, doi:10.1177/19476035211042406.
    """
    low, first, third, high = np.percentile(image, (3.0, 25.0, 75.0, 97.0))
    if not third > first:
        raise InputError(
            f"an image whose quartiles are both {first:g} cannot be scaled by them: "
            "expected one whose background was not set to a constant"
        )
    return (2.0 * (np.clip(image, low, high) - first) / (third - first) - 1.0).astype(image.dtype)


def _above_zero(value: float, what: str) -> float:
    if not (np.isfinite(value) and value > 0):
        raise InputError(f"an intensity scale must be above zero, the {what} is {value:g}")
    return value
