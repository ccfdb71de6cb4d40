"""Series and maps too large for memory: read and written slab by slab, never whole."""

from __future__ import annotations

import gzip
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple

import nibabel as nib
import numpy as np
from jaxtyping import Float, Num, Shaped

from jaxqmri.io.errors import InputError
from jaxqmri.io.image import Image, check_same_grid

_COMPRESSION = 1


class Slab(NamedTuple):
    """Planes of a volume along its last axis, the slowest on disk: ``first`` to ``last - 1``."""

    first: int
    last: int

    def of(self, volume: Shaped[np.ndarray, "x y z *n"]) -> Shaped[np.ndarray, "x y s *n"]:
        """These planes of a volume in memory."""
        return volume[:, :, self.first : self.last]


def slabs_of(shape: Sequence[int], voxels: int) -> list[Slab]:
    """A volume's slabs of about so many voxels, at least one plane each."""
    planes = max(1, voxels // (shape[0] * shape[1]))
    return [Slab(k, min(k + planes, shape[2])) for k in range(0, shape[2], planes)]


@dataclass(frozen=True)
class StoredSeries:
    """Images of one grid on disk, of one 4-D file or several 3-D ones.

    Each image has a file handle of its own, so that compressed files are unpacked once from
    their beginning to their end when slabs are read in order.

    Attributes
    ----------
    shape
        ``(x, y, z, n)``.
    affine
        Voxel indices to millimetres.
    paths
        Of the files.
    """

    shape: tuple[int, int, int, int]
    affine: Float[np.ndarray, "4 4"]
    paths: tuple[Path, ...]
    _images: tuple[tuple[Any, tuple[int, ...]], ...]  # nibabel's proxy, and the index behind x y z

    @classmethod
    def open(cls, paths: Sequence[Path]) -> StoredSeries:
        """Read the headers.

        Raises
        ------
        InputError
            If a file cannot be read, does not hold real numbers, or lies on another grid.
        """
        opened = [_open(path) for path in paths]
        shape = opened[0].shape
        if len(paths) > 1 or len(shape) == 3:
            grids = [_grid(image, path) for image, path in zip(opened, paths, strict=True)]
            for grid in grids[1:]:
                check_same_grid(grid, grids[0], "image")
            images = [(image.dataobj, ()) for image in opened]
        else:  # a handle for each image
            several = [opened[0], *(_open(paths[0]) for _ in range(shape[3] - 1))]
            images = [(image.dataobj, (k,)) for k, image in enumerate(several)]
        x, y, z = shape[:3]
        affine = np.asarray(opened[0].affine, np.float64)
        return cls((x, y, z, len(images)), affine, tuple(paths), tuple(images))

    @property
    def stand_in(self) -> Image:
        """An image of the same shape that takes no memory and holds not-a-number."""
        nothing = np.broadcast_to(np.float32(np.nan), self.shape)
        return Image(nothing, self.affine, self.paths[0])

    def read(self, slab: Slab) -> Float[np.ndarray, "x y s n"]:
        """One slab of all images, float32, scaled; in memory one image lies after another.

        Raises
        ------
        InputError
            If a file is truncated or damaged.
        """
        x, y, _, n = self.shape
        found = np.empty((n, x, y, slab.last - slab.first), np.float32)
        for k, (proxy, index) in enumerate(self._images):
            try:
                found[k] = proxy[(slice(None), slice(None), slice(*slab), *index)]
            except Exception as error:  # nibabel has no common error for what a file can do to it
                path = self.paths[min(k, len(self.paths) - 1)]
                raise InputError(f"{path}: truncated or damaged ({error})") from None
        return np.moveaxis(found, 0, -1)


class MapWriter:
    """One map, written slab by slab; under its name only once it is whole.

    Parameters
    ----------
    path
        The file, ``.nii`` or ``.nii.gz``.
    shape, affine
        Of the whole map.
    dtype
        float32 or an integer of up to 32 bits.
    """

    def __init__(
        self,
        path: Path,
        shape: Sequence[int],
        affine: Num[np.ndarray, "4 4"],
        dtype: np.dtype[Any],
    ) -> None:
        self.path, self.shape, self.dtype = path, tuple(shape), np.dtype(dtype)
        self._planes = 0
        self._part = path.with_name(f".{path.name}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = open(self._part, "wb")  # noqa: SIM115
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror})") from None
        self._to: Any = self._file
        if path.name.endswith(".gz"):
            self._to = gzip.GzipFile("", "wb", _COMPRESSION, self._file, mtime=0)
        self._to.write(_header(self.shape, affine, self.dtype))

    def __enter__(self) -> MapWriter:
        return self

    def write(self, planes: Shaped[np.ndarray, "x y s"]) -> None:
        """Append the next planes.

        Raises
        ------
        InputError
            If they cannot be written, as on a full disk.
        """
        try:
            self._to.write(planes.astype(self.dtype, copy=False).tobytes("F"))
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written ({error.strerror})") from None
        self._planes += planes.shape[2]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        """Give the file its name, or leave nothing where something went wrong."""
        if self._to is not self._file:
            self._to.close()
        self._file.close()
        if kind is None and self._planes == self.shape[2]:
            os.replace(self._part, self.path)
        else:
            self._part.unlink(missing_ok=True)


def _open(path: Path) -> Any:
    """A NIfTI file of 3 or 4 axes, without its voxels."""
    try:
        image: Any = nib.load(path, mmap=False, keep_file_open=True)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except Exception as error:  # nibabel has no common error for what a file can do to it
        raise InputError(f"{path}: not a NIfTI file ({error})") from None
    kind = image.get_data_dtype().kind
    if kind not in "iufb" or len(image.shape) not in (3, 4) or 0 in image.shape:
        raise InputError(
            f"{path}: voxels of type {image.get_data_dtype()}, shape {image.shape}; expected real "
            "numbers, (x, y, z) or (x, y, z, image)"
        )
    return image


def _grid(image: Any, path: Path) -> Image:
    if len(image.shape) != 3:
        raise InputError(f"{path}: expected one volume (x, y, z), found shape {image.shape}")
    nothing = np.broadcast_to(np.float32(np.nan), image.shape)
    return Image(nothing, np.asarray(image.affine, np.float64), path)


def _header(shape: Sequence[int], affine: Num[np.ndarray, "4 4"], dtype: np.dtype[Any]) -> bytes:
    """A NIfTI-1 header without extensions."""
    header = nib.Nifti1Header()
    header.set_data_shape(shape)
    header.set_data_dtype(dtype)
    header.set_sform(affine, code="scanner")
    header.set_qform(affine, code="scanner")
    header.set_xyzt_units("mm")
    header.set_slope_inter(1.0, 0.0)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    return header.binaryblock + bytes(4)
