"""T2 series of a download: whose they are, of which visit and knee, and whether they are whole.

Each series is a folder, ``<visit>/<release>/<participant>/<date>/<series>``, as in
``48m/6.C.1/9273362/20090721/12682013``. The folders say who and when; the headers say what.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jaxqmri.io.dicom_headers import Volume, find_volumes
from jaxqmri.io.errors import InputError
from jaxqmri.io.oai.slices import SliceGrid, slice_grid
from jaxqmri.io.oai.subjects import VISITS

if TYPE_CHECKING:
    from pydicom import Dataset

ECHO_TIMES = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0)
"""Echo times of the protocol, ms."""

_PARTICIPANT = re.compile(r"9\d{6}")
_RELEASE = re.compile(r"(\d+)\.[A-Z]\.\d+")
_RELEASES = {"0": "00m", "6": "48m"}  # the first number of a release tells the visit
_SERIES = re.compile(r"SAG_T2_MAP(?:_(RIGHT|LEFT))?")
_YEARS = re.compile(r"(\d{3})Y")
_TAGS = (
    "SeriesDescription",
    "PatientID",
    "PatientSex",
    "PatientAge",
    "PatientWeight",
    "PatientSize",
    "Rows",
)


class Scan(NamedTuple):
    """One T2 series.

    Attributes
    ----------
    participant
        Seven digits.
    visit
        A key of :data:`~jaxqmri.io.oai.subjects.VISITS`.
    side
        ``R`` or ``L``.
    folder
        Its DICOM files.
    person
        ``sex`` (``M``, ``F``), ``age`` (years) and ``bmi`` (kg/m2) as its headers have them, None
        where they do not.
    """

    participant: str
    visit: str
    side: str
    folder: Path
    person: dict[str, Any]


def find_scans(download: str | Path, participants: Container[str]) -> list[Scan]:
    """T2 series of some participants at baseline and at 48 months; all else is passed over.

    Parameters
    ----------
    download
        Folder of series; searched with its subfolders.
    participants
        Whose series are wanted.

    Raises
    ------
    InputError
        If there is none, a header names another participant than its folder or does not say which
        knee, or a participant has two series at one visit.
    """
    download = Path(download)
    if not download.is_dir():
        raise InputError(f"{download}: no such folder")
    found: dict[tuple[str, str], Scan] = {}
    for folder in sorted({path.parent for path in download.rglob("*") if path.is_file()}):
        whose = _place(folder.parts)
        if whose is None or whose[0] not in participants:
            continue
        scan = _scan(folder, *whose)
        if scan is None:
            continue
        if whose in found:
            raise InputError(
                f"{folder}: a second T2 series of {whose[0]} at {whose[1]} beside "
                f"{found[whose].folder}; keep one of them"
            )
        found[whose] = scan
    if not found:
        raise InputError(
            f"{download}: no SAG_T2_MAP series of the study's participants at 00m or 48m, expected "
            "folders such as 00m/0.C.2/9626869/<date>/<series>"
        )
    return list(found.values())


def check_series(scan: Scan) -> SliceGrid:
    """Require all echoes of all slices; where the slices lie.

    Raises
    ------
    InputError
        If an echo or a slice is missing, or an echo time is not the protocol's.
    """
    with tempfile.TemporaryDirectory(prefix="jaxqmri_") as scratch:
        volumes, _ = find_volumes(scan.folder, Path(scratch))
        _check_echoes(scan.folder, volumes)
        return slice_grid(volumes[0].files, scan.folder)


def _check_echoes(folder: Path, volumes: Sequence[Volume]) -> None:
    times = [volume.timing.get("EchoTime") for volume in volumes]
    if [None if time is None else round(time) for time in times] != list(ECHO_TIMES):
        raise InputError(
            f"{folder}: echo times {_told(times)} ms, expected {_told(ECHO_TIMES)}; "
            "images are missing, or their headers lack the time"
        )


def _told(times: Iterable[float | None]) -> str:
    return ", ".join("none" if time is None else f"{time:g}" for time in times)


def _place(parts: Sequence[str]) -> tuple[str, str] | None:
    """Participant and visit by the names of the folders, the deepest that say so."""
    where = [k for k, part in enumerate(parts) if _PARTICIPANT.fullmatch(part)]
    if not where:
        return None
    for part in reversed(parts[: where[-1]]):
        release = _RELEASE.fullmatch(part)
        visit = _RELEASES.get(release[1]) if release else part
        if visit in VISITS:
            return parts[where[-1]], visit
        if release or re.fullmatch(r"\d\dm", part):
            return None
    return None


def _scan(folder: Path, participant: str, visit: str) -> Scan | None:
    """The T2 series in a folder; None where it holds another series, or none."""
    header = _first_header(folder)
    if header is None:
        return None
    described = re.sub(r"\W+", "_", str(header.get("SeriesDescription", "")).strip().upper())
    series = _SERIES.fullmatch(described)
    if series is None:
        return None
    if series[1] is None:
        raise InputError(
            f"{folder}: series {described} does not say which knee, expected SAG_T2_MAP_RIGHT or "
            "SAG_T2_MAP_LEFT"
        )
    named = str(header.get("PatientID", ""))
    if _PARTICIPANT.fullmatch(named) and named != participant:
        raise InputError(f"{folder}: in the folder of {participant}, but its headers say {named}")
    return Scan(participant, visit, series[1][0], folder, _person(header))


def _first_header(folder: Path) -> Dataset | None:
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        try:
            data = dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
        except (InvalidDicomError, OSError, EOFError):
            continue
        if "Rows" in data:
            return data
    return None


def _person(header: Dataset) -> dict[str, Any]:
    sex = header.get("PatientSex")
    age = _YEARS.fullmatch(str(header.get("PatientAge", "")))
    weight, height = (float(header.get(name) or 0) for name in ("PatientWeight", "PatientSize"))
    return {
        "sex": sex if sex in ("M", "F") else None,
        "age": int(age[1]) if age else None,
        "bmi": round(weight / height**2, 1) if weight > 0 and height > 0 else None,
    }
