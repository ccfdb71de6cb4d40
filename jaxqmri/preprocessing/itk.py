"""Between our images and ITK's, and ANTs made repeatable.

A NIfTI affine gives positions with x to the right and y to anterior (RAS); ITK, and ANTs with it,
counts both the other way (LPS). What other modules see is RAS.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from jaxqmri.io import InputError
from jaxqmri.io.nifti import Image
from jaxqmri.preprocessing.resampling import spacing
from jaxqmri.preprocessing.transforms import Affine

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_FAR = 100.0  # mm: points so far apart tell a matrix to many digits


def load_ants(seed: int) -> Any:
    """The ``ants`` module, on one thread and with a fixed seed.

    Raises
    ------
    InputError
        If antspyx is not installed.
    """
    # read by ITK when it first counts its threads: sums over several differ in their last digit
    os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "1")
    try:
        import ants
        from ants import config
    except ImportError:
        raise InputError(
            "registration needs antspyx, which is not installed: pip install 'jaxqmri[experiments]'"
        ) from None
    config._random_seed = seed
    return ants


def to_ants(ants: Any, image: Image) -> Any:
    """The image with its place in the scanner, voxels without a number set to zero.

    Raises
    ------
    InputError
        If there is no contrast, the data are not one volume, or the grid is sheared.
    """
    data = np.nan_to_num(np.asarray(image.data, np.float32), posinf=0.0, neginf=0.0)
    if data.ndim != 3:
        raise InputError(f"{image.path}: expected one volume to register, found {data.ndim}-D data")
    if not np.ptp(data):
        raise InputError(
            f"{image.path}: no contrast to register by, all voxels are {data.flat[0]:g}"
        )
    lps = RAS_TO_LPS @ np.asarray(image.affine, np.float64)
    edges = spacing(image.affine)
    direction = lps[:3, :3] / edges
    if not np.allclose(direction.T @ direction, np.eye(3), atol=1e-3):
        raise InputError(f"{image.path}: the affine is sheared, expected axes at right angles")
    u, _, vt = np.linalg.svd(direction)  # ITK wants it orthonormal to more digits than headers keep
    return ants.from_numpy(data, origin=tuple(lps[:3, 3]), spacing=tuple(edges), direction=u @ vt)


def read_linear(ants: Any, path: str) -> Affine:
    """A linear transform that ANTs has written, from RAS to RAS."""
    lps = ants.read_transform(path)
    corners = np.vstack([np.zeros(3), _FAR * np.eye(3)])
    images = np.array([lps.apply_to_point(tuple(point)) for point in corners])
    matrix = np.eye(4)
    matrix[:3, :3] = (images[1:] - images[0]).T / _FAR
    matrix[:3, 3] = images[0]
    return RAS_TO_LPS @ matrix @ RAS_TO_LPS
