"""What a command line points at: series of a BIDS folder, or plain images with times by flag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from jaxqmri.cli.measured import Flags, Measured, with_sign
from jaxqmri.cli.models import METHODS, Axis, Method
from jaxqmri.cli.plain import PlainSource
from jaxqmri.cli.protocol import NEEDS, Need, Protocol, spokes_noted
from jaxqmri.io import InputError, bids, nifti
from jaxqmri.io.acquisition import check_unit, with_unit

PIPELINE = "jaxqmri"  # where a BIDS folder keeps what is fitted: derivatives/jaxqmri


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

    def read(self, method: Method, flags: Flags, *, whole: bool = True) -> Measured:
        """Read and check the series; without ``whole`` its images stay on disk."""
        series = bids.read_series(self.root, self.suffix, self.entities, whole=whole)
        repetition = series.repetition_time
        protocol = Protocol(
            series.times,
            repetition_time=None if isinstance(repetition, np.ndarray) else repetition,
            flip_angle=series.flip_angle,
            refocusing_angle=flags.refocusing_angle,
            spokes=spokes_noted(series.metadata[0]),
        )
        for need in method.needs:
            if need == "spokes" or getattr(protocol, need) is None:
                protocol = replace(protocol, **{need: _shared(series, NEEDS[need])})
        images = nifti.Image(series.images, series.affine, series.sources[0])
        if whole:
            images, protocol = with_sign(images, protocol, flags)
        return Measured(images, protocol, self.axis, series.sources)


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
        known = [axis.flag for axis in method.axes] + [NEEDS[need].flag for need in method.needs]
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
    acquired = [each for each in series if each.get("acq", "").startswith(method.acquired)]
    series = acquired or series
    chosen = {subject.removeprefix("sub-") for subject in subjects}
    absent = chosen - {entities["sub"] for entities in series}
    if absent:
        raise InputError(f"{root}: no {suffix} series of sub-{sorted(absent)[0]}")
    return [
        BidsSource(root, suffix, entities, method.series[suffix])
        for entities in series
        if not chosen or entities["sub"] in chosen
    ]


def _shared(series: bids.Series, need: Need) -> float:
    """A number that the sidecars of all images of a series must give alike."""
    found = None
    for path, fields in zip(series.sources, series.metadata, strict=True):
        given = fields.get(need.field)
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise InputError(f"{path}: its sidecar has no {need.field}, the {need.words}")
        value = float(given)
        found = value if found is None else found
        said = with_unit(value, need.field, on_disk=True)
        if not np.isfinite(value) or value <= 0:
            raise InputError(f"{path}: {need.field} is {said}, expected a number above zero")
        if not np.isclose(value, found, rtol=1e-3):
            first = with_unit(found, need.field, on_disk=True)
            raise InputError(
                f"{path}: {need.field} is {said}, but {first} for {series.sources[0].name}"
            )
        if need.within is not None:
            check_unit([value], need.field, [path], on_disk=True, largest_within=need.within)
    assert found is not None
    return found
