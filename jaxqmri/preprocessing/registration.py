"""Rigid registration, by ANTs, in scanner coordinates.

A NIfTI affine gives positions with x to the right and y to anterior (RAS); ITK, and ANTs with it,
counts both the other way (LPS). Everything that leaves this module is RAS.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxqmri.io import InputError
from jaxqmri.io.files import write_json
from jaxqmri.io.nifti import Image
from jaxqmri.preprocessing.resampling import Affine, Volume, resample, spacing

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
SHRINK = (4, 2, 1)  # coarse to fine
SMOOTHING = (2, 1, 0)  # standard deviation in voxels of each level
ITERATIONS = (100, 50, 10)
SAMPLING = 0.25  # share of the fixed image's voxels that the metric reads
BINS = 32
SEED = 1


class Registered(NamedTuple):
    """An image brought onto another's grid.

    Attributes
    ----------
    data
        The moving image in its own units on the fixed grid, NaN outside its field of view.
    transform
        Fixed to moving, scanner coordinates in mm (RAS), shape ``(4, 4)``.
    """

    data: Volume
    transform: Affine


def register_rigid(
    moving: Image, fixed: Image, *, cache: Path | None = None, match_resolution: bool = True
) -> Registered:
    """Bring ``moving`` onto the grid of ``fixed``: rotation and translation, units unchanged.

    Parameters
    ----------
    moving, fixed
        Three-dimensional images of one subject, on any grids.
    cache
        Folder in which the transform is kept, under a name made from both images' voxels and the
        settings. What is found there is not computed again.
    match_resolution
        See :func:`jaxqmri.preprocessing.resample`.

    Raises
    ------
    InputError
        If antspyx is not installed, an image has no signal, or a grid is sheared.
    """
    kept = None if cache is None else Path(cache) / f"{_fingerprint(moving, fixed)}.json"
    if kept is not None and kept.exists():
        transform = np.asarray(json.loads(kept.read_text("utf-8"))["transform"], np.float64)
    else:
        transform = rigid_transform(moving, fixed)
        if kept is not None:
            write_json(kept, {"transform": transform.tolist()})
    return Registered(
        resample(moving, fixed, transform, match_resolution=match_resolution), transform
    )


def rigid_transform(moving: Image, fixed: Image) -> Affine:
    """Rigid map from points of ``fixed`` to the same anatomy in ``moving``.

    Mattes mutual information, from coarse to fine, starting where the scanner put both images.
    Repeatable to the last digit: one thread, a fixed seed, regular sampling.

    Returns
    -------
    array
        Scanner coordinates in mm (RAS), shape ``(4, 4)``.

    Raises
    ------
    InputError
        If antspyx is not installed, an image has no signal, or a grid is sheared.

    References
    ----------
    Avants et al., NeuroImage 2011, doi:10.1016/j.neuroimage.2010.09.025.
    """
    ants = _ants()
    with tempfile.TemporaryDirectory() as folder:
        found = ants.registration(
            fixed=_to_ants(ants, fixed),
            moving=_to_ants(ants, moving),
            type_of_transform="Rigid",
            initial_transform="Identity",
            outprefix=str(Path(folder) / "to_moving_"),
            aff_metric="mattes",
            aff_sampling=BINS,
            aff_random_sampling_rate=SAMPLING,
            aff_iterations=ITERATIONS,
            aff_shrink_factors=SHRINK,
            aff_smoothing_sigmas=SMOOTHING,
            singleprecision=False,
        )
        lps = ants.read_transform(found["fwdtransforms"][0])
        corners = np.vstack([np.zeros(3), 100.0 * np.eye(3)])
        images = np.array([lps.apply_to_point(tuple(point)) for point in corners])
    matrix = np.eye(4)
    matrix[:3, :3] = (images[1:] - images[0]).T / 100.0
    matrix[:3, 3] = images[0]
    return RAS_TO_LPS @ matrix @ RAS_TO_LPS


def _ants() -> Any:
    # read by ITK when it first counts its threads: sums over several differ in their last digit
    os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "1")
    try:
        import ants
        from ants import config
    except ImportError:
        raise InputError(
            "registration needs antspyx, which is not installed: pip install 'jaxqmri[experiments]'"
        ) from None
    config._random_seed = SEED
    return ants


def _to_ants(ants: Any, image: Image) -> Any:
    """The image with its place in the scanner, voxels without a number set to zero."""
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


def _fingerprint(moving: Image, fixed: Image) -> str:
    settings = (SHRINK, SMOOTHING, ITERATIONS, SAMPLING, BINS, SEED)
    digest = hashlib.blake2b(repr(settings).encode(), digest_size=16)
    for image in (moving, fixed):
        digest.update(repr(image.data.shape).encode())
        digest.update(np.asarray(image.affine, np.float64).tobytes())
        digest.update(np.asarray(image.data, np.float32).tobytes())
    return digest.hexdigest()
