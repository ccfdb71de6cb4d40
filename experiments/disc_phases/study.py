"""All patients of the disc study: images, boxes, and T1rho as readers measured it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from experiments.disc_phases.crops import crop, field_about
from experiments.disc_phases.metrics import LEVELS
from experiments.disc_phases.patients import READERS, READINGS, Patient
from experiments.disc_phases.phases import phase_of
from experiments.disc_phases.shape_features import shape_features
from jaxqmri.io import InputError

LONGEST = 10.0  # T1rho that can be measured, in spin locks of the longest kind


@dataclass(frozen=True)
class Study:
    """Patients one after another; discs are those of the first patient, from the top, and so on.

    Attributes
    ----------
    people
        What the table of participants says of each.
    images
        T1-weighted, and T2-weighted where all have one.
    pixel
        Edge of a pixel of each patient, mm.
    boxes
        Of the discs by the first reader, pixels.
    grades
        Pfirrmann grade by every reader; 0 where not given.
    readings
        Maximum, minimum and mean T1rho in ms, by reader and reading.
    simulated
        Whether nobody was scanned.
    """

    people: Sequence[Mapping[str, Any]]
    images: Float[np.ndarray, "p h w c"]
    pixel: Float[np.ndarray, " p"]
    boxes: Float[np.ndarray, "p 5 4"]
    grades: Int[np.ndarray, "p r 5"]
    readings: Float[np.ndarray, "p r k 5 3"]
    simulated: bool

    @classmethod
    def of(
        cls,
        data: Path,
        people: Sequence[Mapping[str, Any]],
        patients: Sequence[Patient],
        simulated: bool,
    ) -> Study:
        """Put patients together, and fit T1rho where it was not measured already.

        Raises
        ------
        InputError
            If images differ in size, or an age is missing.
        """
        shapes = {patient.images.shape for patient in patients}
        if len(shapes) > 1:
            told = " and ".join(str(shape) for shape in sorted(shapes))
            raise InputError(f"{data}: images of {told} (rows, columns, contrasts): make them one")
        unknown = [p["participant_id"] for p in people if not isinstance(p.get("age"), int | float)]
        if unknown:
            raise InputError(
                f"{data / 'participants.tsv'}: no age, a number, of {', '.join(unknown)}"
            )
        times = {tuple(patient.times) for patient in patients if patient.regions}
        if len(times) > 1:
            told = " and ".join(", ".join(f"{t:g}" for t in each) for each in sorted(times))
            raise InputError(f"{data}: spin-lock times of {told} ms: expected the same of everyone")
        readings = readings_of(patients)
        empty = ~np.isfinite(readings).any(axis=(1, 2)).all(axis=-1)
        for p, level in np.argwhere(empty)[:1]:
            raise InputError(
                f"{data}: {people[p]['participant_id']}, {LEVELS[level]}: no T1rho, neither given "
                "nor fitted in any pixel of its regions"
            )
        return cls(
            list(people),
            np.stack([patient.images for patient in patients]),
            np.array([patient.pixel for patient in patients]),
            np.stack([patient.boxes for patient in patients]),
            np.stack([_filled(patient.grades) for patient in patients]),
            readings,
            simulated,
        )

    @property
    def owner(self) -> Int[np.ndarray, " d"]:
        """Patient of every disc."""
        return np.repeat(np.arange(len(self.people)), len(LEVELS))

    @property
    def levels(self) -> Int[np.ndarray, " d"]:
        """Level of every disc, 0 for L1/2."""
        return np.tile(np.arange(len(LEVELS)), len(self.people))

    @property
    def ages(self) -> Float[np.ndarray, " d"]:
        """Age of every disc's patient, years."""
        return np.array([float(self.people[p]["age"]) for p in self.owner])

    @property
    def t1rho(self) -> Float[np.ndarray, "d 3"]:
        """Maximum, minimum and mean of every disc, averaged over all readings, ms."""
        return np.nanmean(self.readings, axis=(1, 2)).reshape(-1, 3)

    @property
    def one_reading(self) -> Float[np.ndarray, "d 3"]:
        """What the last reader who measured all discs measured the first time."""
        first = self.readings[:, :, 0]
        complete = np.flatnonzero(np.isfinite(first).all(axis=(0, 2, 3)))
        return first[:, complete[-1] if complete.size else 0].reshape(-1, 3)

    @property
    def phases(self) -> Int[np.ndarray, " d"]:
        """Phase of every disc, from 0."""
        return phase_of(self.t1rho[:, 2])

    @property
    def agreed_grades(self) -> Int[np.ndarray, " d"]:
        """Pfirrmann grade of every disc by the first reader."""
        return self.grades[:, 0].ravel()

    def seen(self, channels: int) -> Float[np.ndarray, "p h w c"]:
        """Images that networks may see: T1-weighted, or both."""
        return self.images[..., :channels]

    def crops(
        self, channels: int, height: int, boxes: Float[np.ndarray, "p 5 4"] | None = None
    ) -> Float[np.ndarray, "d r s c"]:
        """The field about every disc's box, the drawn one unless given; twice as wide as high."""
        boxes = self.boxes if boxes is None else boxes
        return np.stack(
            [
                crop(image[..., :channels], field_about(box, pixel), (height, 2 * height))
                for image, own, pixel in zip(self.images, boxes, self.pixel, strict=True)
                for box in own
            ]
        )

    def shapes(self, boxes: Float[np.ndarray, "p 5 4"] | None = None) -> Float[np.ndarray, "d f"]:
        """Hand-made features of every disc in its box, the drawn one unless given."""
        boxes = self.boxes if boxes is None else boxes
        found = [
            shape_features(image, own, pixel)
            for image, own, pixel in zip(self.images, boxes, self.pixel, strict=True)
        ]
        return np.concatenate(found)


def readings_of(patients: Sequence[Patient]) -> Float[np.ndarray, "p r k 5 3"]:
    """T1rho of every reading: fitted in the pixels of its region, or as the tables have it.

    Pixels whose T1rho is more than :data:`LONGEST` spin locks long are left out: over them a signal
    falls by less than its noise, and one such pixel would be its region's maximum.
    """
    import jaxqmri
    from jaxqmri import physics
    from jaxqmri.fitting import Status

    shape = (len(patients), len(READERS), READINGS, len(LEVELS), 3)
    found = np.full(shape, np.nan)
    for number, patient in enumerate(patients):
        found[number, : len(patient.measured), 0] = patient.measured
    drawn = [(number, one) for number, patient in enumerate(patients) for one in patient.regions]
    if not drawn:
        return found
    times = next(patient.times for patient in patients if patient.regions)
    signals = np.concatenate([one.signals for _, one in drawn])
    result = jaxqmri.fit(physics.T1rhoDecay(times), signals, quality=False)
    t1rho = np.asarray(result.params.t1rho)
    settled = np.asarray(result.status) == Status.CONVERGED
    t1rho = np.where(settled & (t1rho < LONGEST * np.max(times)), t1rho, np.nan)
    ends = np.cumsum([len(one.signals) for _, one in drawn])[:-1]
    for (number, one), own in zip(drawn, np.split(t1rho, ends), strict=True):
        if np.isfinite(own).any():
            place = (number, one.reader, one.reading, one.level)
            found[place] = [np.nanmax(own), np.nanmin(own), np.nanmean(own)]
    return found


def _filled(grades: Int[np.ndarray, "r 5"]) -> Int[np.ndarray, "r 5"]:
    """A row for every reader."""
    missing = len(READERS) - len(grades)
    return np.concatenate([grades, np.zeros((missing, grades.shape[1]), int)])
