"""Raw images and series into a BIDS folder, as a scanner would leave them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Num, Shaped

from jaxqmri.io.acquisition import to_disk
from jaxqmri.io.entities import build_name, folder_of
from jaxqmri.io.kinds import SERIES, kind_of
from jaxqmri.io.nifti import write_image


def write_raw(
    root: str | Path,
    entities: Mapping[str, Any],
    suffix: str,
    data: Shaped[np.ndarray, "x y z"],
    affine: Num[np.ndarray, "4 4"],
    metadata: Mapping[str, Any],
    integer_scaling: bool = True,
) -> Path:
    """Write one raw image and its sidecar into a dataset.

    Parameters
    ----------
    root
        The dataset.
    entities
        All of the name's entities, with the one that counts the images if it is of a series.
    suffix
        Last part of the name.
    data, affine
        Voxels, and where they lie.
    metadata
        Sidecar fields, times in ms; the sidecar gets seconds.
    integer_scaling
        Keep the voxels as int16 with a slope, as scanners do.

    Returns
    -------
    Path
        The image's file.
    """
    datatype = SERIES[suffix].datatype if suffix in SERIES else "anat"
    folder = Path(root) / folder_of(entities, datatype)
    path = folder / f"{build_name(entities, suffix)}.nii.gz"
    write_image(path, data, affine, to_disk(metadata), integer_scaling)
    return path


def write_series(
    root: str | Path,
    entities: Mapping[str, Any],
    suffix: str,
    images: Shaped[np.ndarray, "x y z n"],
    affine: Num[np.ndarray, "4 4"],
    times: Sequence[float | int] | Num[np.ndarray, " n"],
    metadata: Mapping[str, Any] | None = None,
    integer_scaling: bool = True,
) -> list[Path]:
    """Write a series, counting its images from 1.

    Parameters
    ----------
    root, entities, suffix, affine, integer_scaling
        As for :func:`write_raw`, ``entities`` without the one that counts the images.
    images
        ``(x, y, z, n)``.
    times
        What differs between them: ms, or degrees for ``VFA``.
    metadata
        Sidecar fields that all images share, times in ms.

    Returns
    -------
    list of Path
        The images' files.
    """
    kind = kind_of(suffix)
    if images.shape[-1] != len(times):
        raise ValueError(f"{images.shape[-1]} images, but {len(times)} times")
    prefix = "tr" if kind.entity == "acq" else ""
    return [
        write_raw(
            root,
            {**entities, kind.entity: f"{prefix}{k + 1}"},
            suffix,
            images[..., k],
            affine,
            {**(metadata or {}), kind.fields[0]: float(time)},
            integer_scaling,
        )
        for k, time in enumerate(times)
    ]
