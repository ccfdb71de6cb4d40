"""BIDS file names: ``sub-01_ses-1_echo-2_MESE`` to its entities and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jaxqmri.io.image import EXTENSIONS

Entities = dict[str, str]

ORDER = (
    "sub",
    "ses",
    "sample",
    "task",
    "acq",
    "ce",
    "trc",
    "rec",
    "dir",
    "run",
    "echo",
    "flip",
    "inv",
    "tsl",
    "mt",
    "part",
    "proc",
    "space",
    "split",
    "res",
    "den",
    "label",
    "desc",
)
"""The order in which entities stand in a name; ``tsl`` (spin-lock time) is our extension."""

_ENTITY = re.compile(r"([a-z]+)-([A-Za-z0-9+.]+)")


class Name(NamedTuple):
    """A file name taken apart."""

    entities: Entities
    suffix: str


def parse_name(path: str | Path) -> Name | None:
    """Entities and suffix of an image or a sidecar, None if the name is not of this kind."""
    name = Path(path).name
    for extension in (*EXTENSIONS, ".json", ".tsv"):
        if name.endswith(extension):
            name = name.removesuffix(extension)
            break
    else:
        return None
    *parts, suffix = name.split("_")
    matches = [_ENTITY.fullmatch(part) for part in parts]
    if not suffix.isalnum() or any(match is None for match in matches):
        return None
    return Name({m[1]: m[2] for m in matches if m is not None}, suffix)


def build_name(entities: Mapping[str, Any], suffix: str) -> str:
    """The name, without extension, that holds these entities in their order.

    Raises
    ------
    ValueError
        If an entity is unknown, or a value is not letters and digits.
    """
    unknown = sorted(set(entities) - set(ORDER))
    if unknown:
        raise ValueError(f"unknown BIDS entity {unknown[0]!r}")
    parts = [f"{key}-{entities[key]}" for key in ORDER if key in entities]
    for part in parts:
        if _ENTITY.fullmatch(part) is None:
            raise ValueError(f"{part!r}: the value of a BIDS entity is letters and digits")
    return "_".join([*parts, suffix])


def folder_of(entities: Mapping[str, Any], datatype: str) -> Path:
    """Where files of these entities lie, from a dataset's root: ``sub-01/ses-1/anat``."""
    folder = Path(f"sub-{entities['sub']}")
    if "ses" in entities:
        folder /= f"ses-{entities['ses']}"
    return folder / datatype


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Sorts ``echo-2`` before ``echo-10``."""
    parts = re.split(r"(\d+)", text)
    return [(0, int(part), part) if part.isdigit() else (1, 0, part) for part in parts]


def entities_key(entities: Mapping[str, Any]) -> list[list[tuple[int, int, str]]]:
    """Sorts subjects, then sessions, then the rest, numbers by their size."""
    return [natural_key(str(entities.get(key, ""))) for key in ORDER]
