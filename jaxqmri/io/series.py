"""Series of images that differ in one acquisition number, as a BIDS folder holds them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxqmri.io.acquisition import check_times, check_unit, with_unit
from jaxqmri.io.entities import (
    Entities,
    build_name,
    entities_key,
    folder_of,
    natural_key,
    parse_name,
)
from jaxqmri.io.errors import InputError
from jaxqmri.io.image import EXTENSIONS, Image, check_same_grid, stem
from jaxqmri.io.kinds import SeriesKind, kind_of
from jaxqmri.io.nifti import read_image
from jaxqmri.io.sidecars import Metadata, number, read_metadata_of
from jaxqmri.io.slabs import StoredSeries

_READERS = 4
_SMALL = 2**18  # bytes of files: below, threads take longer to start than the reading takes

# Fields that all images of a series share, unless they are what differs.
_SHARED = (
    "EchoTime",
    "FlipAngle",
    "InversionTime",
    "RepetitionTime",
    "RepetitionTimeExcitation",
    "RepetitionTimePreparation",
    "SpinLockTime",
    "SpinLockFrequency",
    "MagneticFieldStrength",
)


class Series(NamedTuple):
    """A series in memory.

    Attributes
    ----------
    images
        ``(x, y, z, n)`` float32; in memory one image lies after another.
    affine
        Voxel indices to millimetres.
    times
        What differs between the images, shape ``(n,)``: ms, or degrees for ``VFA``.
    repetition_time
        In ms; None if unknown; for ``TB1AFI`` the two of them.
    flip_angle
        Degrees; None if unknown, or where it is what differs.
    entities
        Of all images, without the one that counts them.
    sources
        The images' files.
    metadata
        The images' sidecar fields, times in ms.
    """

    images: Float[np.ndarray, "x y z n"]
    affine: Float[np.ndarray, "4 4"]
    times: Float[np.ndarray, " n"]
    repetition_time: float | Float[np.ndarray, " 2"] | None
    flip_angle: float | None
    entities: Entities
    sources: list[Path]
    metadata: list[dict[str, Any]]


def find_series(root: str | Path, suffix: str, subject: str | None = None) -> list[Entities]:
    """Entities of every series of one kind, subjects first, then sessions, in natural order.

    Of all subjects, or of one (``"01"``), whose folder alone is then looked through. Phase and
    imaginary images are left out: they are no series of their own.

    Raises
    ------
    InputError
        If ``root`` is not a folder or holds no such series.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder")
    kind = kind_of(suffix)
    found = {}
    for path in root.glob(f"sub-{subject or '*'}/**/{kind.datatype}/*_{suffix}.nii*"):
        series = _series_of(path, kind)
        if series is not None and series.get("part") not in ("phase", "imag"):
            found[tuple(sorted(series.items()))] = series
    if not found:
        whose = "" if subject is None else f" of sub-{subject}"
        raise InputError(
            f"{root}: no {suffix} series{whose}, expected files such as "
            f"{folder_of({'sub': '01'}, kind.datatype) / _example(kind)}.nii.gz"
        )
    return sorted(found.values(), key=entities_key)


def read_series(
    root: str | Path, suffix: str, entities: Mapping[str, str], *, whole: bool = True
) -> Series:
    """Read and check one series, in the order of the entity that counts its images.

    Parameters
    ----------
    root
        The dataset.
    suffix
        The kind of series, a key of :data:`~jaxqmri.io.kinds.SERIES`.
    entities
        Which one, as :func:`find_series` gives it.
    whole
        False leaves the images on disk, for :class:`~jaxqmri.io.slabs.StoredSeries`: what stands
        for them has their shape and holds not-a-number.

    Raises
    ------
    InputError
        If there is no such series; an image is missing, unreadable or on another grid; a sidecar
        is missing, incomplete or contradicts another image's; a time appears twice or looks like
        the wrong unit.
    """
    root, kind = Path(root), kind_of(suffix)
    paths = _images(root, kind, dict(entities))
    metadata = read_metadata_of(root, paths)
    values, fields = _values(kind, paths, metadata)
    sources = [entry.sources[field] for entry, field in zip(metadata, fields, strict=True)]
    within = None if kind.repetition else kind.repetition_range
    check_times(values, fields[0], sources, on_disk=True, largest_within=within)
    _check_shared(kind, paths, metadata)
    repetition = _shared_number(kind, "repetition_time", kind.repetition, paths, metadata)
    flip = None
    if "FlipAngle" not in kind.fields:
        flip = _shared_number(kind, "flip_angle", ("FlipAngle",), paths, metadata)
    images, affine = _read_images(paths) if whole else StoredSeries.open(paths).stand_in[:2]
    return Series(
        images,
        affine,
        values,
        values if not kind.repetition else repetition,
        flip,
        dict(entities),
        paths,
        [entry.fields for entry in metadata],
    )


def _example(kind: SeriesKind) -> str:
    first = "tr1" if kind.entity == "acq" else "1"
    return build_name({"sub": "01", kind.entity: first}, kind.suffix)


def _series_of(path: Path, kind: SeriesKind) -> Entities | None:
    """Entities of the series that an image or a sidecar belongs to."""
    name = parse_name(path)
    if name is None or name.suffix != kind.suffix or kind.entity not in name.entities:
        return None
    return {key: value for key, value in name.entities.items() if key != kind.entity}


def _images(root: Path, kind: SeriesKind, entities: Entities) -> list[Path]:
    """Image files of a series, in the order of their count."""
    folder = root / folder_of(entities, kind.datatype)
    images: dict[str, Path] = {}
    sidecars: dict[str, Path] = {}
    for path in sorted(folder.glob(f"*_{kind.suffix}.*")):
        name = parse_name(path)
        if name is None or _series_of(path, kind) != entities:
            continue
        count = name.entities[kind.entity]
        if path.name.endswith(EXTENSIONS):
            if count in images:
                raise InputError(f"{path}: the same image as {images[count].name}, keep one")
            images[count] = path
        else:
            sidecars[count] = path
    if not images:
        example = build_name({**entities, kind.entity: "1"}, kind.suffix)
        raise InputError(f"{folder}: no {kind.suffix} images, expected {example}.nii.gz and so on")
    for count, path in sidecars.items():
        if count not in images:
            raise InputError(f"{path}: a sidecar without its image {path.stem}.nii.gz")
    return [images[count] for count in sorted(images, key=natural_key)]


def _values(
    kind: SeriesKind, paths: list[Path], metadata: list[Metadata]
) -> tuple[Float[np.ndarray, " n"], list[str]]:
    """What differs between the images, and the field that each value stands in."""
    values, fields = [], []
    for path, entry in zip(paths, metadata, strict=True):
        value = number(entry, path, kind.fields)
        if value is None:
            raise InputError(f"{path}: its sidecar has no {kind.fields[0]}")
        values.append(value)
        fields.append(next(name for name in kind.fields if name in entry.fields))
    return np.array(values), fields


def _check_shared(kind: SeriesKind, paths: list[Path], metadata: list[Metadata]) -> None:
    """Refuse a series whose sidecars contradict each other."""
    for name in _SHARED:
        if name in kind.fields:
            continue
        given = [
            (path, entry.sources[name], value)
            for path, entry in zip(paths, metadata, strict=True)
            if (value := number(entry, path, (name,))) is not None
        ]
        for _, source, value in given[1:]:
            first, _, expected = given[0]
            if not np.isclose(value, expected, rtol=1e-3, atol=0.0):
                raise InputError(
                    f"{source}: {name} is {with_unit(value, name, on_disk=True)}, "
                    f"but {with_unit(expected, name, on_disk=True)} for {first.name} of its series"
                )


def _shared_number(
    kind: SeriesKind,
    what: str,
    names: tuple[str, ...],
    paths: list[Path],
    metadata: list[Metadata],
) -> float | None:
    """A number that holds for the whole series, from the first image that gives it."""
    shared = None
    for path, entry in zip(paths, metadata, strict=True):
        value = number(entry, path, names)
        if value is None:
            if what in kind.needs:
                raise InputError(f"{path}: its sidecar has no {names[0]}")
            continue
        name = next(name for name in names if name in entry.fields)
        source = entry.sources[name]
        if not np.isfinite(value) or value <= 0:
            found = with_unit(value, name, on_disk=True)
            raise InputError(f"{source}: {name} is {found}, expected a number above zero")
        if what in kind.needs:
            within = kind.repetition_range if what == "repetition_time" else None
            check_unit([value], name, [source], on_disk=True, largest_within=within)
        shared = value if shared is None else shared
    return shared


def _read_images(paths: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Images of one grid, stacked; large files are read and unpacked side by side."""
    if sum(path.stat().st_size for path in paths) < _SMALL:
        return _stacked(map(read_image, paths), len(paths))
    with ThreadPoolExecutor(_READERS) as readers:
        return _stacked(readers.map(read_image, paths), len(paths))


def _stacked(volumes: Iterator[Image], count: int) -> tuple[np.ndarray, np.ndarray]:
    first = next(volumes)
    stack = np.empty((count, *first.data.shape), np.float32)
    stack[0] = first.data
    for k, volume in enumerate(volumes, start=1):
        check_same_grid(volume, first, f"image {stem(volume.path)}")
        stack[k] = volume.data
    return np.moveaxis(stack, 0, -1), first.affine
