"""A map that an earlier fit of the same dataset has left, by the name that a person types."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from jaxqmri.cli.naming import descs_of
from jaxqmri.io import InputError, bids
from jaxqmri.io.entities import ORDER


def is_map_name(text: str) -> bool:
    """Whether this can be a map's name, having neither folder nor extension."""
    return "." not in text and Path(text).name == text


def find_map(text: str, folders: Sequence[Path], entities: Mapping[str, str], flag: str) -> Path:
    """The one map of this name that belongs to a series.

    ``T1map`` is also the one of a method that names itself, ``desc-t1vfa_T1map``, where there is
    no plain one. Of several, as runs and protocols leave them, the one counts whose entities are
    those of the series; else the only one that does not contradict them.

    Parameters
    ----------
    text
        The name: a suffix with its ``desc`` where the map has one, and what else tells it apart,
        such as ``TB1map``, ``desc-t2epg_TB1map``, ``run-2_TB1map``.
    folders
        Where maps lie; the first that has one counts.
    entities
        Of the series.
    flag
        What was typed, for messages.

    Raises
    ------
    InputError
        If ``text`` is no such name, there is no such map, or several may be meant.
    """
    called = bids.parse_name(f"{text}.nii.gz")
    if called is None or not set(called.entities) <= set(ORDER) - {"sub", "ses"}:
        raise InputError(f"{flag}: expected a number, a file, or the name of a map such as TB1map")
    who = {key: entities[key] for key in ("sub", "ses") if key in entities}
    desc = called.entities.get("desc")
    alternatives: list[list[str | None]] = [[desc]]
    if desc is None:
        alternatives.append([*descs_of(called.suffix)])
    found: list[tuple[bids.Entities, Path]] = []
    for folder, descs in itertools.product(folders, alternatives):
        found = [
            (of_map, path)
            for each in descs
            for of_map, path in _maps(folder, called.suffix, each, who.get("sub"))
            if (who | called.entities).items() <= of_map.items()
            and of_map.get("ses") == who.get("ses")
        ]
        if found:
            break
    same = [path for of_map, path in found if of_map == {**entities, **called.entities}]
    agreeing = [
        path
        for of_map, path in found
        if all(entities.get(key, value) == value for key, value in of_map.items())
    ]
    meant = same or agreeing or [path for _, path in found]
    if not meant:
        expected = bids.build_name(who | called.entities, called.suffix)
        raise InputError(f"{flag}: no such file, nor a map {expected}.nii.gz in {folders[0]}")
    if len(meant) > 1:
        apart = {k: v for k, v in found[0][0].items() if k not in who}
        raise InputError(
            f"{flag}: may be {meant[0].name} or {meant[1].name}; say which, such as "
            f"{bids.build_name(apart, called.suffix)}"
        )
    return meant[0]


def _maps(
    folder: Path, suffix: str, desc: str | None, subject: str | None
) -> list[tuple[bids.Entities, Path]]:
    try:
        return bids.find_maps(folder, suffix, desc, subject)
    except InputError:
        return []
