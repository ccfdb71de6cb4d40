"""The study as one dataset: both visits of every subject, its masks, and the published split."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jaxqmri import __version__
from jaxqmri.io import bids
from jaxqmri.io.dicom import convert
from jaxqmri.io.errors import InputError
from jaxqmri.io.files import read_json, write_table
from jaxqmri.io.nifti import read_image
from jaxqmri.io.oai.masks import find_masks, read_mask
from jaxqmri.io.oai.series import Scan, check_series, find_scans
from jaxqmri.io.oai.slices import SliceGrid
from jaxqmri.io.oai.subjects import VISITS, Subject, read_subjects
from jaxqmri.io.settings import contents_of
from jaxqmri.io.staging import staged

Progress = Callable[[int, int], None]
_REGION = "femoral cartilage"
_COLUMNS = {
    "side": {"Description": "Knee", "Levels": {"L": "left", "R": "right"}},
    "fold": {
        "Description": "Published split",
        "Levels": {"train": "training", "validation": "validation", "test": "test"},
    },
    "sex": {"Description": "Sex", "Levels": {"F": "female", "M": "male"}},
    "age": {"Description": "Age at baseline, where the image headers have it", "Units": "year"},
    "bmi": {"Description": "Body mass index, where the image headers have it", "Units": "kg/m2"},
}


class Summary(NamedTuple):
    """What became of the study's subjects.

    Attributes
    ----------
    converted
        Participants in the dataset, in the order of the published table.
    left_out
        What is missing of each of the others.
    """

    converted: list[str]
    left_out: dict[str, str]


def convert_study(
    download: str | Path,
    out: str | Path,
    masks: str | Path | None = None,
    *,
    skip_incomplete: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Summary:
    """Convert a download of the Osteoarthritis Initiative and drawn masks to a BIDS dataset.

    Baseline becomes ``ses-01`` and Year 4 ``ses-02``; masks become ``dseg`` images under
    ``derivatives/reader1`` and ``derivatives/reader2``; ``participants.tsv`` has the knee's side
    and the published split, and keeps what else it held. Stopped and called again, it goes on.

    Parameters
    ----------
    download
        Folder of series, see :func:`~jaxqmri.io.oai.series.find_scans`.
    out
        The dataset.
    masks
        See :func:`~jaxqmri.io.oai.masks.find_masks`; images alone are converted when None.
        Without a folder ``reader2`` its masks are not missed.
    skip_incomplete
        Leave out subjects of whom a visit, an echo, a slice or a mask is missing.
    overwrite
        Replace what was made with other settings.
    progress
        Called with the number of subjects done, and of all that are to be done.

    Raises
    ------
    InputError
        If a subject is incomplete and such are not to be skipped; all are; or an image or a mask
        cannot be used.
    """
    out = Path(out)
    subjects = read_subjects()
    scans = {(scan.participant, scan.visit): scan for scan in find_scans(download, subjects)}
    drawn = None if masks is None else find_masks(masks, subjects)
    gaps = {who: gap for who, one in subjects.items() if (gap := _gap(one, scans, drawn))}
    if gaps and not skip_incomplete:
        raise InputError(f"{download}: {told(gaps)} (--skip-incomplete goes on without)")
    whole = [subject for who, subject in subjects.items() if who not in gaps]
    converted: list[str] = []
    for count, subject in enumerate(whole, start=1):
        who = subject.participant
        own = {visit: scans[who, visit] for visit in VISITS}
        try:
            grids = {visit: check_series(scan) for visit, scan in own.items()}
        except InputError as error:
            if not skip_incomplete:
                raise InputError(f"{error} (--skip-incomplete goes on without {who})") from None
            gaps[who] = str(error)
        else:
            found = {
                (reader, visit): path
                for (reader, of, visit), path in (drawn or {}).items()
                if of == who
            }
            _convert_subject(out, subject, own, grids, found, overwrite)
            converted.append(who)
        if progress is not None:
            progress(count, len(whole))
    if not converted:
        raise InputError(f"{download}: no subject is complete: {told(gaps)}")
    return Summary(converted, {who: gaps[who] for who in subjects if who in gaps})


def told(gaps: Mapping[str, str]) -> str:
    """What is missing, and of whom, in one line."""
    of: dict[str, list[str]] = {}
    for who, gap in gaps.items():
        of.setdefault(gap, []).append(who)
    return "; ".join(f"{gap}: {', '.join(people)}" for gap, people in of.items())


def _gap(
    subject: Subject,
    scans: Mapping[tuple[str, str], Scan],
    drawn: Mapping[tuple[str, str, str], Path] | None,
) -> str | None:
    """What is missing of a subject, None where nothing is."""
    who = subject.participant
    lacking = [visit for visit in VISITS if (who, visit) not in scans]
    if lacking:
        return f"no T2 series at {' and '.join(lacking)}"
    sides = [scans[who, visit].side for visit in VISITS]
    if len(set(sides)) > 1:
        return f"another knee at each visit, {' and '.join(sides)}"
    if drawn is None:
        return None
    readers = {reader for reader, _, _ in drawn}
    wanted = [
        f"{reader} at {visit}"
        for reader, visit in subject.drawn
        if (reader == "reader1" or reader in readers) and (reader, who, visit) not in drawn
    ]
    return f"no mask of {' and '.join(wanted)}" if wanted else None


def _convert_subject(
    out: Path,
    subject: Subject,
    scans: Mapping[str, Scan],
    grids: Mapping[str, SliceGrid],
    masks: Mapping[tuple[str, str], Path],
    overwrite: bool,
) -> None:
    """Images of both visits, masks by reader and visit, and the row of the participants' table."""
    who = subject.participant
    images = {
        visit: convert(scan.folder, out, who, VISITS[visit], kind="MESE", overwrite=overwrite)
        for visit, scan in scans.items()
    }
    for (reader, visit), path in masks.items():
        entities = {"sub": who, "ses": VISITS[visit]}
        _convert_mask(out, reader, entities, path, grids[visit], images[visit][0], overwrite)
    first = scans[next(iter(VISITS))]
    row = {"side": first.side, "fold": subject.fold, **first.person}
    _join_participants(out, f"sub-{who}", row)


def _convert_mask(
    out: Path,
    reader: str,
    entities: Mapping[str, str],
    path: Path,
    grid: SliceGrid,
    image: Path,
    overwrite: bool,
) -> None:
    name = bids.build_name({**entities, "desc": reader}, "dseg")
    settings = {
        "command": "convert-oai",
        "jaxqmri version": __version__,
        "mask": contents_of(path),
        "image": contents_of(image),
    }
    with staged(out, settings=settings, overwrite=overwrite, name=f"mask_{name}") as stage:
        if not stage.already_done:
            reference = read_image(image)
            mask = read_mask(path, grid, reference)
            sidecar = {"Units": "", "Sources": [f"bids::{image.relative_to(out).as_posix()}"]}
            bids.write_map(stage.folder, reader, entities, "dseg", mask, reference.affine, sidecar)
    folder = bids.map_folder(out, reader)
    if not (folder / "dataset_description.json").exists():
        bids.write_dataset_description(
            folder, f"Femoral cartilage as drawn by {reader}", "derivative", ["../.."]
        )
        write_table(folder / "dseg.tsv", [{"index": 1, "name": _REGION}], ["index", "name"])


def _join_participants(out: Path, who: str, row: Mapping[str, Any]) -> None:
    """Fill a subject's row; what it already says is kept."""
    rows = []
    for known in bids.read_participants(out):
        said = {name: value for name, value in known.items() if value is not None}
        rows.append({**known, **row, **said} if known["participant_id"] == who else known)
    table = out / "participants.json"
    bids.write_participants(out, rows, (read_json(table) if table.exists() else {}) | _COLUMNS)
