"""Where the slices of a DICOM series lie, in the order of their instance numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jaxqmri.io.errors import InputError

_EVEN = 0.1  # mm, how far a slice may lie from an even spacing


class SliceGrid(NamedTuple):
    """Where the voxels of an array of slices lie.

    Attributes
    ----------
    shape
        Slices, rows, columns.
    affine
        Indices ``(slice, row, column)`` to millimetres, right, anterior and superior positive.
    """

    shape: tuple[int, int, int]
    affine: Float[np.ndarray, "4 4"]


def slice_grid(files: Sequence[Path], source: Path) -> SliceGrid:
    """Where the slices of one volume lie, in the order of their instance numbers.

    Parameters
    ----------
    files
        DICOM files of one echo.
    source
        What to name in a message.

    Raises
    ------
    InputError
        If there are fewer than two slices, or they are not evenly spaced.
    """
    from pydicom import dcmread

    headers = sorted(
        (dcmread(path, stop_before_pixels=True) for path in files),
        key=lambda header: int(header.InstanceNumber),
    )
    places = np.array([header.ImagePositionPatient for header in headers], np.float64)
    if len(places) < 2:
        raise InputError(f"{source}: one slice, expected several")
    step = (places[-1] - places[0]) / (len(places) - 1)
    apart = places - (places[0] + np.arange(len(places))[:, None] * step)
    if np.abs(apart).max() > _EVEN:
        raise InputError(f"{source}: slices are not evenly spaced, one may be missing")
    first = headers[0]
    along_row, along_column = np.array(first.ImageOrientationPatient, np.float64).reshape(2, 3)
    between_rows, between_columns = map(float, first.PixelSpacing)
    affine = np.eye(4)
    affine[:3] = np.stack(
        [step, along_column * between_rows, along_row * between_columns, places[0]], axis=-1
    )
    affine[:2] *= -1.0  # DICOM counts towards left and posterior
    return SliceGrid((len(places), int(first.Rows), int(first.Columns)), affine)
