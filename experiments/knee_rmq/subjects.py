"""One subject of the knee UTE study: all series read, and every image registered to the first.

Nothing here imports JAX, so that subjects can be prepared side by side in processes of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from experiments.cohorts import TRUE_MAPS, is_simulated
from experiments.knee_rmq.paper import FLIP_ANGLES, SPIN_LOCK_TIMES
from experiments.subjects import person_of
from jaxqmri.io import InputError, bids
from jaxqmri.io.nifti import Image, check_same_grid
from jaxqmri.preprocessing import Registration, resample, transform_between

CARTILAGE = {1: "femoral", 2: "medial tibial", 3: "lateral tibial", 4: "patellar"}
MENISCUS = 5
READER = "manual"  # folder of the drawn regions under derivatives
TRUE = {"m0": "M0map", "t1": "T1map", "b1": "TB1map", "t1rho": "T1rho"}
NEAR = 0.05  # degrees and ms within which acquisitions are the same

Registering = Literal["none", "rigid", "affine"]

# Averaged in blocks rather than smoothed: a Gaussian darkens the ends of a field of view, which
# then draw two images of other contrast towards each other, by up to 1 mm.
BRIGHT: Mapping[str, Any] = {"edge": 2.2, "sampling": 0.2}
FAINT: Mapping[str, Any] = {"edge": 3.0, "sampling": 0.4}


class Acquisition(NamedTuple):
    """How the three series were measured; times in ms, angles in degrees."""

    repetition_time: float  # of the flip angles
    actual_repetition_times: tuple[float, float]  # of the flip-angle map
    actual_flip_angle: float
    prepared_repetition_time: float  # from preparation to preparation
    prepared_flip_angle: float
    spokes: int
    spoke_spacing: float


class Subject(NamedTuple):
    """All images of one subject on the grid of the first, cut to the slices with cartilage.

    Attributes
    ----------
    images
        At the four flip angles, then at the seven spin-lock times; scanner units.
    seen
        Where all of them have a value.
    label
        Drawn regions.
    affine
        Voxel indices to mm.
    actual
        The two images of the flip-angle map, on their own grid.
    actual_affine
        Of that grid, moved to where the knee lay in the first image.
    truth
        True maps by name where the data are simulated; NaN elsewhere.
    motion
        Distance in mm that registration moved the middle of the cartilage by, for each image
        after the first, the flip-angle map last.
    acquisition
        How the images were measured.
    axis
        Along which slices are stacked.
    """

    images: Float[np.ndarray, "x y z 11"]
    seen: Bool[np.ndarray, "x y z"]
    label: Int[np.ndarray, "x y z"]
    affine: Float[np.ndarray, "4 4"]
    actual: Float[np.ndarray, "a b c 2"]
    actual_affine: Float[np.ndarray, "4 4"]
    truth: Mapping[str, Float[np.ndarray, "x y z"]]
    motion: Float[np.ndarray, " 11"]
    acquisition: Acquisition
    axis: int


@dataclass(frozen=True)
class Task:
    """What one process needs to prepare one subject."""

    data: Path
    entities: Mapping[str, str]
    transforms: Path  # cache of registrations
    registration: Registering = "rigid"


def prepare(task: Task) -> Subject:
    """Read and register one subject.

    Raises
    ------
    InputError
        If an image or region is missing, unusable, or of another protocol.
    """
    person = person_of(task.entities)
    vfa = bids.read_series(task.data, "VFA", task.entities)
    prepared = bids.read_series(task.data, "T1rhow", _prepared_series(task.data, person))
    afi = bids.read_series(task.data, "TB1AFI", _only_series(task.data, "TB1AFI", person))
    flips = _ordered(vfa, FLIP_ANGLES, "flip angle", "degrees")
    locked = _ordered(prepared, SPIN_LOCK_TIMES, "spin-lock time", "ms")
    fixed = Image(flips[..., 0], vfa.affine, vfa.sources[0])
    labels = bids.read_labels(task.data, READER, person)
    check_same_grid(labels, fixed, "regions")
    cartilage = np.asarray(np.isin(labels.data, list(CARTILAGE)))
    if not cartilage.any():
        raise InputError(
            f"{labels.path}: no cartilage, expected labels "
            + ", ".join(f"{index} ({name})" for index, name in CARTILAGE.items())
        )
    middle = fixed.affine[:3, :3] @ np.argwhere(cartilage).mean(axis=0) + fixed.affine[:3, 3]
    angles = [Image(flips[..., k], vfa.affine, vfa.sources[k]) for k in range(flips.shape[-1])]
    locks = [
        Image(locked[..., k], prepared.affine, prepared.sources[k]) for k in range(locked.shape[-1])
    ]
    to_angles = [_transform(task, image, fixed, BRIGHT) for image in angles[1:]]
    # spin-locked images look like each other: by way of the first the faint ones are found
    to_first = _transform(task, locks[0], fixed, BRIGHT)
    to_locks = [_transform(task, image, locks[0], FAINT) @ to_first for image in locks[1:]]
    transforms = [*to_angles, to_first, *to_locks]
    volumes = [fixed.data] + [
        resample(image, fixed, transform, order=3)
        for image, transform in zip([*angles[1:], *locks], transforms, strict=True)
    ]
    # maps of the flip angle are interpolated once, when they are used: moving the grid moves them;
    # its images look like those at the largest angle
    actual = Image(afi.images[..., 0], afi.affine, afi.sources[0])
    to_actual = _transform(task, actual, angles[-1], BRIGHT) @ to_angles[-1]
    motion = [_distance(transform, middle) for transform in (*transforms, to_actual)]
    images = np.stack(volumes, axis=-1)
    seen = np.asarray(np.isfinite(images).all(axis=-1))
    axis = int(np.argmax(np.linalg.norm(fixed.affine[:3, :3], axis=0)))
    own, grid = _slices_with(cartilage, axis, fixed.affine)
    return Subject(
        images=np.where(seen[..., None], images, 0.0).astype(np.float32)[own],
        seen=seen[own],
        label=labels.data.astype(np.int8)[own],
        affine=grid,
        actual=afi.images.astype(np.float32),
        actual_affine=np.linalg.inv(to_actual) @ afi.affine,
        truth={name: volume[own] for name, volume in _truth(task, person, fixed).items()},
        motion=np.array(motion),
        acquisition=_acquisition(vfa, afi, prepared),
        axis=axis,
    )


def _transform(
    task: Task, moving: Image, fixed: Image, how: Mapping[str, Any]
) -> Float[np.ndarray, "4 4"]:
    """From points of one image to the same anatomy in another, both in scanner coordinates."""
    if task.registration == "none":
        return np.eye(4)
    settings = Registration(task.registration, shrink=(1,), smoothing=(0,), iterations=(12,), **how)
    return transform_between(moving, fixed, settings, cache=task.transforms).affine


def _distance(affine: Float[np.ndarray, "4 4"], point: Float[np.ndarray, " 3"]) -> float:
    return float(np.linalg.norm(affine[:3, :3] @ point + affine[:3, 3] - point))


def _slices_with(
    region: Bool[np.ndarray, "x y z"], axis: int, affine: Float[np.ndarray, "4 4"]
) -> tuple[tuple[slice, ...], Float[np.ndarray, "4 4"]]:
    """From the first to the last slice that holds a region, and their affine."""
    others = tuple(i for i in range(3) if i != axis)
    inside = np.flatnonzero(region.any(axis=others))
    start = np.zeros(3)
    start[axis] = inside[0]
    moved = np.array(affine)
    moved[:3, 3] += affine[:3, :3] @ start
    own = [slice(None)] * 3
    own[axis] = slice(int(inside[0]), int(inside[-1]) + 1)
    return tuple(own), moved


def _truth(
    task: Task, person: Mapping[str, str], fixed: Image
) -> dict[str, Float[np.ndarray, "x y z"]]:
    if not is_simulated(task.data):
        return {name: np.full(fixed.data.shape, np.nan, np.float32) for name in TRUE}
    folder = bids.map_folder(task.data, TRUE_MAPS)
    found = {}
    for name, suffix in TRUE.items():
        image = bids.read_map(bids.find_image(folder, person, suffix))
        check_same_grid(Image(image.data, image.affine, image.path), fixed, "true map")
        found[name] = image.data
    return found


def _ordered(
    series: bids.Series, expected: Sequence[float], what: str, unit: str
) -> Float[np.ndarray, "x y z n"]:
    """A series' images in the order of the protocol.

    Raises
    ------
    InputError
        If there is not one image at each of the expected values.
    """
    chosen = []
    for value in expected:
        found = np.flatnonzero(np.abs(series.times - value) < NEAR)
        if found.size != 1:
            raise InputError(
                f"{series.sources[0]}: no image at a {what} of {value:g} {unit}, found "
                + ", ".join(f"{each:g}" for each in series.times)
            )
        chosen.append(int(found[0]))
    return series.images[..., chosen]


def _only_series(data: Path, suffix: str, person: Mapping[str, str]) -> bids.Entities:
    """Entities of a subject's one series of a kind."""
    own = [one for one in bids.find_series(data, suffix) if one.items() >= person.items()]
    if len(own) != 1:
        name = "_".join(f"{key}-{value}" for key, value in person.items())
        folder = data / f"sub-{person['sub']}"
        raise InputError(f"{folder}: {len(own)} {suffix} series of {name}, expected one")
    return own[0]


def _prepared_series(data: Path, person: Mapping[str, str]) -> bids.Entities:
    """Entities of a subject's adiabatic series: the only one, or that with ``acq-adiab``."""
    own = [one for one in bids.find_series(data, "T1rhow") if one.items() >= person.items()]
    adiabatic = [one for one in own if "adiab" in one.get("acq", "")]
    if len(own) > 1 and len(adiabatic) == 1:
        return adiabatic[0]
    return _only_series(data, "T1rhow", person)


def _acquisition(vfa: bids.Series, afi: bids.Series, prepared: bids.Series) -> Acquisition:
    if vfa.repetition_time is None or isinstance(vfa.repetition_time, np.ndarray):
        raise InputError(f"{vfa.sources[0]}: its sidecar has no RepetitionTimeExcitation")
    if afi.flip_angle is None or len(afi.times) != 2:
        raise InputError(
            f"{afi.sources[0]}: {len(afi.times)} images and FlipAngle {afi.flip_angle}, expected "
            "two images of different repetition times and one FlipAngle"
        )

    def field(name: str) -> Any:
        value = prepared.metadata[0].get(name)
        if not isinstance(value, int | float) or value <= 0:
            raise InputError(
                f"{prepared.sources[0]}: its sidecar has {name} {value}, expected a number above 0"
            )
        return value

    return Acquisition(
        repetition_time=float(vfa.repetition_time),
        actual_repetition_times=(float(afi.times[0]), float(afi.times[1])),
        actual_flip_angle=float(afi.flip_angle),
        prepared_repetition_time=float(field("RepetitionTimePreparation")),
        prepared_flip_angle=float(field("FlipAngle")),
        spokes=int(field("NumberShots")),
        spoke_spacing=float(field("RepetitionTimeExcitation")),
    )
