"""Maps, regions and single images in a BIDS folder and beside plain images."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Num, Shaped

from jaxqmri.io.entities import Entities, build_name, entities_key, folder_of, parse_name
from jaxqmri.io.errors import InputError
from jaxqmri.io.files import read_json, read_table
from jaxqmri.io.image import EXTENSIONS, Image, sidecar_path, stem
from jaxqmri.io.nifti import read_image, read_label_image, write_image

UNKNOWN_UNIT = "unknown"
_TO_MILLISECONDS = {"s": 1e3, "ms": 1.0, "us": 1e-3}


class Map(NamedTuple):
    """A map in memory.

    Attributes
    ----------
    data
        Voxels, times in ms; NaN where there is no estimate.
    affine
        Voxel indices to millimetres.
    path
        Where it was read from.
    unit
        ``"ms"`` for times; otherwise as the sidecar says; ``"unknown"`` without one.
    """

    data: Float[np.ndarray, "x y z"]
    affine: Float[np.ndarray, "4 4"]
    path: Path
    unit: str


def map_folder(root: str | Path, pipeline: str) -> Path:
    """Where a pipeline keeps its maps: ``derivatives/<pipeline>``."""
    return Path(root) / "derivatives" / pipeline


def map_name(entities: Mapping[str, Any], suffix: str, desc: str | None = None) -> str:
    """A map's path below its pipeline's folder, ``sub-01/anat/sub-01_desc-std_T2map.nii.gz``."""
    named = dict(entities) if desc is None else {**entities, "desc": desc}
    return str(folder_of(entities, "anat") / f"{build_name(named, suffix)}.nii.gz")


def write_map(
    root: str | Path,
    pipeline: str,
    entities: Mapping[str, Any],
    suffix: str,
    data: Shaped[np.ndarray, "x y z"],
    affine: Num[np.ndarray, "4 4"],
    sidecar: Mapping[str, Any],
    desc: str | None = None,
    units: Literal["s", "ms"] = "s",
) -> Path:
    """Write a map and its sidecar under ``derivatives/<pipeline>``.

    Parameters
    ----------
    root
        The raw dataset.
    pipeline
        Who made the map.
    entities
        Of the series it was made from.
    suffix
        ``T1rho``, ``T2map``, ``S0map`` and so on.
    data, affine
        Voxels, times in ms, and where they lie.
    sidecar
        Fields of the JSON file; ``Units`` says what ``data`` is in: ``"ms"``, ``"arbitrary"``,
        ``""`` for a pure number.
    desc
        Tells apart what belongs to the same map: ``std`` its error, ``rmse``, ``status``.
    units
        What times are kept in, seconds unless told otherwise.

    Returns
    -------
    Path
        The map's file.
    """
    path = map_folder(root, pipeline) / map_name(entities, suffix, desc)
    write_map_file(path, data, affine, sidecar, units)
    return path


def write_map_file(
    path: str | os.PathLike[str],
    data: Shaped[np.ndarray, "x y z"],
    affine: Num[np.ndarray, "4 4"],
    sidecar: Mapping[str, Any],
    units: Literal["s", "ms"] = "ms",
) -> None:
    """Write a map and its sidecar to a file of any name.

    Parameters are those of :func:`write_map`; times stay in ms unless told otherwise.

    Raises
    ------
    ValueError
        If the sidecar does not say what ``data`` is in.
    """
    if "Units" not in sidecar:
        raise ValueError("the sidecar of a map must give its Units")
    data, unit = kept_in(data, sidecar["Units"], units)
    write_image(path, data, affine, {**sidecar, "Units": unit})


def kept_in(
    data: Shaped[np.ndarray, "x y z"], unit: str, times: Literal["s", "ms"]
) -> tuple[Shaped[np.ndarray, "x y z"], str]:
    """Voxels as they are kept, with their unit: times in ``times``, all else as it is."""
    if unit == "ms" and times == "s":
        return np.asarray(data) / np.float32(1e3), "s"
    return data, unit


def read_map(path: str | os.PathLike[str]) -> Map:
    """Read a map; times come in ms, whatever unit its sidecar says they are kept in.

    Raises
    ------
    InputError
        If the image or its sidecar cannot be read.
    """
    image = read_image(path)
    sidecar = sidecar_path(path)
    unit = str(read_json(sidecar).get("Units", UNKNOWN_UNIT)) if sidecar.exists() else UNKNOWN_UNIT
    factor = _TO_MILLISECONDS.get(unit)
    if factor is None:
        return Map(image.data, image.affine, image.path, unit)
    data = image.data if factor == 1.0 else image.data * np.float32(factor)
    return Map(data, image.affine, image.path, "ms")


def find_maps(
    folder: str | Path, suffix: str, desc: str | None = None, subject: str | None = None
) -> list[tuple[Entities, Path]]:
    """Maps of one name below a pipeline's folder, subjects first, then sessions.

    Of all subjects, or of one (``"01"``), whose folder alone is then looked through.

    Raises
    ------
    InputError
        If there is none.
    """
    folder = Path(folder)
    found = []
    for path in folder.glob(f"sub-{subject or '*'}/**/*_{suffix}.nii*"):
        name = parse_name(path)
        if name is not None and name.suffix == suffix and name.entities.get("desc") == desc:
            found.append((name.entities, path))
    if not found:
        called = suffix if desc is None else f"desc-{desc}_{suffix}"
        raise InputError(f"{folder}: no map called {called}")
    return sorted(found, key=lambda entry: entities_key(entry[0]))


def find_image(folder: str | Path, entities: Mapping[str, str], suffix: str) -> Path:
    """The one image of a subject (and session) with this suffix, anywhere below its folder.

    Entities that are not given may have any value, but then only one image may match.

    Raises
    ------
    InputError
        If there is none, or more than one.
    """
    folder = Path(folder)
    below = folder / folder_of(entities, "")
    exact, near = [], []
    for path in sorted(below.glob(f"**/*_{suffix}.nii*")):
        name = parse_name(path)
        if name is None or name.suffix != suffix or not path.name.endswith(EXTENSIONS):
            continue
        if name.entities == dict(entities):
            exact.append(path)
        elif name.entities.items() >= dict(entities).items():
            near.append(path)
    found = exact or near
    if not found:
        expected = f"{build_name(entities, suffix)}.nii.gz"
        raise InputError(f"{below}: no {suffix} image, expected {expected}")
    if len(found) > 1:
        raise InputError(
            f"{found[1]}: one {suffix} image expected, but {found[0].name} matches too"
        )
    return found[0]


def read_anat(root: str | Path, entities: Mapping[str, str], suffix: str) -> Image:
    """Read a single raw image of a subject (and session), such as its ``PDw``.

    Raises
    ------
    InputError
        If there is none, more than one, or it cannot be read.
    """
    return read_image(find_image(root, entities, suffix))


def read_labels(root: str | Path, who: str, entities: Mapping[str, str]) -> Image:
    """Read the regions that ``who`` drew: ``derivatives/<who>/sub-01/anat/*_dseg``.

    Raises
    ------
    InputError
        If there are none, more than one, or a label is not a whole number.
    """
    return read_label_image(find_image(map_folder(root, who), entities, "dseg"))


def read_label_names(path: str | os.PathLike[str]) -> dict[int, str]:
    """Names of labels from a table with columns ``index`` and ``name``.

    Raises
    ------
    InputError
        If the table is missing or has other columns.
    """
    rows = read_table(path)
    names = {}
    for row in rows:
        if not isinstance(row.get("index"), int) or row.get("name") is None:
            raise InputError(f"{path}: expected columns index (a whole number) and name")
        names[row["index"]] = str(row["name"])
    return names


def find_label_names(labels: Path) -> dict[int, str]:
    """Names from the table beside a label image, or in its dataset's root; empty without one."""
    beside = labels.with_name(f"{stem(labels)}.tsv")
    for path in (beside, *(parent / "dseg.tsv" for parent in labels.parents[:4])):
        if path.is_file():
            return read_label_names(path)
    return {}
