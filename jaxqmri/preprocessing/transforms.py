"""Spatial transforms: an affine map and, where the match is deformable, a displacement field."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np
from jaxtyping import Float, Int

from jaxqmri.io.files import write_bytes, write_text
from jaxqmri.io.nifti import pack

Affine = Float[np.ndarray, "4 4"]

_VECTOR = 1007  # NIfTI's intent code of a vector in every voxel
_STEP = 1e-3  # mm: what a displacement is rounded to, so that one that was kept is the same


class Transform(NamedTuple):
    """From points of a fixed image to the same anatomy in a moving one: ``A (p + u(p))``.

    Attributes
    ----------
    affine
        ``A``, scanner coordinates in mm (RAS).
    displacement
        ``u`` at the voxels of the fixed image, in mm (RAS); None for zero.
    """

    affine: Affine
    displacement: Float[np.ndarray, "x y z 3"] | None = None


def rounded(field: Float[np.ndarray, "x y z 3"]) -> Float[np.ndarray, "x y z 3"]:
    """A displacement field to a thousandth of a millimetre."""
    return _of_steps(_steps(field))


def keep_transform(path: Path, transform: Transform) -> None:
    """Keep a transform in a compressed file, whole or not at all."""
    buffer = io.BytesIO()
    if transform.displacement is None:
        np.savez_compressed(buffer, affine=transform.affine)
    else:
        steps = _steps(transform.displacement)
        np.savez_compressed(buffer, affine=transform.affine, steps=steps)
    write_bytes(path, buffer.getvalue())


def kept_transform(path: Path) -> Transform:
    """What :func:`keep_transform` has kept."""
    with np.load(path) as parts:
        field = _of_steps(parts["steps"]) if "steps" in parts else None
        return Transform(parts["affine"], field)


def _steps(field: Float[np.ndarray, "x y z 3"]) -> Int[np.ndarray, "x y z 3"]:
    return np.rint(field / _STEP).astype(np.int32)


def _of_steps(steps: Int[np.ndarray, "x y z 3"]) -> Float[np.ndarray, "x y z 3"]:
    return (steps * _STEP).astype(np.float32)


def write_itk(path: Path, transform: Transform, grid: Affine) -> list[Path]:
    """Write a transform as ANTs, ITK-SNAP and 3D Slicer read it.

    ``antsApplyTransforms -i MOVING -r FIXED -t PATH_warp.nii.gz -t PATH.txt`` repeats it, the
    warp left out where there is none.

    Parameters
    ----------
    path
        The affine part, ``.txt``; a displacement field goes beside it, ``_warp.nii.gz``.
    transform
        Fixed to moving.
    grid
        Affine of the fixed image.

    Returns
    -------
    list of Path
        The files.
    """
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    lps = flip @ transform.affine @ flip
    numbers = " ".join(repr(float(v)) for v in (*lps[:3, :3].ravel(), *lps[:3, 3]))
    write_text(
        path,
        "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"
        f"Parameters: {numbers}\nFixedParameters: 0 0 0\n",
    )
    if transform.displacement is None:
        return [path]
    vectors = (transform.displacement * np.array([-1, -1, 1], np.float32))[:, :, :, None]
    image = nib.Nifti1Image(np.asarray(vectors, np.float32), grid)
    image.set_sform(grid, code="scanner")
    image.set_qform(grid, code="scanner")
    image.header["intent_code"] = _VECTOR
    image.header.set_xyzt_units("mm")
    warp = path.with_name(f"{path.stem}_warp.nii.gz")
    pack(warp, image.to_bytes())
    return [path, warp]
