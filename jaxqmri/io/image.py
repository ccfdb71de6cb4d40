"""An image in memory: its voxels, where they lie, and what its files are called."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Num

from jaxqmri.io.errors import InputError

EXTENSIONS = (".nii.gz", ".nii")
GRID_TOLERANCE = 0.05  # of a voxel's shortest edge, at the grid's corners


class Image(NamedTuple):
    """A volume in memory.

    Attributes
    ----------
    data
        Voxels, ``(x, y, z)`` or ``(x, y, z, n)``; float32 (labels: int32).
    affine
        Voxel indices to millimetres, ``(4, 4)`` float64.
    path
        Where it was read from, for messages.
    """

    data: Num[np.ndarray, "x y z *n"]
    affine: Float[np.ndarray, "4 4"]
    path: Path


def sidecar_path(path: str | os.PathLike[str]) -> Path:
    """The JSON file beside an image.

    Raises
    ------
    ValueError
        If ``path`` does not end in ``.nii`` or ``.nii.gz``.
    """
    path = Path(path)
    return path.with_name(f"{stem(path)}.json")


def stem(path: str | os.PathLike[str]) -> str:
    """An image's file name without ``.nii`` or ``.nii.gz``."""
    name = Path(path).name
    for extension in EXTENSIONS:
        if name.endswith(extension):
            return name.removesuffix(extension)
    raise ValueError(f"{path}: an image's name ends in .nii.gz or .nii")


def check_same_grid(image: Image, reference: Image, what: str) -> None:
    """Require two images to have the same voxels in the same places.

    Parameters
    ----------
    image, reference
        Two images; a fourth axis does not count.
    what
        What ``image`` is, for the message: "mask", "B1 map".

    Raises
    ------
    InputError
        If the shapes differ, or any corner of the grids lies further apart than a twentieth of a
        voxel's shortest edge.
    """
    shape, expected = image.data.shape[:3], reference.data.shape[:3]
    if shape != expected:
        raise InputError(
            f"{image.path}: {what} has shape {shape}, but {reference.path} has {expected}"
        )
    ends = [(0.0, size - 1.0) for size in shape]
    corners = np.stack([*np.meshgrid(*ends, indexing="ij"), np.ones((2, 2, 2))], axis=-1)
    apart = corners @ (image.affine - reference.affine)[:3].T
    distance = float(np.sqrt((apart**2).sum(-1)).max())
    edge = float(np.linalg.norm(reference.affine[:3, :3], axis=0).min())
    if not distance <= GRID_TOLERANCE * edge:
        raise InputError(
            f"{image.path}: {what} has the shape of {reference.path} but another affine, "
            f"{distance:.3g} mm apart at the grid's corners"
        )
