"""Saved models: what their descriptions say of the images that they take and the map they give.

Descriptions are read without JAX, so that bad input is told before anything slow is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxqmri.io import InputError, files
from jaxqmri.io.entities import natural_key
from jaxqmri.io.settings import contents_of

DESCRIPTION = "description.json"  # as jaxqmri.training writes it
PD = "PD"
SCALINGS = ("scanner", "percentile", "reference-tissue")
INPUTS_OF = {"UNet": "in_channels", "SkipMLP": "in_features"}
UNREGISTERED = "none"
REGISTRATIONS = (UNREGISTERED, "rigid", "affine", "deformable")
CODES = (frozenset("LR"), frozenset("PA"), frozenset("IS"))


class Tiles(NamedTuple):
    """Width of a U-Net's tiles, and the distance between neighbours, pixels."""

    size: int
    stride: int


TILES = Tiles(64, 48)  # where a description does not say


@dataclass(frozen=True)
class Model:
    """What a saved model's description says.

    Attributes
    ----------
    name
        What it is called.
    architecture
        What builds its network.
    channels
        Its images in their order: ``PD``, or a spin-lock time in ms as text.
    masked
        Whether images are zero outside the mask.
    scaling, scales
        How intensities are scaled, and for ``scanner`` what T1rho-weighted and PD-weighted images
        are divided by.
    output, units, limits
        Suffix of the map, its unit and its range.
    simulated
        Whether it was trained on simulated data; None where the description does not say.
    region
        Where its training looked, such as cartilage; empty if unknown.
    voxel_size
        Edges of the voxels it was trained on in mm, in the order of the array's axes.
    orientation
        Anatomical directions of those axes, such as ``LPS``; None where the description does not
        say.
    registration
        Last stage by which its PD-weighted images had been registered, ``none`` where they were
        not; None where the description does not say.
    tiles
        What it was applied by in its own experiment.
    """

    name: str
    architecture: Mapping[str, Any]
    channels: tuple[str, ...]
    masked: bool
    scaling: str
    scales: tuple[float, float] | None
    output: str
    units: str
    limits: tuple[float, float]
    simulated: bool | None = None
    region: str = ""
    voxel_size: tuple[float, float, float] | None = None
    orientation: str | None = None
    registration: str | None = None
    tiles: Tiles = TILES

    @property
    def trained_on(self) -> str:
        """What kind of data it has learnt from."""
        return {None: "unknown", True: "simulated", False: "measured"}[self.simulated]

    @property
    def times(self) -> list[float]:
        """Spin-lock times (ms) of its T1rho-weighted images."""
        return [float(channel) for channel in self.channels if channel != PD]

    @property
    def wanted(self) -> tuple[str, ...]:
        """Its images, and the one at TSL 0 where the scale of the series is taken from that."""
        if self.scaling == "scanner" or not self.times or 0.0 in self.times:
            return self.channels
        return (*self.channels, "0")

    @property
    def desc(self) -> str:
        """Name and input in letters and digits, to tell its maps from others'."""
        return re.sub("[^A-Za-z0-9]", "", self.name + "".join(self.channels))


@dataclass(frozen=True)
class Fold:
    """One saved model."""

    folder: Path
    model: Model

    def contents(self) -> list[dict[str, str]]:
        """All its files as settings."""
        return [contents_of(path) for path in self.files]

    @property
    def files(self) -> list[Path]:
        """All its files."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())


def find_folds(folders: Sequence[Path]) -> list[Fold]:
    """Saved models in folders that are models or hold some: folds of one training.

    Raises
    ------
    InputError
        If a folder is no model and holds none, a description cannot be used, or the models differ
        in more than what they were trained on.
    """
    folds = [read_fold(folder) for given in folders for folder in _models_in(given)]
    if len({fold.folder.resolve() for fold in folds}) < len(folds):
        raise InputError(f"{folders[-1]}: a model that is given twice")
    first = folds[0]
    for fold in folds[1:]:
        for name in Model.__dataclass_fields__:
            ours, theirs = getattr(first.model, name), getattr(fold.model, name)
            if ours != theirs and name != "scales":
                raise InputError(
                    f"{fold.folder}: not a fold of the same model as {first.folder.name}: its "
                    f"{name} is {_text(theirs)}, not {_text(ours)}"
                )
    return folds


def read_fold(folder: Path) -> Fold:
    """Read and check a model's description.

    Raises
    ------
    InputError
        If it is no description of a model that makes a map from images, or contradicts itself.
    """
    path = folder / DESCRIPTION
    said = files.read_json(path)
    needed = ("architecture", "input", "masked", "scaling", "output", "units", "limits")
    missing = [name for name in needed if name not in said]
    if missing:
        raise InputError(
            f"{path}: not of a model that makes a map from images, it has no {missing[0]}"
        )
    channels = _channels(path, said)
    architecture = _architecture(path, said["architecture"], len(channels))
    scaling, scales = said["scaling"], None
    _require(scaling in SCALINGS, path, "scaling", scaling, " or ".join(SCALINGS))
    if scaling == "scanner":
        scales = _numbers(path, said, "scales", 2, "two numbers above zero")
        _require(min(scales) > 0, path, "scales", said["scales"], "two numbers above zero")
    limits = _numbers(path, said, "limits", 2, "two rising numbers")
    _require(limits[0] < limits[1], path, "limits", said["limits"], "two rising numbers")
    output, masked = said["output"], said["masked"]
    suffix = isinstance(output, str) and output.isalnum()
    _require(suffix, path, "output", output, "a map's suffix such as T1rho")
    _require(isinstance(masked, bool), path, "masked", masked, "true or false")
    _require(isinstance(said["units"], str), path, "units", said["units"], "a unit such as ms")
    size, turned = None, said.get("orientation")
    if said.get("voxel_size") is not None:
        size = _numbers(path, said, "voxel_size", 3, "three edges in mm")
        _require(min(size) > 0, path, "voxel_size", said["voxel_size"], "three edges in mm")
    if turned is not None:
        known = isinstance(turned, str) and len(turned) == len(CODES)
        known = known and all(len(set(turned) & axis) == 1 for axis in CODES)
        _require(known, path, "orientation", turned, "three directions such as LPS")
    stage, tiles = said.get("registration"), said.get("tile")
    known = stage is None or stage in REGISTRATIONS
    _require(known, path, "registration", stage, " or ".join(REGISTRATIONS))
    simulated = said.get("simulated")
    model = Model(
        str(said.get("model", architecture["network"])), architecture, channels, masked, scaling,
        scales, output, said["units"], limits, None if simulated is None else bool(simulated),
        str(said.get("region", "")), size, turned, stage,
        TILES if tiles is None else _tiles(path, tiles, architecture),
    )  # fmt: skip
    return Fold(folder, model)


def is_model(folder: Path) -> bool:
    """Whether a folder holds a saved model, not merely some in folders of their own."""
    return (folder / DESCRIPTION).is_file()


def _models_in(folder: Path) -> list[Path]:
    if not folder.exists():
        raise InputError(f"{folder}: no such file or folder")
    if is_model(folder):
        return [folder]
    found = [path.parent for path in folder.glob(f"*/{DESCRIPTION}")]
    if not found:
        raise InputError(f"{folder}: no model, expected a folder with a {DESCRIPTION}, or of such")
    return sorted(found, key=lambda path: natural_key(path.name))


def _channels(path: Path, said: Mapping[str, Any]) -> tuple[str, ...]:
    given, expected = said["input"], "a list of PD and spin-lock times such as 50"
    _require(isinstance(given, list) and len(given) > 0, path, "input", given, expected)
    channels = []
    for name in given:
        time = PD if name == PD else _time(name)
        _require(time is not None and str(time) not in channels, path, "input", given, expected)
        channels.append(str(time))
    if "spin_lock_times" in said:
        times = _numbers(path, said, "spin_lock_times", len(channels), "one time for each input")
        for channel, time in zip(channels, times, strict=True):
            same = time == (0.0 if channel == PD else float(channel))
            _require(same, path, "spin_lock_times", list(times), f"those of {', '.join(channels)}")
    return tuple(channels)


def _time(text: Any) -> str | None:
    """A spin-lock time as it is written here, None if it is no number."""
    try:
        time = float(text)
    except (TypeError, ValueError):
        return None
    return f"{time:g}" if np.isfinite(time) and time >= 0 else None


def _architecture(path: Path, said: Any, count: int) -> Mapping[str, Any]:
    known = isinstance(said, dict) and said.get("network") in INPUTS_OF
    name = said.get("network") if isinstance(said, dict) else said
    _require(known, path, "architecture", name, f"a network, {' or '.join(INPUTS_OF)}")
    takes = said.get(INPUTS_OF[said["network"]])
    _require(takes == count, path, "architecture", f"of {takes} inputs", f"{count}, as its input")
    outputs = said.get("out_channels", said.get("out_features", 1))
    _require(outputs == 1, path, "architecture", f"of {outputs} maps", "one map")
    return said


def _tiles(path: Path, said: Any, architecture: Mapping[str, Any]) -> Tiles:
    step = 2 ** max(0, len(architecture.get("features", ())) - 1)  # the levels halve a tile
    expected = f"a size that {step} divides, and a stride from 1 to it"
    given = [said.get(name) for name in Tiles._fields] if isinstance(said, dict) else said
    size, stride = _numbers(path, {"tile": given}, "tile", 2, expected)
    usable = size % step == 0 and stride % 1 == 0 and 1 <= stride <= size
    _require(usable, path, "tile", given, expected)
    return Tiles(int(size), int(stride))


def _numbers(
    path: Path, said: Mapping[str, Any], name: str, count: int, expected: str
) -> tuple[Any, ...]:
    given = said.get(name)
    values = given if isinstance(given, list) else []
    known = len(values) == count
    known = known and all(type(value) in (int, float) and np.isfinite(value) for value in values)
    _require(known, path, name, given, expected)
    return tuple(float(value) for value in values)


def _require(holds: bool, path: Path, name: str, found: Any, expected: str) -> None:
    if not holds:
        raise InputError(f"{path}: its {name} is {_text(found)}, expected {expected}")


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(str(entry) for entry in value)}]"
    return "missing" if value is None else str(value)
