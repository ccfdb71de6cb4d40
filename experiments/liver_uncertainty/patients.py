"""The patients' slices: images at four spin-lock times, and the regions that a reader drew."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from experiments import run as shared
from experiments.cohorts import TRUE_MAPS, is_simulated
from experiments.spin_lock import in_order
from experiments.subjects import find_subjects, person_of
from jaxqmri.cli.accelerator import available_cores
from jaxqmri.io import InputError, bids
from jaxqmri.io.nifti import Image, check_same_grid

READER = "manual"  # folder of the drawn regions under derivatives
DRAWN, REST = 1, 2  # labels: parenchyma as a reader draws it, and the rest of the liver


@dataclass(frozen=True)
class Patient:
    """One patient's slices.

    Attributes
    ----------
    entities
        Of the series.
    images
        Scanner units, shape ``(s, h, w, 4)``.
    label
        :data:`DRAWN`, :data:`REST` or 0.
    truth
        T1rho that a fit reads without noise in perfect fields, ms; NaN where nobody knows.
    affine
        From voxels of the original series to millimetres.
    axis
        Axis of the original series that the slices are stacked along.
    """

    entities: Mapping[str, str]
    images: Float[np.ndarray, "s h w 4"]
    label: Int[np.ndarray, "s h w"]
    truth: Float[np.ndarray, "s h w"]
    affine: Float[np.ndarray, "4 4"]
    axis: int

    def volume(self, slices: Float[np.ndarray, "s h w"]) -> Float[np.ndarray, "x y z"]:
        """Slices as the volume that they are of."""
        return np.moveaxis(slices, 0, self.axis)


@dataclass(frozen=True)
class Study:
    """All patients' slices, one patient after another.

    Attributes
    ----------
    patients, participants
        Images with their regions, and rows of the table.
    simulated
        Whether nobody was scanned.
    whole
        Whether the region that pixels are of is the whole liver, rather than what was drawn.
    """

    patients: Sequence[Patient]
    participants: Sequence[Mapping[str, Any]]
    simulated: bool
    whole: bool = False

    @cached_property
    def images(self) -> Float[np.ndarray, "s h w 4"]:
        """Scanner units."""
        return np.concatenate([patient.images for patient in self.patients])

    @cached_property
    def label(self) -> Int[np.ndarray, "s h w"]:
        """Regions."""
        return np.concatenate([patient.label for patient in self.patients])

    @cached_property
    def owner(self) -> Int[np.ndarray, " s"]:
        """Number of the patient of each slice."""
        return np.repeat(
            np.arange(len(self.patients)), [len(patient.images) for patient in self.patients]
        )

    @cached_property
    def roi(self) -> Bool[np.ndarray, "s h w"]:
        """The region that pixels are of."""
        return self.label > 0 if self.whole else self.label == DRAWN

    @cached_property
    def pixel_slice(self) -> Int[np.ndarray, " n"]:
        """Slice of each pixel of the region."""
        return np.nonzero(self.roi)[0]

    @cached_property
    def pixel_owner(self) -> Int[np.ndarray, " n"]:
        """Patient of each pixel of the region."""
        return self.owner[self.pixel_slice]

    @cached_property
    def fingerprint(self) -> str:
        """Of all that a run is made from."""
        digest = hashlib.blake2b(digest_size=8)
        for part in (self.images, self.label, self.owner):
            digest.update(np.ascontiguousarray(part).tobytes())
        digest.update(repr(self.participants).encode())
        return digest.hexdigest()

    @cached_property
    def truth(self) -> Float[np.ndarray, " n"]:
        """The simulator's T1rho of each pixel of the region, ms; NaN for real data."""
        return np.concatenate([patient.truth for patient in self.patients])[self.roi]


def read_study(data: Path, skip_incomplete: bool) -> Study:
    """Read all patients of a dataset, several side by side.

    Raises
    ------
    InputError
        If a patient lacks an image or a region and incomplete ones are not to be skipped, if
        there is none, or if their images differ in size.
    """
    found = find_subjects(data, skip_incomplete)

    def one(entities: Mapping[str, str]) -> Patient | InputError:
        try:
            return read_patient(data, entities)
        except InputError as error:
            return error

    with ThreadPoolExecutor(available_cores()) as readers:
        read = list(readers.map(one, found))
    patients: list[Patient] = []
    for entities, patient in zip(found, read, strict=True):
        if isinstance(patient, Patient):
            patients.append(patient)
            continue
        told = f"sub-{entities['sub']}: {patient}"
        if not skip_incomplete:
            raise InputError(f"{told} (--skip-incomplete goes on without it)")
        shared.say(f"left out: {told}")
    names = [patient.entities["sub"] for patient in patients]
    if not patients:
        raise InputError(f"{data}: no patient is complete")
    for patient in patients[1:]:
        if patient.images.shape[1:] != patients[0].images.shape[1:]:
            raise InputError(
                f"{data}: slices of sub-{patient.entities['sub']} have "
                f"{patient.images.shape[1:3]} pixels, those of sub-{names[0]} "
                f"{patients[0].images.shape[1:3]}: resize them to one matrix"
            )
    table = data / "participants.tsv"
    rows = bids.read_participants(data) if table.exists() else []
    known = {row["participant_id"]: _staged(row, table) for row in rows}
    participants = [known.get(f"sub-{name}", {"participant_id": f"sub-{name}"}) for name in names]
    return Study(patients, participants, is_simulated(data))


def _staged(row: Mapping[str, Any], table: Path) -> dict[str, Any]:
    """A row of the table with its fibrosis stage as F0, F1, ...; none stays none."""
    stage = row.get("stage")
    if stage is None:
        return dict(row)
    text = f"{stage}".removesuffix(".0").upper().removeprefix("F")
    if not text.isdecimal():
        raise InputError(
            f"{table}: stage {stage!r} of {row['participant_id']}, expected F0, F1, F2, ..."
        )
    return {**row, "stage": f"F{text}"}


def read_patient(data: Path, entities: Mapping[str, str]) -> Patient:
    """Read one patient.

    Raises
    ------
    InputError
        If a spin-lock time or the regions are missing, on another grid, or empty.
    """
    series = bids.read_series(data, "T1rhow", entities)
    images, person = in_order(series), person_of(entities)
    grid = Image(images[..., 0], series.affine, series.sources[0])
    drawn = bids.read_labels(data, READER, person)
    check_same_grid(drawn, grid, "regions")
    if not np.any(drawn.data == DRAWN):
        raise InputError(f"{drawn.path}: no pixel with label {DRAWN}, the drawn liver parenchyma")
    truth = np.full(drawn.data.shape, np.nan, np.float32)
    if is_simulated(data):
        folder = bids.map_folder(data, TRUE_MAPS)
        truth = bids.read_map(folder / bids.map_name(person, "T1rho", "effective")).data
    axis = int(np.argmax(np.linalg.norm(series.affine[:3, :3], axis=0)))
    return Patient(
        entities,
        np.moveaxis(images, axis, 0).astype(np.float32),
        np.moveaxis(drawn.data, axis, 0).astype(np.int16),
        np.moveaxis(truth, axis, 0).astype(np.float32),
        series.affine,
        axis,
    )
