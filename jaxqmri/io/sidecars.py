"""Sidecar metadata of one image, inherited from the dataset's folders downwards."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jaxqmri.io.acquisition import from_disk
from jaxqmri.io.entities import parse_name
from jaxqmri.io.errors import InputError
from jaxqmri.io.files import read_json
from jaxqmri.io.image import sidecar_path


class Metadata(NamedTuple):
    """What is known of one image.

    Attributes
    ----------
    fields
        Sidecar fields, times in ms.
    sources
        For each field, the file that it came from.
    """

    fields: dict[str, Any]
    sources: dict[str, Path]


def read_metadata(root: Path, image: Path) -> Metadata:
    """Sidecar fields of an image, by the inheritance principle of BIDS.

    A JSON file applies when it lies in one of the folders from ``root`` to the image's, has the
    image's suffix, and names no entity that the image does not have; a deeper folder, then more
    entities, override.

    Raises
    ------
    InputError
        If no sidecar applies, or one is not valid JSON.
    """
    return read_metadata_of(root, [image])[0]


def read_metadata_of(root: Path, images: Sequence[Path]) -> list[Metadata]:
    """Sidecar fields of each of several images, as :func:`read_metadata` finds them.

    Their folders are looked through once: a dataset's root lists all of its subjects.
    """
    names = cache(_json_names)
    return [_read(image, _applicable(root, image, names)) for image in images]


def _read(image: Path, sidecars: Sequence[Path]) -> Metadata:
    fields: dict[str, Any] = {}
    sources: dict[str, Path] = {}
    for path in sidecars:
        content = from_disk(read_json(path))
        fields.update(content)
        sources.update(dict.fromkeys(content, path))
    if not fields:
        raise InputError(f"{image}: no sidecar, expected {sidecar_path(image).name} beside it")
    return Metadata(fields, sources)


def number(metadata: Metadata, image: Path, names: Sequence[str]) -> float | None:
    """The first of these fields that there is, as a number; None if there is none.

    Raises
    ------
    InputError
        If it is not a number.
    """
    for name in names:
        if name in metadata.fields:
            value = metadata.fields[name]
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InputError(
                    f"{metadata.sources[name]}: {name} is {value!r}, expected a number"
                )
            return float(value)
    return None


def _json_names(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.endswith(".json")]


def _applicable(root: Path, image: Path, names: Callable[[Path], list[str]]) -> list[Path]:
    """The JSON files that apply to an image, those that override last."""
    name = parse_name(image)
    if name is None:
        path = sidecar_path(image)
        return [path] if path.exists() else []
    below = image.parent.relative_to(root).parts
    folders = [root.joinpath(*below[:depth]) for depth in range(len(below) + 1)]
    ending = f"{name.suffix}.json"
    found = []
    for folder in folders:
        here = []
        for entry in names(folder):
            candidate = parse_name(entry) if entry.endswith(ending) else None
            if (
                candidate is not None
                and candidate.suffix == name.suffix
                and candidate.entities.items() <= name.entities.items()
            ):
                here.append((len(candidate.entities), entry, folder / entry))
        found += [path for _, _, path in sorted(here)]
    return found
