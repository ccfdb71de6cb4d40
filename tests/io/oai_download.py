"""A download in the form of the Osteoarthritis Initiative's: folders, and DICOM without endings."""

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
SLICES, ROWS, COLUMNS = 4, 6, 8
SPACING, STEP = (0.5, 0.3), 3.5  # between rows, between columns; between slices
RELEASES = {"00m": "0.C.2", "24m": "3.C.2", "48m": "6.C.1"}
# a sagittal slice turned by a few degrees: along a row, along a column
ALONG_ROW = np.array([0.05, np.sqrt(1 - 0.05**2), 0.0])
ALONG_COLUMN = np.array([0.0, 0.0, -1.0])
ACROSS = np.cross(ALONG_COLUMN, ALONG_ROW)  # towards the patient's left
FIRST = np.array([-40.0, -60.0, 55.0])


def position(place: int, leftwards: bool = True) -> np.ndarray:
    """Centre of a slice's first voxel, mm, left, posterior and superior positive."""
    return FIRST + place * STEP * ACROSS * (1 if leftwards else -1)


def series_folder(root: Path, participant: str, visit: str, series: str = "10001") -> Path:
    """Where a series lies."""
    return root / visit / RELEASES[visit] / participant / "20050816" / series


def marked(participant: str, visit: str) -> np.ndarray:
    """Voxels ``[slice, row, column]`` that are brighter than all others in every echo."""
    rng = np.random.default_rng([int(participant), int(visit[:2])])
    return rng.random((SLICES, ROWS, COLUMNS)) < 0.3


def write_series(
    root: Path,
    participant: str,
    visit: str,
    description: str = "SAG_T2_MAP_RIGHT",
    series: str = "10001",
    echoes: int = 7,
    leave_out: tuple[int | None, int] | None = None,
    leftwards: bool = True,
    **changed: Any,
) -> Path:
    """Write a series, echo after echo; ``leave_out`` is an echo (None: all) and a slice."""
    folder = series_folder(root, participant, visit, series)
    folder.mkdir(parents=True)
    bright = marked(participant, visit)
    for echo in range(echoes):
        for place in range(SLICES):
            if leave_out in ((echo, place), (None, place)):
                continue
            raw = np.where(bright[place], 2000, 500) + np.arange(ROWS * COLUMNS).reshape(ROWS, -1)
            count = echo * SLICES + place + 1
            data = _dataset(f"{participant}.{int(visit[:2])}.{series}", count)
            data.PatientID, data.SeriesDescription = participant, description
            data.SeriesNumber = int(series[-2:])
            data.EchoTime, data.EchoNumbers = 10.0 * (echo + 1), echo + 1
            data.ImagePositionPatient = [f"{x:.6f}" for x in position(place, leftwards)]
            data.PixelData = np.rint(raw * 0.9**echo).astype(np.uint16).tobytes()
            for name, value in changed.items():
                setattr(data, name, value)
            data.save_as(folder / f"{count:03d}", enforce_file_format=True)
    return folder


def write_visits(root: Path, participant: str, **changed: Any) -> None:
    """Write baseline and Year 4 of a participant."""
    for visit in ("00m", "48m"):
        write_series(root, participant, visit, **changed)


def _dataset(series: str, count: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MR_IMAGE
    meta.MediaStorageSOPInstanceUID = f"1.2.3.{series}.{count}"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    data.SOPClassUID, data.SOPInstanceUID = MR_IMAGE, meta.MediaStorageSOPInstanceUID
    data.StudyInstanceUID, data.SeriesInstanceUID = f"1.2.{series}", f"1.2.3.{series}"
    data.Modality, data.Manufacturer = "MR", "SIEMENS"
    data.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    data.ScanningSequence, data.SequenceVariant, data.MRAcquisitionType = "SE", "SP", "2D"
    data.SliceThickness, data.SpacingBetweenSlices = 3, STEP
    data.RepetitionTime, data.FlipAngle, data.MagneticFieldStrength = 2700, 180, 3
    data.AcquisitionNumber, data.InstanceNumber = 1, count
    data.ImageOrientationPatient = [f"{x:.9f}" for x in (*ALONG_ROW, *ALONG_COLUMN)]
    data.Rows, data.Columns, data.PixelSpacing = ROWS, COLUMNS, list(SPACING)
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    return data
