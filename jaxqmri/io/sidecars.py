"""Sidecar metadata of one image, inherited from the dataset's folders downwards."""

from __future__ import annotations

from collections.abc import Sequence
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
    fields: dict[str, Any] = {}
    sources: dict[str, Path] = {}
    for path in _applicable(root, image):
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


def _applicable(root: Path, image: Path) -> list[Path]:
    name = parse_name(image)
    if name is None:
        path = sidecar_path(image)
        return [path] if path.exists() else []
    below = image.parent.relative_to(root).parts
    folders = [root.joinpath(*below[:depth]) for depth in range(len(below) + 1)]
    found = []
    for folder in folders:
        here = []
        for path in folder.glob(f"*{name.suffix}.json"):
            candidate = parse_name(path)
            if (
                candidate is not None
                and candidate.suffix == name.suffix
                and candidate.entities.items() <= name.entities.items()
            ):
                here.append((len(candidate.entities), path.name, path))
        found += [path for _, _, path in sorted(here)]
    return found
