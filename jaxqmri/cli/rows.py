"""Rows of the tables that ``jaxqmri stats`` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jaxqmri.io import InputError

if TYPE_CHECKING:
    import numpy as np

    from jaxqmri.io.bids import Map
    from jaxqmri.io.nifti import Image

COLUMNS = (
    "subject",
    "visit",
    "map",
    "unit",
    "label",
    "region",
    "voxels",
    "valid_voxels",
    "at_bound",
    "mean",
    "sd",
    "median",
)
CONVERGED, AT_BOUND = 1, 2  # codes of jaxqmri.Status, whose package would import JAX
REPEATED = (
    "map",
    "unit",
    "label",
    "region",
    "subjects",
    "measurements",
    "mean",
    "within_subject_sd",
    "rms_cv_percent",
    "repeatability_coefficient",
)


class Measured(NamedTuple):
    """One map with its regions, and whose it is."""

    subject: str
    visit: str
    quantity: str
    map: Path
    labels: Path


def region_rows(measured: Measured, names: Path | None) -> list[dict[str, Any]]:
    """One row for each region of a map.

    Parameters
    ----------
    measured
        The map and its regions.
    names
        Table of their names; when None one beside the regions, where there is one.

    Raises
    ------
    InputError
        If a file cannot be read, the grids differ, or there is no region.
    """
    import numpy as np

    from jaxqmri.analysis.regions import region_statistics
    from jaxqmri.io import bids, nifti

    quantity: Map = bids.read_map(measured.map)
    labels = nifti.read_label_image(measured.labels)
    image = nifti.Image(quantity.data, quantity.affine, quantity.path)
    nifti.check_same_grid(image, labels, "map")
    status = status_of(image)
    values, at_bound = quantity.data, None
    if status is not None:
        values = np.where(status == CONVERGED, values, np.nan)
        at_bound = labels.data[status == AT_BOUND]
    if names is None:
        called = bids.find_label_names(measured.labels)
    else:
        called = bids.read_label_names(names)
    present = set(labels.data[labels.data != 0].tolist())
    wanted = sorted(present | set(called) - {0})
    if not wanted:
        raise InputError(f"{measured.labels}: no region, all labels are 0")
    return [
        {
            "subject": measured.subject or None,
            "visit": measured.visit or None,
            "map": measured.quantity,
            "unit": quantity.unit or "1",
            "label": row.label,
            "region": called.get(row.label, str(row.label)),
            "voxels": row.voxels,
            "valid_voxels": row.valid,
            "at_bound": None if at_bound is None else np.count_nonzero(at_bound == row.label),
            "mean": row.mean,
            "sd": row.sd,
            "median": row.median,
        }
        for row in region_statistics(values, labels.data, wanted)
    ]


def status_of(quantity: Image) -> np.ndarray | None:
    """What became of each voxel of a map, by the status map that its sidecar names.

    None where there is no sidecar, it names none, or the status map is not beside the map.

    Raises
    ------
    InputError
        If the status map cannot be read or lies on another grid.
    """
    from jaxqmri.io import files, nifti

    sidecar = nifti.sidecar_path(quantity.path)
    name = files.read_json(sidecar).get("StatusMap") if sidecar.exists() else None
    path = quantity.path.with_name(str(name))
    if name is None or not path.is_file():
        return None
    status = nifti.read_image(path)
    nifti.check_same_grid(status, quantity, "status map")
    return status.data


def repeatability_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each map and region that some subject has several times; empty without any.

    Raises
    ------
    InputError
        If one map has several units.
    """
    from jaxqmri.analysis.repeatability import repeatability

    groups: dict[tuple[str, int], dict[str, list[Mapping[str, Any]]]] = {}
    for row in rows:
        if row["subject"] is not None:
            group = groups.setdefault((row["map"], row["label"]), {})
            group.setdefault(row["subject"], []).append(row)
    if not any(len(visits) > 1 for group in groups.values() for visits in group.values()):
        return []
    found = []
    for (quantity, label), group in groups.items():
        members = [row for visits in group.values() for row in visits]
        units = sorted({row["unit"] for row in members})
        if len(units) > 1:
            raise InputError(f"{quantity}: repeated measurements in {' and '.join(units)}")
        result = repeatability([[row["mean"] for row in visits] for visits in group.values()])
        found.append(
            {
                "map": quantity,
                "unit": units[0],
                "label": label,
                "region": members[0]["region"],
                **dict(zip(REPEATED[4:], result, strict=True)),
            }
        )
    return found
