"""What DICOM headers say: which files make up which volume, and how its intensities are scaled."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jaxqmri.io.dicom_frames import is_multiframe, single_frames
from jaxqmri.io.errors import InputError

if TYPE_CHECKING:
    from pydicom import Dataset

SCALE_SLOPE = (0x2005, 0x100E)  # Philips, private
PRIVATE_FRAME = (0x2005, 0x140F)  # Philips, private
REAL_WORLD_VALUES = (0x0040, 0x9096)
TIMING = ("EchoTime", "InversionTime", "RepetitionTime", "FlipAngle")
_NOT_MAGNITUDE = frozenset({"P", "PHASE", "I", "IMAGINARY", "PHASE MAP"})


class Scaling(NamedTuple):
    """How stored values become intensities.

    Attributes
    ----------
    slope, intercept
        Public rescale slope and intercept; 1 and 0 where there are none.
    philips
        Philips' private scale slope, None where there is none.
    """

    slope: float
    intercept: float
    philips: float | None


class Volume(NamedTuple):
    """The files of one volume.

    Attributes
    ----------
    files
        Its slices.
    source
        A file that it came from, for messages: the same, unless it was taken out of a multi-frame
        file.
    series
        Series number.
    timing
        ``EchoTime``, ``InversionTime``, ``RepetitionTime`` (ms) and ``FlipAngle`` (degrees),
        those that there are.
    sequence
        Scanning sequence: ``SE``, ``GR``, ``IR``.
    vendor
        Manufacturer, in lower case.
    scalings
        Every scaling among its files.
    """

    files: tuple[Path, ...]
    source: Path
    series: int
    timing: dict[str, float]
    sequence: str
    vendor: str
    scalings: frozenset[Scaling]


class _Header(NamedTuple):
    path: Path
    source: Path
    data: Dataset


def find_volumes(
    folder: str | Path, scratch: Path, series: Sequence[int] | None = None
) -> tuple[list[Volume], str]:
    """Volumes of a folder of DICOM files, in the order in which they were acquired.

    Files belong to one volume when series, image type and timing are the same and no position is
    taken twice. Phase and imaginary images are left out.

    Parameters
    ----------
    folder
        Searched with its subfolders.
    scratch
        An empty folder for the frames of multi-frame files.
    series
        Series numbers to keep, in this order; all of them, in ascending order, when None.

    Returns
    -------
    volumes
        In order of series, echo time and so on, and acquisition.
    fingerprint
        Of the images' identifiers: the same for the same images in the same order of series,
        wherever they lie.

    Raises
    ------
    InputError
        If there is no DICOM image, a chosen series is missing, or slices are missing.
    """
    headers = _headers(Path(folder), scratch)
    found = sorted({_series_number(header.data) for header in headers})
    if series is not None:
        for wanted in series:
            if wanted not in found:
                there = ", ".join(map(str, found))
                raise InputError(f"{folder}: no series {wanted}, there is {there}")
        headers = [header for header in headers if _series_number(header.data) in series]
    order = {number: k for k, number in enumerate(found if series is None else series)}
    groups: dict[Any, list[_Header]] = {}
    for header in headers:
        groups.setdefault(_group_key(header.data, order), []).append(header)
    volumes = [volume for key in sorted(groups) for volume in _split(groups[key])]
    _check_slices(volumes)
    uids = [uid for key in sorted(groups) for uid in sorted(map(_identifier, groups[key]))]
    return volumes, hashlib.sha256("\n".join(uids).encode()).hexdigest()


def image_scaling(data: Dataset) -> Scaling:
    """Scaling of one image."""
    return Scaling(
        float(data.get("RescaleSlope", 1.0)),
        float(data.get("RescaleIntercept", 0.0)),
        _private_scale_slope(data),
    )


def _check_slices(volumes: list[Volume]) -> None:
    """Refuse a series whose volumes have different numbers of slices."""
    first: dict[int, Volume] = {}
    for volume in volumes:
        other = first.setdefault(volume.series, volume)
        if len(volume.files) != len(other.files):
            raise InputError(
                f"{volume.source.parent}: series {volume.series} is incomplete, one volume has "
                f"{len(other.files)} slices, another {len(volume.files)}"
            )


def _headers(folder: Path, scratch: Path) -> list[_Header]:
    """Headers of all magnitude images; multi-frame files are taken apart."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    headers: list[_Header] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            data = dcmread(path, stop_before_pixels=True)
        except (InvalidDicomError, OSError, EOFError):
            continue
        if "Rows" not in data or "SOPInstanceUID" not in data:
            continue
        if not is_multiframe(data):
            headers.append(_Header(path, path, data))
            continue
        for frame in single_frames(dcmread(path)):
            single = scratch / f"{len(headers):06d}.dcm"
            frame.save_as(single, enforce_file_format=True)
            del frame.PixelData
            headers.append(_Header(single, path, frame))
    magnitude = [header for header in headers if _is_magnitude(header.data)]
    if not magnitude:
        raise InputError(f"{folder}: no DICOM images of magnitudes")
    return magnitude


def _is_magnitude(data: Dataset) -> bool:
    return not _NOT_MAGNITUDE & {str(part).upper() for part in data.get("ImageType", [])[2:]}


def _identifier(header: _Header) -> str:
    return str(header.data.SOPInstanceUID)


def _series_number(data: Dataset) -> int:
    number = data.get("SeriesNumber")
    return 0 if number is None else int(number)


def _timing(data: Dataset) -> dict[str, float]:
    values = {name: data.get(name) for name in TIMING}
    return {name: float(value) for name, value in values.items() if value not in (None, "")}


def _group_key(data: Dataset, order: dict[int, int]) -> tuple[Any, ...]:
    timing = _timing(data)
    return (
        order[_series_number(data)],
        str(data.get("SeriesInstanceUID")),
        *(timing.get(name, -1.0) for name in TIMING),
        tuple(str(part) for part in data.get("ImageType", [])),
    )


def _acquired(header: _Header) -> tuple[float, float, float]:
    """Sorts repeated images of one slice."""
    data = header.data
    names = ("TemporalPositionIdentifier", "AcquisitionNumber", "InstanceNumber")
    first, second, third = (float(data.get(name) or 0) for name in names)
    return first, second, third


def _split(group: list[_Header]) -> list[Volume]:
    """Volumes of files that differ in position and in time alone."""
    places: dict[tuple[float, ...], list[_Header]] = {}
    for header in group:
        position = header.data.get("ImagePositionPatient") or []
        places.setdefault(tuple(round(float(x), 3) for x in position), []).append(header)
    repeats = {len(headers) for headers in places.values()}
    if len(repeats) > 1:
        first = group[0]
        raise InputError(
            f"{first.source.parent}: series {_series_number(first.data)} is incomplete, "
            f"some slices have {max(repeats)} images and some {min(repeats)}"
        )
    stacks = [sorted(headers, key=_acquired) for headers in places.values()]
    return [_volume([stack[k] for stack in stacks]) for k in range(repeats.pop())]


def _volume(headers: list[_Header]) -> Volume:
    data = headers[0].data
    sequence = data.get("ScanningSequence", "")
    return Volume(
        tuple(header.path for header in headers),
        headers[0].source,
        _series_number(data),
        _timing(data),
        sequence if isinstance(sequence, str) else "\\".join(sequence),
        str(data.get("Manufacturer", "")).lower(),
        frozenset(image_scaling(header.data) for header in headers),
    )


def _private_scale_slope(data: Dataset) -> float | None:
    element = data.get(SCALE_SLOPE)
    if element is None:
        return None
    value = element.value
    if isinstance(value, bytes):  # a private tag whose type was lost on the way
        value = struct.unpack("<f", value)[0] if len(value) == 4 else math.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan
