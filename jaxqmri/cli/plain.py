"""Plain images, with times by flag or from the sidecars beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from jaxqmri.cli.measured import Flags, Measured, with_sign
from jaxqmri.cli.models import Axis, Method
from jaxqmri.cli.protocol import NEEDS, Protocol, spokes_noted
from jaxqmri.io import InputError, bids, files, nifti
from jaxqmri.io.acquisition import check_times, check_unit, from_disk
from jaxqmri.io.slabs import StoredSeries


@dataclass(frozen=True)
class PlainSource:
    """One 4-D NIfTI file, or several 3-D ones in the order of their times."""

    paths: tuple[Path, ...]

    @property
    def name(self) -> str:
        """The first file's name without extension."""
        return nifti.stem(self.paths[0])

    def read(self, method: Method, flags: Flags, *, whole: bool = True) -> Measured:
        """Read the images, take times from flags or sidecars, and check both.

        Without ``whole`` the images stay on disk.
        """
        axis = _axis_of(method, flags)
        noted = [_sidecar(path) for path in self.paths]
        values = np.asarray(flags.given(axis.flag), np.float64)
        if values.size:
            _check_against_sidecars(values, axis, self.paths, noted)
        else:
            values = _from_sidecars(axis, self.paths, noted)
        names = [f"--{axis.flag}"] * len(values) if flags.given(axis.flag) else None
        images = (_read_plain if whole else _open_plain)(self.paths, len(values))
        check_times(values, axis.field, names or _value_sources(self.paths, len(values)))
        protocol = Protocol(
            values, refocusing_angle=flags.refocusing_angle, spokes=spokes_noted(noted[0])
        )
        for name in method.needs:
            protocol = replace(protocol, **{name: self._number(name, method, flags, noted)})
        if whole:
            images, protocol = with_sign(images, protocol, flags)
        return Measured(images, protocol, axis, list(self.paths))

    def _number(
        self, need: str, method: Method, flags: Flags, noted: Sequence[Mapping[str, Any]]
    ) -> float:
        """A further acquisition number, from its option or from the sidecars."""
        flag, words, bids_field, within = NEEDS[need]
        given = flags.given(flag)
        if len(given) > 1:
            raise InputError(f"--{flag}: expected one {words}, found {len(given)}")
        if given:
            value, source = given[0], f"--{flag}"
        else:
            found = [entry[bids_field] for entry in noted if bids_field in entry]
            if not found or not isinstance(found[0], int | float):
                raise InputError(
                    f"{self.paths[0]}: its {words} is not known; give --{flag}, or {bids_field} "
                    f"in {nifti.sidecar_path(self.paths[0]).name}"
                )
            value, source = float(found[0]), str(nifti.sidecar_path(self.paths[0]))
        if not np.isfinite(value) or value <= 0:
            raise InputError(f"{source}: {words} is {value:g}, expected a number above zero")
        ranges = [bids.SERIES[suffix].repetition_range for suffix in method.series]
        if need == "repetition_time" and ranges:
            within = ranges[0]
        if within is not None:
            check_unit([value], bids_field, [source], largest_within=within)
        return value


def _axis_of(method: Method, flags: Flags) -> Axis:
    """What differs between plain images: the option that was given."""
    given = [axis for axis in method.axes if flags.given(axis.flag)]
    if len(given) > 1:
        raise InputError(f"--{given[0].flag} and --{given[1].flag}: give one of them")
    return given[0] if given else method.axes[0]


def _sidecar(path: Path) -> dict[str, Any]:
    """Sidecar fields of a plain image, times in ms; empty without a sidecar."""
    sidecar = nifti.sidecar_path(path)
    return from_disk(files.read_json(sidecar)) if sidecar.exists() else {}


def _value_sources(paths: Sequence[Path], count: int) -> list[Path]:
    sidecars = [nifti.sidecar_path(path) for path in paths]
    return sidecars if len(sidecars) == count else [sidecars[0]] * count


def _noted_values(axis: Axis, noted: Sequence[Mapping[str, Any]]) -> list[float | None]:
    """What sidecars say: a list beside one 4-D file, a number beside each 3-D file."""
    if len(noted) == 1:
        values = noted[0].get(axis.field)
        return list(values) if isinstance(values, list) else []
    return [entry.get(axis.field) for entry in noted]


def _from_sidecars(
    axis: Axis, paths: Sequence[Path], noted: Sequence[Mapping[str, Any]]
) -> np.ndarray:
    values = _noted_values(axis, noted)
    if not values or any(not isinstance(value, int | float) for value in values):
        lacking = next(
            (p for p, v in zip(paths, values, strict=False) if not isinstance(v, int | float)),
            paths[0],
        )
        raise InputError(
            f"{lacking}: no --{axis.flag} was given and {nifti.sidecar_path(lacking).name} "
            f"does not hold its {axis.field}"
        )
    return np.asarray(values, np.float64)


def _check_against_sidecars(
    values: np.ndarray, axis: Axis, paths: Sequence[Path], noted: Sequence[Mapping[str, Any]]
) -> None:
    known = _noted_values(axis, noted)
    sources = _value_sources(paths, len(known))
    for value, other, source in zip(values, known, sources, strict=False):
        if isinstance(other, int | float) and not np.isclose(value, other, rtol=1e-3):
            raise InputError(
                f"{source}: {axis.field} is {other:g} there, but --{axis.flag} gives {value:g}"
            )


def _read_plain(paths: Sequence[Path], count: int) -> nifti.Image:
    if len(paths) == 1:
        return nifti.read_stack(paths[0], count)
    _check_count(paths, len(paths), count)
    volumes = [nifti.read_image(path) for path in paths]
    for volume in volumes[1:]:
        nifti.check_same_grid(volume, volumes[0], "image")
    stack = np.stack([volume.data for volume in volumes])
    return nifti.Image(np.moveaxis(stack, 0, -1), volumes[0].affine, volumes[0].path)


def _open_plain(paths: Sequence[Path], count: int) -> nifti.Image:
    stored = StoredSeries.open(paths)
    _check_count(paths, stored.shape[3], count)
    return stored.stand_in


def _check_count(paths: Sequence[Path], images: int, count: int) -> None:
    if images != count:
        held = f"holds {images}" if len(paths) == 1 else f"one of {images}"
        raise InputError(f"{paths[0]}: {held} images, but {count} times were given")
