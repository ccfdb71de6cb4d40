"""All subjects' slices, one subject after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from experiments.knee_rmq.paper import FLIP_ANGLES, INPUTS, SPIN_LOCK_TIMES
from experiments.knee_rmq.subjects import CARTILAGE, MENISCUS, TRUE, Acquisition, Subject
from jaxqmri.io import InputError

QUANTITIES = tuple(TRUE)  # what is mapped, in the order of all stacks of maps


@dataclass(frozen=True)
class Study:
    """Registered subjects with what the table of participants says of them.

    Attributes
    ----------
    subjects, participants
        Images with regions, and rows of the table.
    simulated
        Whether nobody was scanned.
    """

    subjects: Sequence[Subject]
    participants: Sequence[Mapping[str, Any]]
    simulated: bool

    @classmethod
    def of(
        cls,
        data: Path,
        subjects: Sequence[Subject],
        participants: Sequence[Mapping[str, Any]],
        simulated: bool,
    ) -> Study:
        """Put subjects together.

        Raises
        ------
        InputError
            If their slices differ in size, or their images were measured differently.
        """
        first, names = subjects[0], [person["participant_id"] for person in participants]
        shape = _sliced(first.label, first.axis).shape[1:]
        for subject, name in zip(subjects, names, strict=True):
            own = _sliced(subject.label, subject.axis).shape[1:]
            if own != shape:
                raise InputError(
                    f"{data}: slices of {name} have {own} pixels, those of {names[0]} {shape}: "
                    "resize them to one matrix"
                )
            if not np.allclose(_numbers(subject), _numbers(first), rtol=1e-3):
                raise InputError(
                    f"{data}: {name} was measured otherwise than {names[0]}: "
                    f"{subject.acquisition}, {first.acquisition}"
                )
        return cls(list(subjects), list(participants), simulated)

    @property
    def acquisition(self) -> Acquisition:
        """How everybody was measured."""
        return self.subjects[0].acquisition

    @cached_property
    def images(self) -> Float[np.ndarray, "s h w 11"]:
        """All images, scanner units."""
        return self.stacked([subject.images for subject in self.subjects])

    @cached_property
    def label(self) -> Int[np.ndarray, "s h w"]:
        """Drawn regions."""
        return self.stacked([subject.label for subject in self.subjects])

    @cached_property
    def cartilage(self) -> Bool[np.ndarray, "s h w"]:
        """Drawn cartilage."""
        return np.isin(self.label, list(CARTILAGE))

    @cached_property
    def meniscus(self) -> Bool[np.ndarray, "s h w"]:
        """Drawn menisci."""
        return self.label == MENISCUS

    @cached_property
    def owner(self) -> Int[np.ndarray, " s"]:
        """Number of the subject of each slice."""
        counts = [subject.label.shape[subject.axis] for subject in self.subjects]
        return np.repeat(np.arange(len(counts)), counts)

    @cached_property
    def truth(self) -> Float[np.ndarray, "s h w 4"]:
        """The simulator's maps; NaN for real data."""
        volumes = [np.stack([s.truth[name] for name in QUANTITIES], axis=-1) for s in self.subjects]
        return self.stacked(volumes)

    def stacked(self, volumes: Sequence[np.ndarray]) -> np.ndarray:
        """Slices of one volume a subject, one subject after another."""
        return np.concatenate(
            [_sliced(v, s.axis) for v, s in zip(volumes, self.subjects, strict=True)]
        )

    def volume(self, slices: np.ndarray, subject: int) -> np.ndarray:
        """One subject's slices of a stack as the volume that they are of."""
        return np.moveaxis(slices[self.owner == subject], 0, self.subjects[subject].axis)

    def slices_of(self, subjects: Int[np.ndarray, " _"]) -> Int[np.ndarray, " _"]:
        """Numbers of the slices of some subjects."""
        return np.flatnonzero(np.isin(self.owner, subjects))


def channels(name: str) -> Int[np.ndarray, " c"]:
    """Places of an input's images among the four flip angles and the seven spin-lock times."""
    chosen = INPUTS[name]
    flips = [FLIP_ANGLES.index(angle) for angle in chosen.flip_angles]
    locks = [len(FLIP_ANGLES) + SPIN_LOCK_TIMES.index(time) for time in chosen.spin_lock_times]
    return np.array(flips + locks)


def _numbers(subject: Subject) -> Float[np.ndarray, " n"]:
    """How a subject was measured, as numbers that can be compared."""
    return np.hstack(subject.acquisition)


def _sliced(volume: np.ndarray, axis: int) -> np.ndarray:
    return np.moveaxis(volume, axis, 0)
