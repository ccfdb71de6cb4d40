"""One subject of the knee T1rho study: read, registered, reduced to its cartilage voxels.

Nothing here imports JAX, so that subjects can be prepared side by side in processes of their own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from experiments.cohorts import TRUE_MAPS, is_simulated
from experiments.kept_arrays import keep_arrays, kept_arrays
from experiments.spin_lock import SPIN_LOCK_TIMES, in_order
from experiments.subjects import person_of
from jaxqmri.analysis import similarity_in_mask
from jaxqmri.io import InputError, bids
from jaxqmri.io.files import read_bytes
from jaxqmri.io.nifti import Image, check_same_grid, write_image
from jaxqmri.preprocessing import Registration, Stage, Transform, register, resample

REGIONS = {1: "femoral", 2: "medial tibial", 3: "lateral tibial", 4: "patellar"}

Registering = Literal["none"] | Stage
REGIONS_BY = "manual"  # folder under derivatives
NOT_OF_IMAGES = ("dataset_description.json", "participants.json")


class Subject(NamedTuple):
    """The cartilage of one subject, ``n`` voxels.

    Attributes
    ----------
    spin_lock
        Signals at the four spin-lock times, scanner units.
    pd
        PD-weighted signal on the T1rho grid, scanner units; NaN outside its field of view.
    label
        Region of each voxel, a key of ``REGIONS``.
    truth
        True T1rho in ms where the data are simulated, NaN otherwise.
    position
        Flat position of each voxel in the T1rho grid.
    shape, affine
        The T1rho grid.
    similarity
        Structural similarity of PD-weighted and TSL 0 images in the cartilage, before and after
        registration.
    motion
        What registration found: shift in mm at the centre of the cartilage, rotation in degrees.
    muscle
        Median over the muscle of ``ln(I_PD / I_k)`` at each spin-lock time but zero; NaN where
        nobody has drawn it.
    """

    spin_lock: Float[np.ndarray, "n t"]
    pd: Float[np.ndarray, " n"]
    label: Int[np.ndarray, " n"]
    truth: Float[np.ndarray, " n"]
    position: Int[np.ndarray, " n"]
    shape: Int[np.ndarray, " 3"]
    affine: Float[np.ndarray, "4 4"]
    similarity: Float[np.ndarray, " 2"]
    motion: Float[np.ndarray, " 2"]
    muscle: Float[np.ndarray, " 3"]


@dataclass(frozen=True)
class Task:
    """What one process needs to prepare one subject."""

    data: Path
    entities: Mapping[str, str]
    kept: Path  # the subject's checkpoint
    registered: Path  # the PD-weighted image on the T1rho grid, to look at
    transforms: Path  # cache of registrations
    match_resolution: bool
    registration: Registering = "deformable"


def prepare(task: Task) -> Path:
    """Prepare one subject and keep it, unless it is kept already from the same files."""
    sources = _sources(task)
    if read(task.kept, sources) is None or not task.registered.exists():
        write(task.kept, _prepared(task), sources)
    return task.kept


def has_changed(task: Task) -> bool:
    """Whether a subject is kept that was made from other files than there are now."""
    return task.kept.exists() and read(task.kept, _sources(task)) is None


def read(path: Path, sources: str | None = None) -> Subject | None:
    """A kept subject; None if there is none, or it was made from other ``sources``."""
    kept = kept_arrays(path)
    if not kept or (sources is not None and str(kept["sources"]) != sources):
        return None
    return Subject(**{name: kept[name] for name in Subject._fields})


def write(path: Path, subject: Subject, sources: str) -> None:
    """Keep a subject, whole or not at all."""
    keep_arrays(path, {"sources": np.array(sources), **subject._asdict()})


def displayed(task: Task) -> tuple[Image, Image, Image]:
    """TSL 0 image, registered PD-weighted image and labels of one subject, for figures."""
    series = bids.read_series(task.data, "T1rhow", task.entities)
    first = in_order(series)[..., 0]
    labels = bids.read_labels(task.data, REGIONS_BY, person_of(task.entities))
    pd = bids.read_map(task.registered)
    grid = Image(first, series.affine, series.sources[0])
    return grid, Image(pd.data, pd.affine, pd.path), labels


class Whole(NamedTuple):
    """Whole images of one subject on the T1rho grid.

    Attributes
    ----------
    images
        At the four spin-lock times, and the registered PD-weighted one last; scanner units.
    tissue
        Muscle drawn as a reference for intensities; None where nobody has drawn it.
    """

    images: Float[np.ndarray, "x y z c"]
    tissue: Bool[np.ndarray, "x y z"] | None


def whole_images(task: Task) -> Whole:
    """Read a prepared subject's images once more, whole."""
    series = bids.read_series(task.data, "T1rhow", task.entities)
    pd = bids.read_map(task.registered).data
    images = np.concatenate([in_order(series), pd[..., None]], axis=-1)
    grid = Image(images[..., 0], series.affine, series.sources[0])
    return Whole(images.astype(np.float32), _muscle(task, grid))


def _muscle(task: Task, grid: Image) -> Bool[np.ndarray, "x y z"] | None:
    """Muscle on the T1rho grid; None if undrawn."""
    folder = bids.map_folder(task.data, REGIONS_BY)
    path = folder / bids.map_name(person_of(task.entities), "mask", "muscle")
    if not path.exists():
        return None
    drawn = bids.read_map(path)
    check_same_grid(Image(drawn.data, drawn.affine, drawn.path), grid, "muscle")
    return drawn.data > 0


def _muscle_signals(
    images: Float[np.ndarray, "x y z 4"],
    pd: Float[np.ndarray, "x y z"],
    tissue: Bool[np.ndarray, "x y z"] | None,
) -> Float[np.ndarray, " 3"]:
    """Median of ``ln(I_PD / I_k)`` in the muscle, at each spin-lock time but zero.

    Raises
    ------
    InputError
        If no voxel of the muscle has signal in both images.
    """
    if tissue is None:
        return np.full(len(SPIN_LOCK_TIMES) - 1, np.nan)
    medians = []
    for signal in images[tissue][:, 1:].T:
        use = (pd[tissue] > 0) & (signal > 0)
        if not use.any():
            raise InputError("no signal in the muscle that was drawn (desc-muscle_mask)")
        medians.append(np.median(np.log(pd[tissue][use] / signal[use])))
    return np.array(medians, np.float64)


def _prepared(task: Task) -> Subject:
    series = bids.read_series(task.data, "T1rhow", task.entities)
    images = in_order(series)
    person = person_of(task.entities)
    fixed = Image(images[..., 0], series.affine, series.sources[0])
    labels = bids.read_labels(task.data, REGIONS_BY, person)
    check_same_grid(labels, fixed, "regions")
    muscle = _muscle(task, fixed)
    cartilage = np.isin(labels.data, list(REGIONS))
    if not cartilage.any():
        raise InputError(
            f"{labels.path}: no cartilage, expected labels "
            + ", ".join(f"{index} ({name})" for index, name in REGIONS.items())
        )
    moving = bids.read_anat(task.data, person, "PDw")
    before = resample(moving, fixed, match_resolution=task.match_resolution)
    pd, transform = before, Transform(np.eye(4))
    if task.registration != "none":
        pd, transform = register(
            moving,
            fixed,
            Registration(task.registration),
            cache=task.transforms,
            match_resolution=task.match_resolution,
        )
    write_image(
        task.registered,
        pd,
        fixed.affine,
        {
            "Description": "PD-weighted image on the grid of the T1rho series",
            "Registration": task.registration,
            "Units": "arbitrary",
            "Sources": [str(moving.path), str(fixed.path)],
            "Affine": transform.affine.tolist(),
        },
    )
    truth = np.full(cartilage.shape, np.nan, np.float32)
    if is_simulated(task.data):
        truth = bids.read_map(
            bids.find_image(bids.map_folder(task.data, TRUE_MAPS), person, "T1rho")
        ).data
    index = np.flatnonzero(cartilage)
    across = int(np.argmax(np.linalg.norm(fixed.affine[:3, :3], axis=0)))
    return Subject(
        spin_lock=images.reshape(-1, images.shape[-1])[index],
        pd=pd.ravel()[index],
        label=labels.data.ravel()[index].astype(np.int16),
        truth=truth.ravel()[index],
        position=index.astype(np.int64),
        shape=np.array(cartilage.shape),
        affine=fixed.affine,
        similarity=np.array(
            [similarity_in_mask(image, fixed.data, cartilage, across) for image in (before, pd)]
        ),
        motion=_motion(transform, fixed, cartilage),
        muscle=_muscle_signals(images, pd, muscle),
    )


def _sources(task: Task) -> str:
    """Fingerprint of what a subject holds, and of all files that it is made from."""
    person = f"sub-{task.entities['sub']}"
    folders = [task.data, *(bids.map_folder(task.data, who) for who in (REGIONS_BY, TRUE_MAPS))]
    digest = hashlib.blake2b(digest_size=16)
    digest.update(repr((Subject._fields, task.match_resolution, task.registration)).encode())
    for folder in folders:
        inherited = [path for path in folder.glob("*.json") if path.name not in NOT_OF_IMAGES]
        for path in sorted([*inherited, *(folder / person).rglob("*")]):
            if path.is_file():
                content = hashlib.blake2b(read_bytes(path)).hexdigest()
                digest.update(f"{path.relative_to(task.data).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def _motion(
    transform: Transform, fixed: Image, cartilage: Bool[np.ndarray, "x y z"]
) -> Float[np.ndarray, " 2"]:
    """Mean shift of the cartilage (mm), and the rotation nearest to the affine part (degrees)."""
    points = np.argwhere(cartilage) @ fixed.affine[:3, :3].T + fixed.affine[:3, 3]
    moved = points if transform.displacement is None else points + transform.displacement[cartilage]
    linear = transform.affine[:3, :3]
    shift = (moved @ linear.T + transform.affine[:3, 3] - points).mean(axis=0)
    u, _, vt = np.linalg.svd(linear)
    cosine = (np.trace(u @ vt) - 1.0) / 2.0
    return np.array([np.linalg.norm(shift), np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))])
