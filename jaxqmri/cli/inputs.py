"""What a command line points at: series of a BIDS folder, or plain images with times by flag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxqmri.cli.models import METHODS, WORDS, Axis, Method, Protocol
from jaxqmri.io import InputError, bids, files, nifti
from jaxqmri.io.acquisition import check_times, check_unit, from_disk

PIPELINE = "jaxqmri"  # where a BIDS folder keeps what is fitted: derivatives/jaxqmri
SIGNED_SHARE = 1e-3  # of samples below zero: interpolated magnitudes have fewer, real parts more


@dataclass(frozen=True)
class Flags:
    """Acquisition numbers given on the command line.

    Attributes
    ----------
    values
        Numbers by option name (``te``, ``tsl``, ``tr``, ...), ms or degrees; empty if not given.
    refocusing_angle
        Degrees.
    signed
        Whether images keep their sign; None to see it from the images.
    series
        The BIDS series to take where there are several kinds.
    """

    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    refocusing_angle: float | None = None
    signed: bool | None = None
    series: str | None = None

    def choices(self) -> list[str]:
        """Options that were given and that only some methods have."""
        sign = [] if self.signed is None else ["signed" if self.signed else "magnitude"]
        return sign if self.refocusing_angle is None else [*sign, "refocusing-angle"]

    def given(self, flag: str) -> tuple[float, ...]:
        """Numbers of one option."""
        return self.values.get(flag, ())


class Measured(NamedTuple):
    """One series in memory, ready for a fit.

    ``images`` is 4-D and carries the affine and the path of the first source.
    """

    images: nifti.Image
    protocol: Protocol
    axis: Axis
    sources: list[Path]


@dataclass(frozen=True)
class BidsSource:
    """One series of a BIDS folder."""

    root: Path
    suffix: str
    entities: Mapping[str, str]
    axis: Axis

    @property
    def name(self) -> str:
        """Subject and what else tells the series apart."""
        return "_".join(f"{key}-{value}" for key, value in self.entities.items())

    def read(self, method: Method, flags: Flags) -> Measured:
        """Read and check the series."""
        series = bids.read_series(self.root, self.suffix, self.entities)
        repetition = series.repetition_time
        protocol = Protocol(
            series.times,
            repetition_time=None if isinstance(repetition, np.ndarray) else repetition,
            flip_angle=series.flip_angle,
            refocusing_angle=flags.refocusing_angle,
        )
        images = nifti.Image(series.images, series.affine, series.sources[0])
        return Measured(*_with_sign(images, protocol, flags), self.axis, series.sources)


@dataclass(frozen=True)
class PlainSource:
    """One 4-D NIfTI file, or several 3-D ones in the order of their times."""

    paths: tuple[Path, ...]

    @property
    def name(self) -> str:
        """The first file's name without extension."""
        return nifti.stem(self.paths[0])

    def read(self, method: Method, flags: Flags) -> Measured:
        """Read the images, take times from flags or sidecars, and check both."""
        axis = _axis_of(method, flags)
        noted = [_sidecar(path) for path in self.paths]
        values = np.asarray(flags.given(axis.flag), np.float64)
        if values.size:
            _check_against_sidecars(values, axis, self.paths, noted)
        else:
            values = _from_sidecars(axis, self.paths, noted)
        names = [f"--{axis.flag}"] * len(values) if flags.given(axis.flag) else None
        images = _read_plain(self.paths, len(values))
        check_times(values, axis.field, names or _value_sources(self.paths, len(values)))
        protocol = Protocol(values, refocusing_angle=flags.refocusing_angle)
        for name in method.needs:
            protocol = replace(protocol, **{name: self._number(name, method, flags, noted)})
        return Measured(*_with_sign(images, protocol, flags), axis, list(self.paths))

    def _number(
        self, need: str, method: Method, flags: Flags, noted: Sequence[Mapping[str, Any]]
    ) -> float:
        """A further acquisition number, from its option or from the sidecars."""
        flag, words = WORDS[need]
        bids_field = {"tr": "RepetitionTime", "fa": "FlipAngle"}[flag]
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
        within = ranges[0] if flag == "tr" and ranges else None
        check_unit([value], bids_field, [source], largest_within=within)
        return value


Source = BidsSource | PlainSource


def find_sources(
    inputs: Sequence[Path], name: str, flags: Flags, subjects: Sequence[str]
) -> list[Source]:
    """All series that a command is to fit.

    Raises
    ------
    InputError
        If there is none, or the options contradict the kind of input.
    """
    method = METHODS[name]
    for choice in flags.choices():
        if choice not in method.choices:
            raise InputError(f"--{choice}: {name} has no such option")
    if not inputs:
        raise InputError("no input: give a BIDS folder, a 4-D NIfTI or several 3-D ones")
    for path in inputs:
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
    folders = [path for path in inputs if path.is_dir()]
    if not folders:
        if subjects:
            raise InputError(f"--subject: {inputs[0]} is a file; subjects belong to a BIDS folder")
        for path in inputs:
            if not path.name.endswith(nifti.EXTENSIONS):
                raise InputError(f"{path}: expected a name that ends in .nii.gz or .nii")
        known = [axis.flag for axis in method.axes] + [WORDS[need][0] for need in method.needs]
        for flag, values in flags.values.items():
            if values and flag not in known:
                takes = " and ".join(f"--{flag}" for flag in known)
                raise InputError(f"--{flag} {values[0]:g}: {name} takes {takes}")
        return [PlainSource(tuple(inputs))]
    if len(inputs) > 1:
        raise InputError(f"{folders[0]}: a folder among {len(inputs)} inputs, expected it alone")
    return _in_folder(folders[0], name, method, flags, subjects)


def _in_folder(
    root: Path, name: str, method: Method, flags: Flags, subjects: Sequence[str]
) -> list[Source]:
    if not method.series:
        flag = method.axes[0].flag
        raise InputError(
            f"{root}: BIDS has no series for {name}; give NIfTI files with --{flag} instead"
        )
    for flag, values in flags.values.items():
        if values:
            raise InputError(
                f"--{flag} {values[0]:g}: in a BIDS folder the sidecars give it; leave --{flag} out"
            )
    if flags.series is not None and flags.series not in method.series:
        raise InputError(f"--series {flags.series}: {name} takes {' or '.join(method.series)}")
    wanted = [flags.series] if flags.series else list(method.series)
    found: dict[str, list[dict[str, str]]] = {}
    missing = InputError(f"{root}: no series")
    for suffix in wanted:
        try:
            found[suffix] = bids.find_series(root, suffix)
        except InputError as error:
            missing = error
    if not found:
        raise missing
    if len(found) > 1:
        raise InputError(f"{root}: holds {' and '.join(found)} series; choose one with --series")
    ((suffix, series),) = found.items()
    chosen = {subject.removeprefix("sub-") for subject in subjects}
    absent = chosen - {entities["sub"] for entities in series}
    if absent:
        raise InputError(f"{root}: no {suffix} series of sub-{sorted(absent)[0]}")
    return [
        BidsSource(root, suffix, entities, method.series[suffix])
        for entities in series
        if not chosen or entities["sub"] in chosen
    ]


def _with_sign(
    images: nifti.Image, protocol: Protocol, flags: Flags
) -> tuple[nifti.Image, Protocol]:
    """Note whether the images keep their sign; magnitudes that are asked for are taken."""
    if flags.signed is None:
        share = np.count_nonzero(images.data < 0) / images.data.size
        return images, replace(protocol, signed=bool(share > SIGNED_SHARE))
    if not flags.signed:
        images = images._replace(data=np.abs(images.data))
    return images, replace(protocol, signed=flags.signed)


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
    if len(paths) != count:
        raise InputError(f"{paths[0]}: one of {len(paths)} images, but {count} times were given")
    volumes = [nifti.read_image(path) for path in paths]
    for volume in volumes[1:]:
        nifti.check_same_grid(volume, volumes[0], "image")
    stack = np.stack([volume.data for volume in volumes])
    return nifti.Image(np.moveaxis(stack, 0, -1), volumes[0].affine, volumes[0].path)
