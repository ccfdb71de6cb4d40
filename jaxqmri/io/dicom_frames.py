"""Enhanced multi-frame DICOM taken apart into single-frame files.

A multi-frame file keeps what differs between its frames in nested sequences. Flattened, every
frame is an image like those of classic DICOM, with its own position, timing and scaling.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jaxqmri.io.errors import InputError

if TYPE_CHECKING:
    from pydicom import Dataset

ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
_MR = "1.2.840.10008.5.1.4.1.1.4"
_NESTED = (
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "DimensionIndexSequence",
    "DimensionOrganizationSequence",
    "NumberOfFrames",
    "PixelData",
)
# what a frame calls it, and what an image of its own does
_RENAMED = {
    "EffectiveEchoTime": "EchoTime",
    "FrameType": "ImageType",
    "TemporalPositionIndex": "TemporalPositionIdentifier",
    "FrameAcquisitionNumber": "AcquisitionNumber",
}
_SEQUENCES = {"SPIN": "SE", "GRADIENT": "GR"}


def is_multiframe(data: Dataset) -> bool:
    """Whether this is an Enhanced MR image."""
    return str(data.get("SOPClassUID")) == ENHANCED_MR


def single_frames(data: Dataset) -> Iterator[Dataset]:
    """Every frame of a multi-frame image as an image of its own, ready to be saved.

    Raises
    ------
    InputError
        If the frames that are described and those that are there differ in number.
    """
    frames = data.get("PerFrameFunctionalGroupsSequence") or []
    pixels = _pixels(data)
    if not frames or len(pixels) != len(frames):
        raise InputError(
            f"{data.filename}: describes {len(frames)} frames, but holds {len(pixels)}"
        )
    shared = (data.get("SharedFunctionalGroupsSequence") or [None])[0]
    for count, (frame, content) in enumerate(zip(frames, pixels, strict=True), start=1):
        image = _flat(data, shared, frame)
        _classic(image, data, count)
        image.add_new("PixelData", "OB" if _compressed(data) else "OW", content)
        yield image


def _compressed(data: Dataset) -> bool:
    return bool(data.file_meta.TransferSyntaxUID.is_encapsulated)


def _pixels(data: Dataset) -> list[bytes]:
    """Pixel data of each frame, as a file of one frame holds them."""
    from pydicom.encaps import encapsulate, generate_frames

    count = int(data.get("NumberOfFrames") or 1)
    if _compressed(data):
        found = generate_frames(data.PixelData, number_of_frames=count)
        return [encapsulate([frame]) for frame in found]
    size = data.Rows * data.Columns * data.SamplesPerPixel * data.BitsAllocated // 8
    return [data.PixelData[k * size : (k + 1) * size] for k in range(len(data.PixelData) // size)][
        :count
    ]


def _flat(data: Dataset, shared: Dataset | None, frame: Dataset) -> Dataset:
    """The image's own elements, and over them those of the frame's groups."""
    from pydicom import Dataset

    image = Dataset()
    for element in data:
        if element.keyword not in _NESTED:
            image.add(element)
    for groups in (shared, frame):
        # private groups repeat public elements, not always rightly: public ones go on top
        nested = [element for element in groups or () if element.VR == "SQ" and element.value]
        for group in sorted(nested, key=lambda element: not element.tag.is_private):
            for element in group.value[0]:
                image.add(element)
    return image


def _classic(image: Dataset, data: Dataset, count: int) -> None:
    """Give a frame the names and identifiers of a classic MR image."""
    from pydicom.uid import UID, generate_uid
    from pydicom.valuerep import DSfloat

    for frame_name, name in _RENAMED.items():
        if image.get(frame_name) is not None:
            value = image[frame_name].value
            setattr(image, name, DSfloat(value, auto_format=True) if name == "EchoTime" else value)
    inversion = image.get("InversionTimes")
    if inversion is not None:
        first = inversion if isinstance(inversion, float) else inversion[0]
        image.InversionTime = DSfloat(first, auto_format=True)
    if image.get("EchoPulseSequence") in _SEQUENCES:
        image.ScanningSequence = _SEQUENCES[image.EchoPulseSequence]
    image.InstanceNumber = count
    image.SOPClassUID = _MR
    image.SOPInstanceUID = generate_uid(entropy_srcs=[str(data.SOPInstanceUID), str(count)])
    image.file_meta = data.file_meta.__class__()
    image.file_meta.TransferSyntaxUID = data.file_meta.TransferSyntaxUID
    image.file_meta.MediaStorageSOPClassUID = UID(_MR)
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
