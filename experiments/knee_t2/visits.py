"""One visit of the knee T2 study: echoes, what readers drew, noise.

Nothing here imports JAX, so that visits can be prepared side by side in processes of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from experiments.cohorts import TRUE_MAPS, is_simulated
from experiments.knee_t2.paper import ECHO_TIMES, ECHOES
from experiments.subjects import person_of
from jaxqmri.io import InputError, bids
from jaxqmri.io.entities import folder_of
from jaxqmri.io.nifti import Image, check_same_grid
from jaxqmri.preprocessing import between_quartiles

READERS = ("reader1", "reader2")  # folders of the drawn cartilage under derivatives
NEAR = 0.5  # ms within which an echo time is the protocol's
CORNER = 12  # parts of a slice's side that a corner takes: air, in one of the four at least
SIDES = {"L": "left", "R": "right"}


class Visit(NamedTuple):
    """What is kept of one visit; slices come first.

    Attributes
    ----------
    network
        The echoes that a network may see, each slice between its quartiles.
    drawn
        Cartilage by reader, where the reader drew this visit.
    signals
        All echoes in the voxels that any reader drew, in the order of :attr:`inside`.
    times
        Echo times, ms.
    sigma
        Of the noise, in the unit of the signals; 0 where the scanner has set air to zero.
    affine
        Voxel indices to mm.
    axis
        Along which slices are stacked.
    truth
        True T2 in the same voxels as the signals, ms, where the data are simulated.
    """

    network: Float[np.ndarray, "s h w 3"]
    drawn: Mapping[str, Bool[np.ndarray, "s h w"]]
    signals: Float[np.ndarray, "v n"]
    times: Float[np.ndarray, " n"]
    sigma: float
    affine: Float[np.ndarray, "4 4"]
    axis: int
    truth: Float[np.ndarray, " v"] | None

    @property
    def inside(self) -> Bool[np.ndarray, "s h w"]:
        """Where any reader drew cartilage."""
        return np.any(list(self.drawn.values()), axis=0)

    def volume(self, slices: np.ndarray) -> np.ndarray:
        """Slices as the volume that they are of."""
        return np.moveaxis(slices, 0, self.axis)


@dataclass(frozen=True)
class Task:
    """What one process needs to prepare one visit."""

    data: Path
    entities: Mapping[str, str]


class Echoes(NamedTuple):
    """All images of one visit, slices first."""

    images: Float[np.ndarray, "s h w n"]
    times: Float[np.ndarray, " n"]
    affine: Float[np.ndarray, "4 4"]
    axis: int
    source: Path


def read_echoes(task: Task) -> Echoes:
    """Read the echoes of one visit.

    Raises
    ------
    InputError
        If they cannot be read, or are not those of the protocol.
    """
    series = bids.read_series(task.data, "MESE", task.entities)
    expected = np.array(ECHO_TIMES)
    if len(series.times) != len(expected) or np.abs(series.times - expected).max() > NEAR:
        raise InputError(
            f"{series.sources[0]}: echo times "
            f"{', '.join(f'{time:g}' for time in series.times)} ms, expected "
            f"{', '.join(f'{time:g}' for time in expected)}"
        )
    axis = int(np.argmax(np.linalg.norm(series.affine[:3, :3], axis=0)))
    images = np.moveaxis(series.images, axis, 0)
    return Echoes(images, series.times, series.affine, axis, series.sources[0])


def prepare(task: Task) -> Visit:
    """Read one visit.

    Raises
    ------
    InputError
        If an image or the first reader's cartilage is missing or unusable.
    """
    echoes, person = read_echoes(task), person_of(task.entities)
    grid = Image(np.moveaxis(echoes.images[..., 0], 0, echoes.axis), echoes.affine, echoes.source)
    drawn = {}
    for reader in READERS:
        if reader != READERS[0] and not _has_drawn(task.data, reader, person):
            continue
        labels = bids.read_labels(task.data, reader, person)
        check_same_grid(labels, grid, "cartilage")
        drawn[reader] = np.moveaxis(np.asarray(labels.data) > 0, echoes.axis, 0)
        if not drawn[reader].any():
            raise InputError(f"{labels.path}: no cartilage, expected 1 where it was drawn")
    inside = np.any(list(drawn.values()), axis=0)
    truth = None
    if is_simulated(task.data):
        folder = bids.map_folder(task.data, TRUE_MAPS)
        image = bids.read_map(bids.find_image(folder, person, "T2map"))
        check_same_grid(Image(image.data, image.affine, image.path), grid, "true map")
        truth = np.moveaxis(image.data, echoes.axis, 0)[inside].astype(np.float32)
    return Visit(
        for_network(echoes),
        drawn,
        echoes.images[inside].astype(np.float32),
        echoes.times,
        noise_of(echoes.images[..., -1]),
        echoes.affine,
        echoes.axis,
        truth,
    )


def for_network(echoes: Echoes) -> Float[np.ndarray, "s h w 3"]:
    """The first three echoes of every slice, each between its quartiles.

    Raises
    ------
    InputError
        If an image's quartiles are equal.
    """
    chosen = [echo - 1 for echo in ECHOES]
    try:
        scaled = [[between_quartiles(slices[..., k]) for k in chosen] for slices in echoes.images]
    except InputError as error:
        raise InputError(f"{echoes.source}: {error}") from None
    return np.moveaxis(np.array(scaled, np.float16), 1, -1)


def noise_of(image: Float[np.ndarray, "s h w"]) -> float:
    """Standard deviation of the noise, from the darkest corner of all slices.

    Magnitudes of air have a second moment of ``2 sigma^2``.
    """
    _, h, w = image.shape
    down, across = max(h // CORNER, 1), max(w // CORNER, 1)
    corners = [image[:, a, b] for a in (slice(down), slice(-down, None))
               for b in (slice(across), slice(-across, None))]  # fmt: skip
    return float(np.sqrt(min(np.mean(np.square(c, dtype=np.float64)) for c in corners) / 2.0))


def _has_drawn(data: Path, reader: str, person: Mapping[str, Any]) -> bool:
    folder = bids.map_folder(data, reader)
    return any(folder.glob(f"{folder_of(person, '')}/**/*_dseg.nii*"))
