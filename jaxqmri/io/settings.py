"""What results were made with: compared with what is asked for now, files by what they hold."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from jaxqmri.io.files import open_to_read

_FILE, _DIGEST = "file", "blake2b"
_MOST = 3  # differences told of many


def contents_of(path: str | os.PathLike[str]) -> dict[str, str]:
    """A file as a setting: compared by what it holds, told by its name.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    with open_to_read(path) as file:  # piece by piece: it may be larger than memory
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    return {_FILE: os.fspath(path), _DIGEST: digest}


def as_json(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they come back from a JSON file."""
    return json.loads(json.dumps(dict(settings), default=str))


def difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """What differs between two settings, as a person can read it; None where nothing does.

    Parameters
    ----------
    before, now
        Settings as JSON can hold them. Files (:func:`contents_of`) are the same where they hold
        the same, wherever they lie.
    """
    told: list[str] = []
    for name in sorted({*before, *now}):
        told += _changes(name, before.get(name), now.get(name))
    if len(told) > _MOST:
        told = [*told[:_MOST], f"and {len(told) - _MOST} more"]
    return "; ".join(told) or None


def _changes(name: str, before: Any, now: Any) -> list[str]:
    if before == now:
        return []
    if _is_file(before) and _is_file(now):
        if before[_DIGEST] == now[_DIGEST]:
            return []
        if before[_FILE] == now[_FILE]:
            return [f"{name}: {now[_FILE]} has changed"]
    elif isinstance(before, dict) and isinstance(now, dict):
        found: list[str] = []
        for key in sorted({*before, *now}):
            found += _changes(f"{name} {key}", before.get(key), now.get(key))
        return found
    elif _are_files(before) and _are_files(now) and len(before) == len(now):
        return [
            text
            for one, other in zip(before, now, strict=True)
            for text in _changes(name, one, other)
        ]
    return [f"{name}: {_short(before)} there, {_short(now)} now"]


def _is_file(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {_FILE, _DIGEST}


def _are_files(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_file(entry) for entry in value)


def _short(value: Any) -> str:
    if value is None:
        return "none"
    if _is_file(value):
        return value[_FILE]
    if _are_files(value):
        return f"{len(value)} files"
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
