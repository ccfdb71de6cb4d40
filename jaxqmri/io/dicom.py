"""DICOM to BIDS through dcm2niix, one volume at a time, with intensities that can be compared.

dcm2niix writes one slope and intercept for each file. That is right for a file of one scaling,
and it recomputes the voxels where the public rescale slope varies; but where Philips' private
scale slope varies within a file it applies the first one to all. So volumes are told apart here,
from the headers, and Philips' two scalings are folded into the public one before dcm2niix sees
them: stored value ``R`` to ``(R RS + RI) / (RS SS)``, rescale slope ``RS``, rescale intercept
``RI``, scale slope ``SS`` (2005,100E).

References
----------
Chenevert et al., Translational Oncology 2014, doi:10.1593/tlo.13811.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from jaxqmri import __version__
from jaxqmri.io.acquisition import check_times, to_disk
from jaxqmri.io.dataset import add_participant, write_dataset_description
from jaxqmri.io.dicom_headers import (
    PRIVATE_FRAME,
    REAL_WORLD_VALUES,
    SCALE_SLOPE,
    Volume,
    find_volumes,
    image_scaling,
)
from jaxqmri.io.entities import build_name, folder_of
from jaxqmri.io.errors import InputError
from jaxqmri.io.files import read_bytes, read_json, write_json
from jaxqmri.io.image import sidecar_path
from jaxqmri.io.kinds import SERIES, SeriesKind
from jaxqmri.io.nifti import pack
from jaxqmri.io.staging import staged

Kind = Literal["MESE", "MEGRE", "VFA", "IRT1", "T1rhow", "TB1AFI", "PDw", "T1w", "T2w"]

# dcm2niix's own guesses and what the folding of the scalings has made meaningless
_DROPPED = ("BidsGuess", "PhilipsRescaleSlope", "PhilipsRescaleIntercept", "PhilipsScaleSlope")


def convert(
    folder: str | Path,
    out: str | Path,
    subject: str = "01",
    session: str | None = None,
    *,
    kind: Kind | None = None,
    spin_lock_times: Sequence[float | int] | None = None,
    spin_lock_frequency: float | int | None = None,
    series: Sequence[int] | None = None,
    acquisition: str | None = None,
    run: int | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Convert the DICOM files of one quantitative series to a BIDS dataset.

    Parameters
    ----------
    folder
        DICOM files, with subfolders.
    out
        The dataset; made when missing, joined when there.
    subject, session, acquisition, run
        Entities of the names.
    kind
        What the series is. When None it is recognised by what differs between its volumes.
    spin_lock_times
        TSL in ms, in the order of the volumes: DICOM has no tag for them.
    spin_lock_frequency
        In Hz.
    series
        Series numbers to use, in this order; all when None.
    overwrite
        Replace what an earlier conversion with other settings made.

    Returns
    -------
    list of Path
        The images written, or, where the same conversion was done before, found.

    Raises
    ------
    InputError
        If there is no DICOM image, the kind cannot be recognised or does not fit, times and
        volumes differ in number, or the intensities of the volumes cannot be compared.
    """
    folder, out = Path(folder), Path(out)
    with tempfile.TemporaryDirectory(prefix="jaxqmri_") as scratch:
        volumes, fingerprint = find_volumes(folder, Path(scratch), series)
        kind = kind or _recognise(folder, volumes, spin_lock_times)
        _check_scaling(folder, volumes)
        names = _names(kind, len(volumes), subject, session, acquisition, run)
        fields = _fields(folder, kind, volumes, spin_lock_times)
        if spin_lock_frequency is not None:
            fields = [{**entry, "SpinLockFrequency": spin_lock_frequency} for entry in fields]
        settings = {
            "command": "convert",
            "jaxqmri version": __version__,
            "images": fingerprint,
            "kind": kind,
            "spin_lock_times": None if spin_lock_times is None else list(spin_lock_times),
            "spin_lock_frequency": spin_lock_frequency,
        }
        done = f"convert_{names[0].name.removesuffix('.nii.gz')}"
        with staged(out, settings=settings, overwrite=overwrite, name=done) as stage:
            if not stage.already_done:
                for name, volume, field in zip(names, volumes, fields, strict=True):
                    image, sidecar = _run(volume)
                    write_json(sidecar_path(stage / name), sidecar | to_disk(field))
                    pack(stage / name, image)
    if not (out / "dataset_description.json").exists():
        write_dataset_description(out, "Converted from DICOM")
    add_participant(out, f"sub-{subject}")
    return [out / name for name in names]


def _recognise(
    folder: Path, volumes: Sequence[Volume], spin_lock_times: Sequence[float | int] | None
) -> Kind:
    """The kind of series that these volumes are, by what differs between them."""
    if spin_lock_times is not None:
        return "T1rhow"

    def differing(name: str) -> int:
        return len({volume.timing.get(name) for volume in volumes})

    if differing("EchoTime") > 1:
        gradient = all("GR" in volume.sequence for volume in volumes)
        return "MEGRE" if gradient else "MESE"
    if differing("InversionTime") > 1:
        return "IRT1"
    if differing("FlipAngle") > 1:
        return "VFA"
    if len(volumes) == 2 and differing("RepetitionTime") == 2:
        return "TB1AFI"
    raise InputError(
        f"{folder}: {len(volumes)} volumes that differ in no time or angle; say what they are "
        "with --kind, and for a spin-lock series give --tsl"
    )


def _check_scaling(folder: Path, volumes: Sequence[Volume]) -> None:
    """Refuse intensities that cannot be compared between the volumes."""
    philips = [volume for volume in volumes if "philips" in volume.vendor]
    scalings = {scaling for volume in philips for scaling in volume.scalings}
    slopes = {scaling.philips for scaling in scalings}
    if None in slopes:
        example = next(v.source for v in philips if any(s.philips is None for s in v.scalings))
        if len(slopes) > 1:
            raise InputError(
                f"{example}: no Philips scale slope (2005,100E), but other images of the series "
                "have one; their intensities cannot be compared"
            )
        several = len({volume.series for volume in philips}) > 1
        if len(scalings) > 1 or (several and len(volumes) > 1):
            found = ", ".join(f"{scaling.slope:g}" for scaling in sorted(scalings))
            raise InputError(
                f"{example}: no Philips scale slope (2005,100E), rescale slopes {found}; the "
                "intensities of the images cannot be compared without it, export private tags too"
            )
    for slope in slopes - {None}:
        if slope is not None and not (math.isfinite(slope) and slope > 0):
            raise InputError(f"{folder}: Philips scale slope (2005,100E) is {slope}, not usable")


def _run(volume: Volume) -> tuple[bytes, dict[str, Any]]:
    """The one NIfTI file that dcm2niix makes of these files, and its sidecar."""
    with tempfile.TemporaryDirectory(prefix="jaxqmri_") as name:
        source, target = Path(name, "dicom"), Path(name, "nifti")
        source.mkdir()
        target.mkdir()
        for k, path in enumerate(volume.files):
            _provide(path, source / f"{k:05d}.dcm", volume)
        log = _dcm2niix(source, target)
        images = sorted(target.glob("*.nii"))
        if len(images) != 1:
            raise InputError(
                f"{volume.source}: dcm2niix made {len(images)} images of the {len(volume.files)} "
                f"slices of one volume of series {volume.series} ({log})"
            )
        sidecar = read_json(sidecar_path(images[0]))
        kept = {name: value for name, value in sidecar.items() if name not in _DROPPED}
        return read_bytes(images[0]), kept


def _provide(path: Path, link: Path, volume: Volume) -> None:
    """Put a file where dcm2niix will find it, with Philips' scalings folded into one."""
    if not any(scaling.philips for scaling in volume.scalings):
        try:
            link.symlink_to(path.resolve())
        except OSError:  # a file system or a user without links
            shutil.copyfile(path, link)
        return
    from pydicom import dcmread
    from pydicom.valuerep import DSfloat

    data = dcmread(path)
    scaling = image_scaling(data)
    assert scaling.philips is not None
    data.RescaleSlope = DSfloat(1.0 / scaling.philips, auto_format=True)
    data.RescaleIntercept = DSfloat(
        scaling.intercept / (scaling.slope * scaling.philips), auto_format=True
    )
    for tag in (SCALE_SLOPE, PRIVATE_FRAME, REAL_WORLD_VALUES):
        if tag in data:
            del data[tag]
    data.save_as(link)


def _dcm2niix(source: Path, target: Path) -> str:
    """Run dcm2niix with its own defaults rather than the user's; what it printed last."""
    from dcm2niix import bin_path

    command = [str(bin_path), "-g", "i", "-b", "y", "-ba", "y", "-z", "n", "-p", "y", "-x", "i"]
    command += ["-m", "y", "-f", "%s_%e", "-o", str(target), str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (result.stdout + result.stderr).strip().splitlines()
    return lines[-1] if lines else f"exit code {result.returncode}"


def _fields(
    folder: Path,
    kind: Kind,
    volumes: Sequence[Volume],
    spin_lock_times: Sequence[float | int] | None,
) -> list[dict[str, Any]]:
    """Timing of each volume for its sidecar, ms and degrees, checked."""
    fields: list[dict[str, Any]] = [dict(volume.timing) for volume in volumes]
    if kind == "T1rhow":
        if spin_lock_times is None:
            raise InputError(f"{folder}: DICOM does not say spin-lock times, give them with --tsl")
        if len(spin_lock_times) != len(volumes):
            raise InputError(
                f"{folder}: {len(volumes)} volumes, but {len(spin_lock_times)} spin-lock times"
            )
        for entry, time in zip(fields, spin_lock_times, strict=True):
            entry["SpinLockTime"] = float(time)
    elif spin_lock_times is not None:
        raise InputError(f"--tsl: spin-lock times were given for a series of kind {kind}")
    if kind in SERIES:
        name = _counted_field(SERIES[kind])
        for entry in fields:
            if name not in entry:
                raise InputError(f"{folder}: the DICOM headers have no {name}")
        check_times([entry[name] for entry in fields], name, [folder] * len(fields))
    elif len(volumes) != 1:
        raise InputError(f"{folder}: one {kind} volume expected, found {len(volumes)}")
    return fields


def _counted_field(kind: SeriesKind) -> str:
    return "RepetitionTime" if kind.entity == "acq" else kind.fields[0]


def _names(
    kind: Kind,
    count: int,
    subject: str,
    session: str | None,
    acquisition: str | None,
    run: int | None,
) -> list[Path]:
    """Paths of the images below the dataset's root."""
    given = {"sub": subject, "ses": session, "acq": acquisition, "run": run}
    entities = {key: str(value) for key, value in given.items() if value is not None}
    for key, value in entities.items():
        if not value.isalnum():
            raise InputError(f"{key}-{value}: expected letters and digits, found {value!r}")
    if kind not in SERIES:
        return [folder_of(entities, "anat") / f"{build_name(entities, kind)}.nii.gz"]
    series = SERIES[kind]
    if series.entity in entities:
        raise InputError(f"{kind}: {series.entity}- tells apart the images of such a series")
    prefix = "tr" if series.entity == "acq" else ""
    counted = [{**entities, series.entity: f"{prefix}{k + 1}"} for k in range(count)]
    folder = folder_of(entities, series.datatype)
    return [folder / f"{build_name(entry, kind)}.nii.gz" for entry in counted]
