"""Whether a dataset is still what a run was made from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from experiments.run import Run
from jaxqmri.io import bids
from jaxqmri.io.files import read_bytes, write_text

MADE_FROM = "made_from"  # checkpoint: fingerprint of the data


def dataset_fingerprint(data: Path, derivatives: Sequence[str] = ()) -> str:
    """Fingerprint of all of a dataset's own files, and of those of some derivatives.

    Parameters
    ----------
    data
        The dataset.
    derivatives
        Folders below ``derivatives`` that count as well.
    """
    digest = hashlib.blake2b(digest_size=16)
    for folder in (data, *(bids.map_folder(data, who) for who in derivatives)):
        below = [path for person in folder.glob("sub-*") for path in person.rglob("*")]
        for path in sorted([*folder.glob("*.json"), *folder.glob("*.tsv"), *below]):
            if path.is_file():
                content = hashlib.blake2b(read_bytes(path)).hexdigest()
                digest.update(f"{path.relative_to(data).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def keep_fingerprint(run: Run[Any], fingerprint: Callable[[Path], str]) -> None:
    """Note what a run is made from."""
    write_text(run.checkpoint(MADE_FROM), fingerprint(run.data))


def changed_since(run: Run[Any], fingerprint: Callable[[Path], str]) -> str | None:
    """What of its data is no longer what a complete run was made from, in words.

    A simulated cohort cannot change: its folder is named after all that it is made with.
    """
    if run.command.data is None:
        return None
    kept = run.checkpoint(MADE_FROM)
    same = kept.exists() and kept.read_text("utf-8") == fingerprint(run.data)
    return None if same else str(run.data)
