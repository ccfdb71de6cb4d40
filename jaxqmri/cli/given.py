"""What a fit is given beside its images: mask, known maps, bounds, noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from jaxqmri.cli.background import find_air
from jaxqmri.cli.inputs import BidsSource, Source
from jaxqmri.io import InputError, bids, nifti

Sigma = float | Literal["background"] | None


class Given(NamedTuple):
    """A value for a fit, with the file that it came from, None for a number."""

    value: Any
    path: Path | None = None


def read_mask(text: str, source: Source, images: nifti.Image) -> Given:
    """A mask file, or the regions that someone drew in the same BIDS dataset.

    Raises
    ------
    InputError
        If there is no such file, it lies on another grid, or no voxel is inside.
    """
    path = Path(text)
    if isinstance(source, BidsSource) and not path.is_file():
        if not bids.map_folder(source.root, text).is_dir():
            raise InputError(
                f"--mask {text}: no such file, nor a folder derivatives/{text} in {source.root}"
            )
        mask = bids.read_labels(source.root, text, _who(source))
    else:
        mask = nifti.read_image(path)
    nifti.check_same_grid(mask, images, "mask")
    inside = np.isfinite(mask.data) & (mask.data != 0)
    if not inside.any():
        raise InputError(f"{mask.path}: the mask is empty, no voxel is above zero")
    return Given(inside, mask.path)


def read_known(
    texts: Sequence[str],
    option: str,
    parameters: Sequence[str],
    source: Source,
    out: Path,
    images: nifti.Image,
) -> dict[str, Given]:
    """Parameters held at a number or a map, from ``NAME=VALUE``.

    A value is a number, a file, or in a BIDS folder the name of a map (``b1=TB1map``) that an
    earlier fit wrote for the same subject, with its ``desc`` where it has one
    (``b1=desc-t2epg_TB1map``).

    Raises
    ------
    InputError
        If a name is no parameter, or a map is missing, on another grid or in seconds unknown.
    """
    known = {}
    for name, text in _pairs(texts, option, parameters):
        number = _number(text)
        if number is not None:
            known[name] = Given(number)
            continue
        path = Path(text)
        if isinstance(source, BidsSource) and not path.is_file() and _is_name(text):
            path = _earlier_map(text, option, name, source, out)
        found = bids.read_map(path)
        image = nifti.Image(found.data, found.affine, found.path)
        nifti.check_same_grid(image, images, f"{name} map")
        known[name] = Given(found.data, found.path)
    return known


def read_bounds(texts: Sequence[str], parameters: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Bounds from ``NAME=LOWER,UPPER``.

    Raises
    ------
    InputError
        If a name is no parameter, or its value is not two rising numbers.
    """
    bounds = {}
    for name, text in _pairs(texts, "--bounds", parameters):
        ends = [_number(part) for part in text.split(",")]
        if len(ends) != 2 or ends[0] is None or ends[1] is None or not ends[0] < ends[1]:
            raise InputError(
                f"--bounds {name}={text}: expected two rising numbers such as {name}=1,100"
            )
        bounds[name] = (ends[0], ends[1])
    return bounds


def check_known(
    known: Mapping[str, Given], known_std: Mapping[str, Given], bounds: tuple[Any, Any]
) -> None:
    """Refuse fixed numbers that the model cannot take, and errors that are none.

    Parameters
    ----------
    known, known_std
        Fixed parameters and their standard errors.
    bounds
        The model's lower and upper bounds, by parameter.

    Raises
    ------
    InputError
        If a fixed number is not finite or not within the bounds, or a standard error is negative
        or a number that is not finite.
    """
    for name, entry in known.items():
        low, high = (float(getattr(end, name)) for end in bounds)
        if entry.path is None and not (np.isfinite(entry.value) and low <= entry.value <= high):
            raise InputError(
                f"--fixed {name}={entry.value:g}: expected a number from {low:g} to {high:g}"
            )
    for name, entry in known_std.items():
        if entry.path is None and not (np.isfinite(entry.value) and entry.value >= 0):
            raise InputError(
                f"--fixed-std {name}={entry.value:g}: expected a number, zero or above"
            )
        if np.any(np.asarray(entry.value) < 0):
            raise InputError(f"{entry.path}: --fixed-std {name}: a standard error below zero")


def noise_level(sigma: Sigma, likelihood: str, images: nifti.Image) -> float | None:
    """Noise of each channel: as given, from the air, or None to pool residuals.

    Raises
    ------
    InputError
        If a number is not above zero, no air is found, or a Rician fit has none.
    """
    if sigma is None:
        if likelihood == "rician":
            raise InputError(
                "--likelihood rician: needs the noise, --sigma VALUE or --sigma background"
            )
        return None
    if sigma != "background":
        if not np.isfinite(sigma) or sigma <= 0:
            raise InputError(f"--sigma {sigma:g}: expected a number above zero")
        return float(sigma)
    air = find_air(images.data)
    if air is None:
        raise InputError(
            f"{images.path}: --sigma background finds no air that scatters as noise does "
            "(cropped, set to zero, or filtered); give --sigma VALUE"
        )
    from jaxqmri.physics import sigma_from_background

    return float(sigma_from_background(images.data[air]))


def _earlier_map(text: str, option: str, name: str, source: BidsSource, out: Path) -> Path:
    """The map of this name that a fit of the same subject has left in ``out``."""
    called = bids.parse_name(f"{text}.nii.gz")
    if called is None or set(called.entities) - {"desc"}:
        raise InputError(
            f"{option} {name}={text}: expected a number, a file, or the name of a map "
            "such as TB1map"
        )
    return bids.find_image(out, {**_who(source), **called.entities}, called.suffix)


def _is_name(text: str) -> bool:
    """Whether this can be a map's name, having neither folder nor extension."""
    return "." not in text and Path(text).name == text


def _who(source: BidsSource) -> dict[str, str]:
    return {key: source.entities[key] for key in ("sub", "ses") if key in source.entities}


def _pairs(texts: Sequence[str], option: str, parameters: Sequence[str]) -> list[tuple[str, str]]:
    pairs = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not value:
            raise InputError(f"{option} {text}: expected NAME=VALUE")
        if name not in parameters:
            raise InputError(f"{option} {text}: the parameters are {', '.join(parameters)}")
        if name in dict(pairs):
            raise InputError(f"{option} {text}: {name} is given twice")
        pairs.append((name, value))
    return pairs


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
