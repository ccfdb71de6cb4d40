"""Small DICOM series with any intensity scaling, and the intensities they stand for."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4.1"
PHILIPS, GE = "Philips Medical Systems", "GE MEDICAL SYSTEMS"
ROWS, COLUMNS = 6, 8

Scale = tuple[float | None, float, float | None]  # rescale slope, intercept, Philips scale slope


def write_dicom(
    folder: Path,
    scale: Callable[[int, int], Scale] = lambda image, place: (None, 0.0, None),
    vendor: str = GE,
    images: int = 3,
    slices: int = 4,
    echo_times: Callable[[int], float] = lambda image: 10.0 * (image + 1),
    flip_angle: Callable[[int], float] = lambda image: 90.0,
    series: Callable[[int], int] = lambda image: 5,
    image_type: tuple[str, ...] = ("ORIGINAL", "PRIMARY", "M", "SE"),
    leave_out: tuple[int, int] | None = None,
) -> np.ndarray:
    """Write the files; the intensities as a NIfTI of them holds, ``(x, y, z, image)``.

    ``scale`` gives an image's and a slice's rescale slope, rescale intercept and, for Philips,
    scale slope (2005,100E).
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    truth = np.zeros((COLUMNS, ROWS, slices, images))
    for image in range(images):
        for place in range(slices):
            raw = rng.integers(1, 4000, (ROWS, COLUMNS)).astype(np.uint16)
            count = image * slices + place + 1
            data = _dataset(count)
            data.Manufacturer, data.ImageType = vendor, list(image_type)
            data.SeriesNumber = series(image)
            data.SeriesInstanceUID = f"1.2.4.{series(image)}"
            data.EchoTime, data.FlipAngle = echo_times(image), flip_angle(image)
            data.EchoNumbers, data.AcquisitionNumber = 1, image + 1
            data.ImagePositionPatient = [0, 0, 3 * place]
            data.PixelData = raw.tobytes()
            slope, intercept, philips = scale(image, place)
            value = raw.astype(float)
            if slope is not None:
                data.RescaleSlope, data.RescaleIntercept = slope, intercept
                value = value * slope + intercept
            if philips is not None:
                data.add_new((0x2005, 0x0010), "LO", "Philips MR Imaging DD 001")
                data.add_new((0x2005, 0x100E), "FL", philips)
                with np.errstate(divide="ignore"):
                    value = value / ((slope or 1.0) * np.float32(philips))
            truth[:, ::-1, place, image] = value.T
            if leave_out != (image, place):
                data.save_as(folder / f"{count:03d}.dcm", enforce_file_format=True)
    return truth


def write_multiframe(
    folder: Path,
    scale: Callable[[int, int], Scale],
    vendor: str,
    images: int = 3,
    slices: int = 4,
    echo_times: Callable[[int], float] = lambda image: 10.0 * (image + 1),
) -> np.ndarray:
    """One Enhanced MR file of what :func:`write_dicom` writes as many."""
    truth = write_dicom(folder / "single", scale, vendor, images, slices, echo_times)
    singles = [dcmread(path) for path in sorted((folder / "single").iterdir())]
    shutil.rmtree(folder / "single")
    data = _dataset(1)
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = ENHANCED_MR_IMAGE
    data.Manufacturer, data.SeriesNumber, data.SeriesInstanceUID = vendor, 5, "1.2.4.5"
    data.NumberOfFrames = len(singles)
    for name in ("ImageOrientationPatient", "RepetitionTime", "PixelSpacing", "SliceThickness"):
        del data[name]
    shared = Dataset()
    shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]
    shared.PixelMeasuresSequence = [_item(PixelSpacing=[1, 1], SliceThickness=3)]
    shared.MRTimingAndRelatedParametersSequence = [_item(RepetitionTime=2000, FlipAngle=90)]
    data.SharedFunctionalGroupsSequence = [shared]
    data.PerFrameFunctionalGroupsSequence = [_frame(single) for single in singles]
    data.PixelData = b"".join(single.PixelData for single in singles)
    data.save_as(folder / "enhanced.dcm", enforce_file_format=True)
    return truth


def _frame(single: Dataset) -> Dataset:
    frame = Dataset()
    frame.FrameContentSequence = [_item(TemporalPositionIndex=single.AcquisitionNumber)]
    frame.PlanePositionSequence = [_item(ImagePositionPatient=single.ImagePositionPatient)]
    frame.MREchoSequence = [_item(EffectiveEchoTime=float(single.EchoTime))]
    frame.MRImageFrameTypeSequence = [_item(FrameType=single.ImageType)]
    if "RescaleSlope" in single:
        frame.PixelValueTransformationSequence = [
            _item(RescaleSlope=single.RescaleSlope, RescaleIntercept=single.RescaleIntercept)
        ]
    if (0x2005, 0x100E) in single:
        private = Dataset()
        private[0x2005, 0x0010] = single[0x2005, 0x0010]
        private[0x2005, 0x100E] = single[0x2005, 0x100E]
        private.ImagePositionPatient = [99, 99, 99]  # contradicts the public one, as Philips' does
        frame.add_new((0x2005, 0x0014), "LO", "Philips MR Imaging DD 005")
        frame.add_new((0x2005, 0x140F), "SQ", [private])
    return frame


def _item(**elements: Any) -> Dataset:
    item = Dataset()
    for name, value in elements.items():
        setattr(item, name, value)
    return item


def _dataset(count: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MR_IMAGE
    meta.MediaStorageSOPInstanceUID = f"1.2.3.{count}"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    data.SOPClassUID, data.SOPInstanceUID = MR_IMAGE, meta.MediaStorageSOPInstanceUID
    data.StudyInstanceUID, data.Modality, data.PatientID = "1.2.3", "MR", "phantom"
    data.ScanningSequence, data.SequenceVariant, data.MRAcquisitionType = "SE", "NONE", "2D"
    data.SliceThickness, data.RepetitionTime, data.MagneticFieldStrength = 3, 2000, 3
    data.InstanceNumber = count
    data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    data.Rows, data.Columns, data.PixelSpacing = ROWS, COLUMNS, [1, 1]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    return data
