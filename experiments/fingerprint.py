"""Whether a dataset is still what a run was made from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from jaxqmri.io import bids
from jaxqmri.io.files import read_bytes


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
