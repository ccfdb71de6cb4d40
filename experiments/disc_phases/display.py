"""A sagittal slice as readers see it: the front at the left, the head at the top, in a window."""

from __future__ import annotations

from collections.abc import Sequence

import nibabel as nib
import numpy as np
from jaxtyping import Float

from jaxqmri.io import InputError
from jaxqmri.io.image import Image

FACING = (("P", "A"), ("I", "S"))  # where columns and rows go, and where they would go mirrored


def displayed(image: Image, window: Sequence[float] = ()) -> Float[np.ndarray, "h w"]:
    """Rows from the head down, columns from front to back; boxes are in pixels of this.

    Parameters
    ----------
    image
        One sagittal slice, ``(columns, rows, 1)``, either way round.
    window
        Width and level: what is below their range becomes 0, what is above it the width. All
        intensities without one.

    Raises
    ------
    InputError
        If it is not one sagittal slice.
    """
    found = nib.orientations.aff2axcodes(image.affine)[:2]
    if image.data.ndim != 3 or image.data.shape[2] != 1:
        raise InputError(
            f"{image.path}: {image.data.shape}, expected one sagittal slice, (columns, rows, 1)"
        )
    if any(code not in ways for code, ways in zip(found, FACING, strict=True)):
        raise InputError(
            f"{image.path}: columns run to {found[0]}, rows to {found[1]}, expected a sagittal "
            "slice: columns to P or A, rows to I or S"
        )
    mirrored = [code == ways[1] for code, ways in zip(found, FACING, strict=True)]
    data = np.flip(image.data[..., 0], np.flatnonzero(mirrored)).T.astype(np.float32)
    if window:
        width, level = window
        data = np.clip(data - (level - 0.5 * width), 0.0, width)
    return data
