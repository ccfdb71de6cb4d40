"""Folds of subjects: the same for everything that a study compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from jaxqmri.io import InputError

if TYPE_CHECKING:
    from jaxqmri.training import Split


def split_people(
    people: Sequence[Mapping[str, Any]],
    balance: Sequence[str],
    folds: int,
    validation: float,
    seed: int,
) -> tuple[list[Split], Int[np.ndarray, " p"]]:
    """Training, validation and test subjects of every fold, and the fold of each subject.

    Parameters
    ----------
    people
        The table of participants, one row for each subject.
    balance
        Columns to balance, those of them that the table has.
    folds
        How many; a column ``fold`` is obeyed instead.
    validation
        Subjects outside the fold that are set aside to watch the training: their part below 1,
        their number from 1 on.
    seed
        Random seed.

    Raises
    ------
    InputError
        If the subjects are too few, or their table's folds make no sense.
    """
    from jaxqmri.training import assign_folds, make_splits

    there = [column for column in balance if any(column in person for person in people)]
    try:
        if folds < 2 or validation <= 0:
            raise ValueError("expected at least 2 folds, and validation subjects in each")
        if validation >= 1 and validation != int(validation):
            raise ValueError("expected a part of the subjects below 1, or a whole number of them")
        own = assign_folds(people, balance=there, count=folds, seed=seed)
        part = validation
        if part >= 1:
            outside = len(people) - int(np.bincount(own).max())
            if part >= outside:
                raise ValueError(f"expected fewer than the {outside} subjects outside a fold")
            part /= outside
        splits = make_splits(people, own, balance=there, validation=part, seed=seed)
    except ValueError as error:
        raise InputError(f"--folds {folds}, --validation {validation:g}: {error}") from None
    return splits, np.asarray(own)
