"""NIfTI volumes: read in one pass to float32, written whole or not at all."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from jaxtyping import Num, Shaped

from jaxqmri.io.errors import InputError
from jaxqmri.io.files import read_bytes, write_bytes, write_json
from jaxqmri.io.image import EXTENSIONS, Image, check_same_grid, sidecar_path, stem

__all__ = [
    "EXTENSIONS",
    "Image",
    "check_same_grid",
    "pack",
    "read_image",
    "read_label_image",
    "read_stack",
    "sidecar_path",
    "stem",
    "write_image",
]

_HEADER_BYTES = {348: nib.Nifti1Image, 540: nib.Nifti2Image}
_COMPRESSION = 1  # higher levels cost several times the time for a few percent of the size


def read_image(path: str | os.PathLike[str]) -> Image:
    """Read one volume, ``(x, y, z)``, as float32 with the file's intensity scaling applied.

    Scaled integers are computed in float64 and rounded once. Both byte orders, NIfTI-1 and
    NIfTI-2, plain or gzipped, are read.

    Raises
    ------
    InputError
        If the file is missing, unreadable, truncated, not a NIfTI of real numbers, or holds more
        than one volume.
    """
    path = Path(path)
    raw, slope, intercept, affine = _read(path)
    if raw.ndim > 3:
        if raw.size != np.prod(raw.shape[:3]):
            raise InputError(
                f"{path}: expected one volume (x, y, z), found {raw.ndim}-D data of shape "
                f"{raw.shape}"
            )
        raw = raw.reshape(raw.shape[:3], order="F")
    volume = raw.reshape(raw.shape + (1,) * (3 - raw.ndim), order="F")
    data = np.empty(volume.shape, np.float32)
    _scale(volume, slope, intercept, data)
    return Image(data, affine, path)


def read_stack(path: str | os.PathLike[str], count: int | None = None) -> Image:
    """Read a 4-D file, ``(x, y, z, n)``, as float32 with its intensity scaling applied.

    In memory the ``n`` images lie one after another, so ``data[..., k]`` is contiguous.

    Parameters
    ----------
    path
        The file.
    count
        How many images the caller has times for, if known.

    Raises
    ------
    InputError
        As :func:`read_image`; if the file is not 4-D; or if it does not hold ``count`` images.
    """
    path = Path(path)
    raw, slope, intercept, affine = _read(path)
    raw = _without_time_axis(raw)
    if raw.ndim != 4:
        raise InputError(
            f"{path}: expected a 4-D file (x, y, z, image), found {raw.ndim}-D data of shape "
            f"{raw.shape}"
        )
    if count is not None and raw.shape[3] != count:
        raise InputError(f"{path}: holds {raw.shape[3]} images, but {count} times were given")
    return Image(_scaled_stack(raw, slope, intercept), affine, path)


def read_label_image(path: str | os.PathLike[str]) -> Image:
    """Read a volume of region labels as int32.

    Raises
    ------
    InputError
        As :func:`read_image`, or if a voxel is not a whole number.
    """
    image = read_image(path)
    labels = np.zeros(image.data.shape, np.int32)
    whole = np.isfinite(image.data) & (np.abs(image.data) < 2**24)
    labels[whole] = image.data[whole]
    odd = ~whole | (labels != image.data)
    if odd.any():
        raise InputError(
            f"{path}: labels must be whole numbers, found {image.data[odd][0]:g} "
            f"in {int(odd.sum())} voxels"
        )
    return Image(labels, image.affine, image.path)


def write_image(
    path: str | os.PathLike[str],
    data: Shaped[np.ndarray, "x y z *n"],
    affine: Num[np.ndarray, "4 4"],
    sidecar: Mapping[str, Any] | None = None,
    integer_scaling: bool = False,
) -> None:
    """Write a volume (``.nii`` or ``.nii.gz``) and, beside it, its sidecar as JSON.

    Each file appears whole or not at all, the sidecar first. Real numbers are kept as float32,
    integers as they are (the 64-bit ones as int32), truth values as uint8.

    Parameters
    ----------
    path
        The file.
    data
        Voxels.
    affine
        Voxel indices to millimetres.
    sidecar
        What the JSON file holds; none is written for None.
    integer_scaling
        Keep real numbers as int16 with a slope and an intercept, as scanners do: half the size,
        rounded to 1/65,000 of the range.

    Raises
    ------
    InputError
        If the file cannot be written.
    ValueError
        If the name has another extension, or not-a-number is to be kept as an integer.
    """
    path = Path(path)
    stored, slope, intercept = _stored(np.asarray(data), integer_scaling)
    header = nib.Nifti1Header()
    header.set_data_dtype(stored.dtype)
    header.set_data_shape(stored.shape)
    header.set_sform(np.asarray(affine, np.float64), code="scanner")
    header.set_qform(np.asarray(affine, np.float64), code="scanner")
    header.set_xyzt_units("mm")
    header.set_slope_inter(slope, intercept)
    if sidecar is not None:
        write_json(sidecar_path(path), sidecar)
    pack(path, _header_and_voxels(header, stored))


def pack(path: str | os.PathLike[str], content: bytes) -> None:
    """Write the bytes of a NIfTI file, gzipped where the name says so, whole or not at all."""
    compressed = Path(path).name.endswith(".gz")
    write_bytes(path, gzip.compress(content, _COMPRESSION, mtime=0) if compressed else content)


def _read(path: Path) -> tuple[np.ndarray, float, float, np.ndarray]:
    """Voxels as stored, slope, intercept, affine."""
    if path.is_dir():
        raise InputError(f"{path}: a folder, expected a NIfTI file")
    content = read_bytes(path)
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error):
            raise InputError(f"{path}: truncated or damaged (gzip)") from None
    size = content[:4]
    kinds = {
        count.to_bytes(4, order): _HEADER_BYTES[count]
        for count in _HEADER_BYTES
        for order in ("little", "big")
    }
    if size not in kinds:
        raise InputError(f"{path}: not a NIfTI file")
    try:
        image = kinds[size].from_bytes(content)
        raw = image.dataobj.get_unscaled()
        affine = np.asarray(image.affine, np.float64)
    except Exception as error:  # nibabel has no common error for what a file can do to it
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: truncated or damaged NIfTI ({reason})") from None
    if raw.dtype.kind not in "iufb":
        raise InputError(f"{path}: voxels of type {raw.dtype}, expected real numbers")
    if raw.size == 0:
        raise InputError(f"{path}: no voxels, shape {raw.shape}")
    if not np.isfinite(affine).all():
        raise InputError(f"{path}: the affine holds numbers that are not finite")
    return raw, float(image.dataobj.slope), float(image.dataobj.inter), affine


def _without_time_axis(raw: np.ndarray) -> np.ndarray:
    """NIfTI keeps vectors on its fifth axis, behind a time axis of one."""
    return raw[:, :, :, 0, :] if raw.ndim == 5 and raw.shape[3] == 1 else raw


def _scaled_stack(raw: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    images = np.empty((raw.shape[3], *raw.shape[:3]), np.float32)
    for k in range(len(images)):
        _scale(raw[..., k], slope, intercept, images[k])
    return np.moveaxis(images, 0, -1)


def _scale(raw: np.ndarray, slope: float, intercept: float, out: np.ndarray) -> None:
    """``slope * raw + intercept``, rounded to float32 once."""
    with np.errstate(over="ignore", invalid="ignore"):
        if slope == 1.0 and intercept == 0.0:
            out[...] = raw
        else:
            out[...] = np.multiply(raw, slope, dtype=np.float64) + intercept


def _stored(data: np.ndarray, integer_scaling: bool) -> tuple[np.ndarray, float, float]:
    """Voxels as they go to disk, with slope and intercept."""
    if data.dtype.kind == "b":
        return data.astype(np.uint8), 1.0, 0.0
    if data.dtype.kind in "iu":
        if data.dtype.itemsize < 8:
            return data, 1.0, 0.0
        small = data.astype(np.int32)
        if not np.array_equal(small, data):
            raise ValueError("integers beyond 32 bits cannot be kept")
        return small, 1.0, 0.0
    if not integer_scaling:
        return data.astype(np.float32, copy=False), 1.0, 0.0
    if not np.isfinite(data).all():
        raise ValueError("not-a-number and infinity cannot be kept as integers")
    low, high = float(data.min()), float(data.max())
    # the header keeps both in float32: round by what a reader will use
    slope = float(np.float32((high - low) / 65_000)) or 1.0
    intercept = float(np.float32((high + low) / 2))
    return np.rint((data.astype(np.float64) - intercept) / slope).astype(np.int16), slope, intercept


def _header_and_voxels(header: nib.Nifti1Header, stored: np.ndarray) -> bytes:
    """The file's bytes: header, no extensions, voxels as stored."""
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    return (
        header.binaryblock + bytes(4) + stored.astype(stored.dtype.newbyteorder("=")).tobytes("F")
    )
