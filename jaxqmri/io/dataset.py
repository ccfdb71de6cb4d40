"""What a whole BIDS dataset says about itself: description, participants, ignored names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from jaxqmri.io.errors import InputError
from jaxqmri.io.files import read_table, write_json, write_table, write_text

BIDS_VERSION = "1.10.0"
_EXTENSIONS_OF_OURS = ("*_T1rhow.nii.gz", "*_T1rhow.nii", "*_T1rhow.json")


def write_dataset_description(
    root: str | Path,
    name: str,
    kind: Literal["raw", "derivative"] = "raw",
    sources: Sequence[str] = (),
    **fields: Any,
) -> None:
    """Write ``dataset_description.json``, and for raw data the ``.bidsignore`` of our extension.

    Parameters
    ----------
    root
        The dataset, or the pipeline's folder under ``derivatives``.
    name
        What the dataset is, in a few words.
    kind
        Raw images, or what was made from them.
    sources
        URLs or relative paths of the datasets that a derivative was made from.
    **fields
        Further fields, such as ``License`` or ``HowToAcknowledge``.
    """
    from jaxqmri import __version__

    content: dict[str, Any] = {"Name": name, "BIDSVersion": BIDS_VERSION, "DatasetType": kind}
    content["GeneratedBy"] = [{"Name": "jaxqmri", "Version": __version__}]
    if sources:
        content["SourceDatasets"] = [{"URL": source} for source in sources]
    root = Path(root)
    write_json(root / "dataset_description.json", content | fields)
    if kind == "raw":
        write_text(root / ".bidsignore", "\n".join(_EXTENSIONS_OF_OURS) + "\n")


def read_participants(root: str | Path) -> list[dict[str, Any]]:
    """Rows of ``participants.tsv``; numbers as numbers, ``n/a`` as None.

    Raises
    ------
    InputError
        If the table is missing or broken, or has no ``participant_id``, or has one twice.
    """
    path = Path(root) / "participants.tsv"
    rows = read_table(path)
    seen = set()
    for row in rows:
        who = row.get("participant_id")
        if who is None:
            raise InputError(f"{path}: expected a participant_id in every row")
        if who in seen:
            raise InputError(f"{path}: {who} appears twice")
        seen.add(who)
    return rows


def add_participant(root: str | Path, who: str) -> None:
    """Add a row for ``who`` (``sub-01``) to ``participants.tsv`` unless there is one."""
    path = Path(root) / "participants.tsv"
    rows = read_participants(root) if path.exists() else []
    if all(row["participant_id"] != who for row in rows):
        columns = list(rows[0]) if rows else ["participant_id"]
        write_table(path, [*rows, {"participant_id": who}], columns)


def write_participants(
    root: str | Path,
    rows: Sequence[Mapping[str, Any]],
    descriptions: Mapping[str, Mapping[str, Any]],
) -> None:
    """Write ``participants.tsv`` and, in ``participants.json``, what its columns mean.

    Parameters
    ----------
    root
        The dataset.
    rows
        One mapping for each subject, all with the same keys; ``participant_id`` (``sub-01``) is
        put first.
    descriptions
        For each column its ``Description``, and ``Units`` or ``Levels`` where it has them.
    """
    names = list(dict.fromkeys(key for row in rows for key in row))
    columns = ["participant_id", *(name for name in names if name != "participant_id")]
    write_json(Path(root) / "participants.json", descriptions)
    write_table(Path(root) / "participants.tsv", rows, columns)
