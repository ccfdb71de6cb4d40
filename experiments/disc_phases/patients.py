"""One patient of the disc study: the images, and what readers say of five discs.

Nothing here imports JAX, so that patients can be prepared side by side in processes of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from experiments.disc_phases.display import displayed
from experiments.disc_phases.metrics import LEVELS
from experiments.subjects import person_of
from jaxqmri.io import InputError, bids
from jaxqmri.io.files import read_table
from jaxqmri.io.maps import find_image, map_folder
from jaxqmri.io.nifti import check_same_grid, read_label_image

READERS = ("reader1", "reader2")  # folders under derivatives
READINGS = 3  # of a region by each reader
BOX = ("x1", "y1", "x2", "y2")
MEASURED = tuple(f"t1rho_{part}" for part in ("max", "min", "mean"))  # columns, ms
GRADE = "pfirrmann"


class Region(NamedTuple):
    """Pixels of one reading of one disc, with their signals at all spin-lock times."""

    level: int
    reader: int
    reading: int
    signals: Float[np.ndarray, "p n"]


class Patient(NamedTuple):
    """What is kept of one patient.

    Attributes
    ----------
    images
        T1-weighted and, where there is one, T2-weighted, the front at the left, the head at the
        top.
    pixel
        Edge of a pixel, mm.
    boxes
        Of the discs by the first reader: x1, y1, x2, y2 in pixels.
    grades
        Pfirrmann grade of every disc by every reader; 0 where not given.
    regions
        Signals of every reading, to be fitted; empty where T1rho is in the readers' tables.
    measured
        Maximum, minimum and mean T1rho of every disc by every reader, ms; NaN where not given.
    times
        Spin-lock times, ms.
    """

    images: Float[np.ndarray, "h w c"]
    pixel: float
    boxes: Float[np.ndarray, "5 4"]
    grades: Int[np.ndarray, "r 5"]
    regions: Sequence[Region]
    measured: Float[np.ndarray, "r 5 3"]
    times: Float[np.ndarray, " n"]


@dataclass(frozen=True)
class Task:
    """Where a patient is read from, and in which window; all intensities without one."""

    data: Path
    entities: Mapping[str, str]
    window: tuple[float, ...] = ()


def prepare(task: Task) -> Patient:
    """Read a patient.

    Raises
    ------
    InputError
        If something is missing, or makes no sense.
    """
    data, who = task.data, person_of(task.entities)
    t1w = bids.read_anat(data, who, "T1w")
    images = [t1w]
    if any(data.glob(f"sub-{who['sub']}/**/*_T2w.nii*")):
        images.append(bids.read_anat(data, who, "T2w"))
        check_same_grid(images[1], t1w, "T1w")
    shown = [displayed(image, task.window) for image in images]
    for image, seen in zip(images, shown, strict=True):
        if not seen.any():
            raise InputError(f"{image.path}: nothing but zeros in this window")
    edges = np.linalg.norm(t1w.affine[:3, :2], axis=0)
    if not np.isclose(*edges, rtol=0.01):
        raise InputError(f"{t1w.path}: pixels of {edges[0]:.3g} x {edges[1]:.3g} mm, not square")
    tables = [_table(data, reader, who) for reader in READERS]
    if tables[0] is None:
        raise InputError(f"{_table_path(data, READERS[0])}: no rows of sub-{who['sub']}")
    given = [table for table in tables if table is not None]
    boxes = np.array([[float(row[key]) for key in BOX] for row in given[0]])
    _check_boxes(boxes, shown[0], f"{_table_path(data, READERS[0])}: sub-{who['sub']}")
    paths = [_table_path(data, reader) for reader in READERS]
    rows = [
        [(f"{path}: sub-{who['sub']}, {row['level']}", row) for row in table]
        for path, table in zip(paths, given, strict=False)
    ]
    grades = np.array([[_grade(*row) for row in table] for table in rows])
    measured = np.array([[_numbers(*row) for row in table] for table in rows])
    regions, times = [], np.zeros(0)
    if not np.isfinite(measured).any():
        regions, times = _regions(data, who, READERS[: len(given)])
    elif not np.isfinite(measured).all():
        raise InputError(f"{paths[0]}: sub-{who['sub']}: T1rho of some discs, expected all or none")
    return Patient(
        np.stack(shown, axis=-1),
        float(edges[0]),
        boxes,
        grades,
        regions,
        measured,
        times,
    )


def _table_path(data: Path, reader: str) -> Path:
    return map_folder(data, reader) / "discs.tsv"


def _table(data: Path, reader: str, who: Mapping[str, str]) -> list[Mapping[str, Any]] | None:
    """Rows of a patient's discs in the order of the levels; None where a reader has none.

    Raises
    ------
    InputError
        If a level or a column is missing, or a box has no area.
    """
    path = _table_path(data, reader)
    if reader != READERS[0] and not path.exists():
        return None
    own = [row for row in read_table(path) if row.get("participant_id") == f"sub-{who['sub']}"]
    if not own:
        return None
    by_level = {row.get("level"): row for row in own}
    missing = [level for level in LEVELS if level not in by_level]
    if missing or len(own) != len(LEVELS):
        raise InputError(
            f"{path}: sub-{who['sub']} has levels {', '.join(str(r.get('level')) for r in own)}, "
            f"expected {', '.join(LEVELS)}, each once"
        )
    for level, row in by_level.items():
        box = [edge for key in BOX if isinstance(edge := row.get(key), (int, float))]
        if len(box) < len(BOX):
            raise InputError(f"{path}: sub-{who['sub']}, {level}: expected {', '.join(BOX)}")
        if not (box[0] < box[2] and box[1] < box[3]):
            raise InputError(
                f"{path}: sub-{who['sub']}, {level}: box {box}, expected x1 < x2 and y1 < y2"
            )
    return [by_level[level] for level in LEVELS]


def _check_boxes(
    boxes: Float[np.ndarray, "5 4"], image: Float[np.ndarray, "h w"], where: str
) -> None:
    rows, columns = image.shape
    for level, box in zip(LEVELS, boxes, strict=True):
        middle = 0.5 * (box[:2] + box[2:])
        if not ((middle > 0) & (middle < (columns, rows))).all():
            raise InputError(
                f"{where}, {level}: box {box.tolist()} outside the image of {columns} x {rows}"
            )


def _grade(where: str, row: Mapping[str, Any]) -> int:
    """Pfirrmann grade of a disc; 0 where not given."""
    grade = row.get(GRADE)
    if grade is not None and grade not in range(1, 6):
        raise InputError(f"{where}: {GRADE} {grade}, expected 1 to 5")
    return int(grade or 0)


def _numbers(where: str, row: Mapping[str, Any]) -> list[float]:
    """Maximum, minimum and mean T1rho of a disc; NaN where not given."""
    found = [row.get(key) for key in MEASURED]
    odd = [value for value in found if not isinstance(value, int | float | None)]
    if odd:
        raise InputError(f"{where}: T1rho {odd[0]}, expected a number of ms")
    return [np.nan if value is None else float(value) for value in found]


def _regions(
    data: Path, who: Mapping[str, str], readers: Sequence[str]
) -> tuple[list[Region], Float[np.ndarray, " n"]]:
    """Signals in all that readers have drawn, a file for every reading."""
    series = bids.read_series(data, "T1rhow", who)
    found = []
    for r, reader in enumerate(readers):
        for k in range(READINGS):
            entities = {**who, "desc": f"reading{k + 1}"}
            path = find_image(map_folder(data, reader), entities, "dseg")
            labels = read_label_image(path)
            if labels.data.shape != series.images.shape[:3]:
                raise InputError(
                    f"{path}: {labels.data.shape}, the T1rho-weighted images are "
                    f"{series.images.shape[:3]}"
                )
            for level in range(len(LEVELS)):
                inside = labels.data == level + 1
                if not inside.any():
                    raise InputError(f"{path}: nothing labelled {level + 1}, {LEVELS[level]}")
                found.append(Region(level, r, k, series.images[inside].astype(np.float32)))
    return found, series.times
