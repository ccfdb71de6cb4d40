"""What a fit is given beside its images: mask, known maps, bounds, noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from jaxqmri.cli.background import find_air
from jaxqmri.cli.earlier import find_map, is_map_name
from jaxqmri.cli.inputs import PIPELINE, BidsSource, Source
from jaxqmri.io import InputError, bids, nifti

Limits = Mapping[str, tuple[float, float]]
SMOOTH_FIELDS = ("b1",)  # parameters that may be interpolated between voxels
Sigma = float | Literal["background"] | None


class Given(NamedTuple):
    """A value for a fit, with the file that it came from, None for a number.

    ``interpolated`` where the file lies on another grid than the images.
    """

    value: Any
    path: Path | None = None
    interpolated: bool = False


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
    earlier fit of the same subject left in ``out``, or else in ``derivatives/jaxqmri``. B1, a
    smooth field, may lie on another grid that covers the images; it is interpolated linearly.

    Raises
    ------
    InputError
        If a name is no parameter, or a map is missing, on another grid or one of several that may
        be meant.
    """
    known = {}
    for name, text in _pairs(texts, option, parameters):
        value = _number_or_map(text, f"{option} {name}={text}", source, out)
        if isinstance(value, nifti.Image):
            known[name] = _on_the_grid(value, images, name)
        else:
            known[name] = Given(value)
    return known


def read_covariances(
    texts: Sequence[str],
    known_std: Mapping[str, Given],
    source: Source,
    out: Path,
    images: nifti.Image,
) -> dict[tuple[str, str], Given]:
    """Covariances of the errors of fixed parameters, from ``NAME,NAME=VALUE``.

    A value is given as for :func:`read_known`.

    Raises
    ------
    InputError
        If it is not of two parameters with a ``--fixed-std``, is given twice, or a map is missing
        or on another grid.
    """
    found: dict[tuple[str, str], Given] = {}
    for text in texts:
        option = f"--fixed-cov {text}"
        pair, equals, value = text.partition("=")
        names = tuple(pair.split(","))
        if not equals or not value or len(set(names)) != 2 or len(names) != 2:
            raise InputError(f"{option}: expected NAME,NAME=VALUE")
        for name in names:
            if name not in known_std:
                raise InputError(f"{option}: {name} has no --fixed-std")
        if names in found or names[::-1] in found:
            raise InputError(f"{option}: given twice")
        read = _number_or_map(value, option, source, out)
        if isinstance(read, nifti.Image):
            nifti.check_same_grid(read, images, "covariance map")
            found[names] = Given(read.data, read.path)
        else:
            found[names] = Given(read)
    return found


def _number_or_map(text: str, option: str, source: Source, out: Path) -> float | nifti.Image:
    """What a typed value stands for: a number, a file, or a map of an earlier fit."""
    number = _number(text)
    if number is not None:
        return number
    path = Path(text)
    if isinstance(source, BidsSource) and not path.is_file() and is_map_name(text):
        folders = (out, bids.map_folder(source.root, PIPELINE))
        path = find_map(text, folders, source.entities, option)
    found = bids.read_map(path)
    return nifti.Image(found.data, found.affine, found.path)


def _on_the_grid(image: nifti.Image, images: nifti.Image, name: str) -> Given:
    """A map on the grid of the images; B1 is brought onto it where it covers them."""
    try:
        nifti.check_same_grid(image, images, f"{name} map")
    except InputError as error:
        if name not in SMOOTH_FIELDS:
            raise
        from jaxqmri.preprocessing.fields import covers, field_on_grid

        x, y, z = images.data.shape[:3]
        onto, shape = images.affine, (x, y, z)
        if image.data.ndim != 3 or not covers(image.data.shape, image.affine, shape, onto):
            raise InputError(f"{error}; nor does it cover the field of view") from None
        field = field_on_grid(image.data, None, image.affine, shape, onto)
        return Given(field.values, image.path, interpolated=True)
    return Given(image.data, image.path)


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


def check_known(known: Mapping[str, Given], known_std: Mapping[str, Given], limits: Limits) -> None:
    """Refuse fixed numbers that the model cannot take, and errors that are none.

    Parameters
    ----------
    known, known_std
        Fixed parameters and their standard errors.
    limits
        Between which values the model holds, by parameter.

    Raises
    ------
    InputError
        If a fixed number is not finite or not within the limits, or a standard error is negative
        or a number that is not finite.
    """
    for name, entry in known.items():
        low, high = limits[name]
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


def outside_limits(known: Mapping[str, Given], limits: Limits, mask: Given | None) -> list[str]:
    """What to tell of fixed maps that in some voxels hold nothing that the model can take.

    Parameters
    ----------
    known
        Fixed parameters.
    limits
        Between which values the model holds, by parameter.
    mask
        The voxels to fit, all when None.
    """
    told = []
    for name, entry in known.items():
        if entry.path is None:
            continue
        low, high = limits[name]
        values = entry.value if mask is None else entry.value[mask.value]
        number = np.isfinite(values)
        beyond = np.count_nonzero(number & ((values < low) | (values > high)))
        missing = np.count_nonzero(~number)
        if beyond or missing:
            told.append(
                f"{entry.path}: of {values.size} voxels to fit, {name} lies outside "
                f"{low:g} to {high:g} in {beyond} and is no number in {missing}"
            )
    return told


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
