"""Who trains and who is tested: folds of patients, or of discs as the paper's text allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from jaxqmri.io import InputError
from jaxqmri.training import assign_folds

Numbers = Int[np.ndarray, " _"]
Folds = Sequence[tuple[Numbers, Numbers]]  # training and tested discs
BALANCE = ("sex",)
PARTS = ("train", "test")  # in a column ``fold``


def patients_of(
    people: Sequence[Mapping[str, Any]], data: Path, seed: int
) -> tuple[Numbers, Numbers]:
    """Patients to train on and to test; a column ``fold`` (train, test) is obeyed.

    Without one, one patient in six is tested.

    Raises
    ------
    InputError
        If the column holds something else, or a part is empty.
    """
    own = [person.get("fold") for person in people]
    if any(part is not None for part in own):
        odd = sorted({str(part) for part in own} - set(PARTS))
        if odd:
            raise InputError(
                f"{data / 'participants.tsv'}: fold {', '.join(odd)}, expected train or test"
            )
        train, test = (np.flatnonzero([part == name for part in own]) for name in PARTS)
    else:
        dealt = _dealt(people, 6, seed, data)
        train, test = np.flatnonzero(dealt != 0), np.flatnonzero(dealt == 0)
    if not train.size or not test.size:
        raise InputError(f"{data}: {train.size} patients to train on, {test.size} to test")
    return train, test


def patient_folds(
    people: Sequence[Mapping[str, Any]], patients: Numbers, owner: Numbers, count: int, seed: int,
    data: Path,
) -> Numbers:  # fmt: skip
    """Fold of every disc, the discs of a patient together; -1 where a patient takes no part."""
    fold = np.full(len(people), -1)
    rows = [{key: value for key, value in people[p].items() if key != "fold"} for p in patients]
    fold[patients] = _dealt(rows, count, seed, data)
    return fold[owner]


def disc_folds(discs: Numbers, total: int, count: int, seed: int) -> Numbers:
    """Fold of every disc, dealt out without a look at whose it is; -1 where it takes no part."""
    fold = np.full(total, -1)
    fold[discs] = np.random.default_rng(seed).permutation(np.arange(discs.size) % count)
    return fold


def pairs_of(fold: Numbers) -> Folds:
    """Training and tested discs of every fold."""
    return [
        (np.flatnonzero((fold >= 0) & (fold != k)), np.flatnonzero(fold == k))
        for k in range(int(fold.max()) + 1)
    ]


def _dealt(people: Sequence[Mapping[str, Any]], count: int, seed: int, data: Path) -> Numbers:
    balance = [column for column in BALANCE if any(column in person for person in people)]
    try:
        return np.asarray(assign_folds(people, balance=balance, count=count, seed=seed))
    except ValueError as error:
        raise InputError(f"{data}: {error}") from None
