"""Folds of subjects: balanced, reproducible, the same for everything that is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

Indices = Int[np.ndarray, " _"]
RESTARTS = 20


class Split(NamedTuple):
    """Subjects of one fold, as indices into the table they were made from."""

    train: Indices
    validation: Indices
    test: Indices


def assign_folds(
    subjects: Sequence[Mapping[str, Any]],
    *,
    balance: Sequence[str] = (),
    count: int = 5,
    seed: int = 0,
    name: str = "participant_id",
) -> Indices:
    """Fold of every subject.

    A ``fold`` column is obeyed. Without one, subjects are dealt out so that folds differ by at
    most one subject and every value of every ``balance`` column is as evenly spread as a search
    by exchanges finds it. The order of the table does not matter.

    Parameters
    ----------
    subjects
        Rows of a table of participants.
    balance
        Columns to balance, such as ``("sex", "kl_grade")``; a missing value counts as a value.
    count
        Number of folds; not used where there is a ``fold`` column.
    seed
        Random seed.
    name
        Column that tells subjects apart.

    Returns
    -------
    ndarray
        Number of the fold, from 0, shape ``(subjects,)``.

    Raises
    ------
    ValueError
        If there are fewer subjects than folds, a column is missing, a subject appears twice or
        some subjects have a fold and others none.
    """
    names = [str(row.get(name)) for row in subjects]
    if len(set(names)) < len(names):
        twice = next(each for each in names if names.count(each) > 1)
        raise ValueError(f"{name} {twice} appears twice: folds are made of subjects")
    given = [row.get("fold") for row in subjects]
    if any(fold is not None for fold in given):
        if None in given:
            missing = names[given.index(None)]
            raise ValueError(f"{name} {missing} has no fold while others have one")
        return np.unique(np.array([str(fold) for fold in given]), return_inverse=True)[1]
    if len(subjects) < count or count < 2:
        raise ValueError(f"{len(subjects)} subjects cannot make {count} folds")
    return _balanced(subjects, names, balance, count, seed)


def fold_seed(seed: int, fold: int) -> int:
    """A random seed of each fold's own."""
    return int(np.random.SeedSequence([seed, fold]).generate_state(1)[0])


def make_splits(
    subjects: Sequence[Mapping[str, Any]],
    folds: Indices,
    *,
    balance: Sequence[str] = (),
    validation: float = 0.125,
    seed: int = 0,
    name: str = "participant_id",
) -> list[Split]:
    """Training, inner validation and test subjects of every fold.

    Parameters
    ----------
    subjects
        Rows of a table of participants.
    folds
        Fold of each (:func:`assign_folds`).
    balance
        Columns by which the validation part is balanced.
    validation
        Part of the subjects outside the fold that is set aside to watch the training; at least
        one subject, unless 0.
    seed
        Random seed.
    name
        Column that tells subjects apart.

    Returns
    -------
    list of Split
        One for each fold; no subject is in two of its parts.

    Raises
    ------
    ValueError
        If no subject would be left for training.
    """
    if not 0 <= validation < 1:
        raise ValueError(f"validation must be a part from 0 to below 1, got {validation}")
    splits = []
    for fold in range(int(folds.max()) + 1):
        others = np.flatnonzero(folds != fold)
        wanted = max(1, round(validation * len(others))) if validation > 0 else 0
        if wanted >= len(others):
            raise ValueError(f"fold {fold}: {len(others)} subjects leave none for training")
        aside = np.zeros(len(others), bool)
        if wanted:
            rows = [subjects[i] for i in others]
            parts = -(-len(others) // wanted)
            names = [str(row.get(name)) for row in rows]
            aside = _balanced(rows, names, balance, parts, seed + fold) == 0
        splits.append(Split(others[~aside], others[aside], np.flatnonzero(folds == fold)))
    return splits


def _balanced(
    subjects: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    balance: Sequence[str],
    count: int,
    seed: int,
) -> Indices:
    """Best of several random deals, each improved by exchanging two subjects while that helps."""
    order = np.argsort(np.array(names))
    levels = _levels([subjects[i] for i in order], balance)
    rng = np.random.default_rng(seed)
    best, lowest = np.zeros(len(order), int), np.inf
    for _ in range(RESTARTS):
        dealt = rng.permutation(np.arange(len(order)) % count)
        cost = _exchange(dealt, levels, count)
        if cost < lowest - 1e-9:
            best, lowest = dealt.copy(), cost
    folds = np.empty(len(order), int)
    folds[order] = best
    return folds


def _levels(subjects: Sequence[Mapping[str, Any]], balance: Sequence[str]) -> np.ndarray:
    """One column of zeros and ones for each value of each balanced column."""
    columns = [np.ones((len(subjects), 1))]
    for column in balance:
        if not any(column in row for row in subjects):
            raise ValueError(f"no column {column!r} to balance the folds by")
        values = np.array([str(row.get(column)) for row in subjects])
        columns.append((values[:, None] == np.unique(values)).astype(float))
    return np.concatenate(columns, axis=1)


def _exchange(folds: np.ndarray, levels: np.ndarray, count: int) -> float:
    """Exchange subjects between folds, in place, until no exchange lowers the unevenness."""
    totals = np.stack([levels[folds == f].sum(0) for f in range(count)])
    even = levels.sum(0) / count
    improved = True
    while improved:
        improved = False
        for i in range(len(folds)):
            change = levels - levels[i]
            a, b = totals[folds[i]] - even, totals[folds] - even
            # moving d from one fold to another changes sum (c - even)^2 by 2 d (a - b) + 2 d^2
            gain = 2 * np.sum(change * (a - b) + change**2, axis=1)
            gain[folds == folds[i]] = 0.0
            j = int(np.argmin(gain))
            if gain[j] < -1e-9:
                totals[folds[i]] += change[j]
                totals[folds[j]] -= change[j]
                folds[i], folds[j] = folds[j], folds[i]
                improved = True
    return float(np.sum((totals - even) ** 2))
