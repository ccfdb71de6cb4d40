"""Who is in a dataset: one series each, and whether all have one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from experiments.run import say
from jaxqmri.io import InputError, bids


def find_subjects(data: Path, skip_incomplete: bool, suffix: str = "T1rhow") -> list[bids.Entities]:
    """Entities of every subject's series of one kind, in the order of the dataset.

    Raises
    ------
    InputError
        If a subject has none and incomplete ones are not to be skipped, or more than one:
        subjects are what is counted and resampled.
    """
    found = bids.find_series(data, suffix)
    without = _without_series(data, found)
    if without and not skip_incomplete:
        raise InputError(
            f"{data}: no {suffix} series of {', '.join(without)} "
            "(--skip-incomplete goes on without)"
        )
    if without:
        say(f"left out, without a {suffix} series: {', '.join(without)}")
    for before, after in pairwise(found):
        if before["sub"] == after["sub"]:
            raise InputError(
                f"{data}: sub-{after['sub']} has more than one {suffix} series, expected one"
            )
    return found


def person_of(entities: Mapping[str, str]) -> dict[str, str]:
    """Entities that name a subject and visit."""
    return {key: value for key, value in entities.items() if key in ("sub", "ses")}


def people_of(data: Path, entities: Sequence[Mapping[str, str]]) -> list[Mapping[str, Any]]:
    """What the table of participants says of each subject: its name alone where nothing."""
    table = data / "participants.tsv"
    rows = bids.read_participants(data) if table.exists() else []
    known = {row["participant_id"]: row for row in rows}
    names = [f"sub-{one['sub']}" for one in entities]
    return [known.get(name, {"participant_id": name}) for name in names]


def refuse_changed(folder: Path, changed: str | None) -> None:
    """Do not pass off a complete run as one of data that have changed since.

    Raises
    ------
    InputError
        If something has changed; ``changed`` says what.
    """
    if changed:
        raise InputError(
            f"{folder}: made before {changed} changed; give another --out, or --overwrite"
        )


def _without_series(data: Path, found: Sequence[Mapping[str, str]]) -> list[str]:
    """Subjects in the table or with a folder, but without a series."""
    table = data / "participants.tsv"
    listed = (
        [row["participant_id"] for row in bids.read_participants(data)] if table.exists() else []
    )
    folders = [path.name for path in data.glob("sub-*") if path.is_dir()]
    return sorted({*listed, *folders} - {f"sub-{entities['sub']}" for entities in found})
