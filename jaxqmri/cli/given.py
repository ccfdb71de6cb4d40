"""What a fit is given beside its images: mask, known maps, bounds, noise."""

from __future__ import annotations

from collections.abc import Sequence
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
    if isinstance(source, BidsSource) and not path.exists():
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
    earlier fit wrote for the same subject.

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
        if isinstance(source, BidsSource) and not path.exists() and text.isalnum():
            path = bids.find_image(out, _who(source), text)
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
