"""Drawn masks: which file is whose, and how an array of slices comes onto an image's grid.

An array ``[slice, row, column]`` counts slices as DICOM's instance numbers do. With the positions
in the headers it is an image like any other, whose axes are then turned to those of the NIfTI.
"""

from __future__ import annotations

import re
from collections.abc import Container
from pathlib import Path
from zipfile import BadZipFile

import nibabel as nib
import numpy as np
from jaxtyping import Bool, Num, UInt8

from jaxqmri.io.errors import InputError
from jaxqmri.io.image import EXTENSIONS, Image, check_same_grid
from jaxqmri.io.nifti import read_label_image
from jaxqmri.io.oai.slices import SliceGrid

READERS = ("reader1", "reader2")
_ARRAYS = (".npy", ".npz")
# the study's own code counts the project's years: 4 is its baseline, 8 its Year 4
_VISITS = {"00m": "00m", "4": "00m", "48m": "48m", "8": "48m"}
_NAME = re.compile(r"(9\d{6})_(00m|48m|4|8)")


def find_masks(
    folder: str | Path, participants: Container[str]
) -> dict[tuple[str, str, str], Path]:
    """Masks by reader, participant and visit.

    Parameters
    ----------
    folder
        Holds ``reader1`` and, where there are such masks, ``reader2``; in these
        ``<participant>_<visit>`` with ``.npy``, ``.npz``, ``.nii.gz`` or ``.nii``, visits ``00m``
        and ``48m``, or ``4`` and ``8`` as the study's own code has them.
    participants
        Who is in the study.

    Raises
    ------
    InputError
        If there is no folder ``reader1``, a mask's name says no participant of the study and visit,
        or two masks are of the same.
    """
    folder = Path(folder)
    if not (folder / READERS[0]).is_dir():
        raise InputError(f"{folder / READERS[0]}: no such folder, expected masks of Reader 1 there")
    found: dict[tuple[str, str, str], Path] = {}
    for reader in READERS:
        for path in sorted((folder / reader).glob("*")):
            ending = next((e for e in (*_ARRAYS, *EXTENSIONS) if path.name.endswith(e)), None)
            if ending is None or path.name.startswith("."):
                continue
            name = _NAME.fullmatch(path.name.removesuffix(ending))
            if name is None:
                raise InputError(
                    f"{path}: expected <participant>_<visit>{ending}, such as 9626869_00m{ending}; "
                    "visits are 00m and 48m, or 4 and 8"
                )
            if name[1] not in participants:
                raise InputError(f"{path}: {name[1]} is not in the study")
            key = reader, name[1], _VISITS[name[2]]
            if key in found:
                raise InputError(f"{path}: the same mask as {found[key].name}, keep one")
            found[key] = path
    return found


def read_mask(path: Path, grid: SliceGrid, reference: Image) -> UInt8[np.ndarray, "x y z"]:
    """A mask on the grid of an image, 1 in cartilage and 0 elsewhere.

    Parameters
    ----------
    path
        A NIfTI in the image's space, its axes in any order, or an array ``[slice, row, column]``.
    grid
        Where the slices of such an array lie.
    reference
        The image.

    Raises
    ------
    InputError
        If it cannot be read, is of another shape or place, or holds more than one value beside 0.
    """
    if path.name.endswith(_ARRAYS):
        mask = Image(_read_array(path, grid.shape), grid.affine, path)
    else:
        mask = read_label_image(path)
    values = np.unique(mask.data)
    if not np.isfinite(values).all() or (values != 0).sum() != 1:
        few = ", ".join(f"{value:g}" for value in values[:5])
        raise InputError(f"{path}: expected 0 and one other number in cartilage, found {few}")
    cartilage = Image(mask.data != 0, mask.affine, path)
    return _turned(cartilage, reference).astype(np.uint8)


def _read_array(path: Path, shape: tuple[int, int, int]) -> Num[np.ndarray, "slice row column"]:
    try:
        array = np.load(path, allow_pickle=False)
        if path.suffix == ".npz":
            (name,) = array.files
            array = array[name]
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise InputError(f"{path}: not one array of numbers ({error})") from None
    if array.dtype.kind not in "biuf":
        raise InputError(f"{path}: an array of {array.dtype}, expected numbers")
    if array.shape != shape:
        raise InputError(
            f"{path}: mask has shape {array.shape}, but its images have {shape} (slices, rows, "
            "columns)"
        )
    return array.astype(np.uint8) if array.dtype.kind == "b" else array


def _turned(mask: Image, reference: Image) -> Bool[np.ndarray, "x y z"]:
    """A mask with its axes in the order and direction of the reference's."""
    axes = nib.io_orientation(np.linalg.inv(reference.affine) @ mask.affine)
    affine = mask.affine @ nib.orientations.inv_ornt_aff(axes, mask.data.shape)
    data = nib.orientations.apply_orientation(mask.data, axes)
    check_same_grid(Image(data, affine, mask.path), reference, "mask")
    return data
