"""One image on the grid of another."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxqmri.io.nifti import Image
from jaxqmri.preprocessing.transforms import Affine, Transform

Volume = Float[np.ndarray, "x y z"]

LIKE = 0.1  # of a voxel: edges that differ by less count as equally long


def resample(
    moving: Image,
    fixed: Image,
    transform: Transform | Affine | None = None,
    *,
    match_resolution: bool = True,
    order: int = 1,
) -> Volume:
    """``moving`` in its own units on the grid of ``fixed``, interpolated by splines.

    Parameters
    ----------
    moving, fixed
        Three-dimensional images. Of ``fixed`` only the grid is used.
    transform
        From a point of ``fixed`` to the same anatomy in ``moving``, both in scanner coordinates
        (mm, x to the right, y to anterior, z to superior). A displacement is taken as constant
        within each voxel. Identity when None.
    match_resolution
        Average the moving image over each voxel of the fixed grid, as a scan with those voxels
        would have, rather than read it at their centres: a 3 mm slice then holds 3 mm of tissue,
        not a line through its middle, and the noise of the finer image is averaged with it.
    order
        Of the splines: 1 interpolates linearly; 3 blurs less where an image has been moved, which
        counts where it is compared with one that has not, and can overshoot at edges.

    Returns
    -------
    array
        Float32, of the fixed grid's shape. NaN in every voxel that is not wholly inside the
        moving image's field of view.
    """
    from scipy import ndimage

    if not isinstance(transform, Transform):
        transform = Transform(np.eye(4) if transform is None else np.asarray(transform, np.float64))
    to_moving = transform.affine
    voxels = np.linalg.inv(moving.affine) @ to_moving @ fixed.affine
    matrix, offset = voxels[:3, :3], voxels[:3, 3]
    counts = [1, 1, 1]
    if match_resolution:
        # how many moving voxels the edges of a fixed one span: the same voxels are not averaged
        spanned = np.linalg.norm(matrix, axis=0)
        counts = [max(1, int(np.ceil(n - LIKE))) for n in spanned]
    source = np.asarray(moving.data, np.float32)
    total = np.zeros(fixed.data.shape[:3], np.float64)
    displaced = None
    if transform.displacement is not None:
        to_voxels = (np.linalg.inv(moving.affine) @ to_moving)[:3, :3]
        index = np.indices(total.shape, np.float32)
        displaced = np.einsum("ij,j...->i...", matrix, index) + np.einsum(
            "ij,...j->i...", to_voxels, transform.displacement
        )
    for step in itertools.product(*(range(count) for count in counts)):
        within = (np.array(step) + 0.5) / counts - 0.5
        start: Any = offset + matrix @ within  # scipy's stub knows a number only
        if displaced is not None:
            total += ndimage.map_coordinates(
                source,
                displaced + start[:, None, None, None],
                output=np.float32,
                order=order,
                mode="constant",
                cval=np.nan,
            )
            continue
        total += ndimage.affine_transform(
            source,
            matrix,
            start,
            output_shape=total.shape,
            output=np.float32,
            order=order,
            mode="constant",
            cval=np.nan,
        )
    return (total / np.prod(counts)).astype(np.float32)


def spacing(affine: Affine) -> Float[np.ndarray, " 3"]:
    """Distance between neighbouring voxels along each axis, in mm."""
    return np.linalg.norm(np.asarray(affine, np.float64)[:3, :3], axis=0)


def coarsened(image: Image, edge: float) -> Image:
    """The image with voxels averaged in blocks, so that their edges come near ``edge`` (mm).

    Axes whose voxels are longer than that stay as they are; voxels beyond the last whole block
    are left out.
    """
    counts = np.maximum(1, np.rint(edge / spacing(image.affine))).astype(int)
    counts = np.minimum(counts, image.data.shape)
    sizes = np.array(image.data.shape) // counts
    inner = image.data[tuple(slice(0, size * n) for size, n in zip(sizes, counts, strict=True))]
    blocks = inner.reshape([part for pair in zip(sizes, counts, strict=True) for part in pair])
    affine = np.array(image.affine, np.float64)
    affine[:3, 3] += affine[:3, :3] @ ((counts - 1) / 2)
    affine[:3, :3] *= counts
    return Image(
        blocks.mean(axis=(1, 3, 5), dtype=np.float64).astype(np.float32), affine, image.path
    )
