"""Who trains, who validates, who is tested, and which visit of the tested both readers read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from experiments.knee_t2.comparisons import Visits
from experiments.knee_t2.paper import SUBJECTS
from experiments.knee_t2.study import FIRST, LAST, Study
from jaxqmri import training
from jaxqmri.io import InputError
from jaxqmri.training import Split

BALANCE = ("bmi_group", "sex")
PARTS = tuple(SUBJECTS)  # in a column ``fold``
AT_BASELINE = 7  # of so many test subjects one was read by Reader 2 at baseline, as in the paper


def split_of(people: Sequence[Mapping[str, Any]], data: Path, seed: int) -> Split:
    """Training, validation and test subjects: a column ``fold`` is obeyed.

    Without one a tenth of the subjects is for validation and a tenth for testing, balanced by sex
    and body mass.

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
                f"{data / 'participants.tsv'}: fold {', '.join(odd)}, expected {', '.join(PARTS)}"
            )
        parts = [np.flatnonzero([part == name for part in own]) for name in PARTS]
    else:
        balance = [column for column in BALANCE if any(column in person for person in people)]
        try:
            folds = training.assign_folds(people, balance=balance, count=10, seed=seed)
        except ValueError as error:
            raise InputError(f"{data}: {error}") from None
        parts = [np.flatnonzero(folds > 1), np.flatnonzero(folds == 1), np.flatnonzero(folds == 0)]
    if not all(part.size for part in parts):
        told = ", ".join(f"{part.size} {name}" for part, name in zip(parts, PARTS, strict=True))
        raise InputError(f"{data}: {told} subjects, expected some of each")
    return Split(*parts)


def compared_visits(study: Study, subjects: Int[np.ndarray, " _"]) -> Visits:
    """Both visits of the test subjects, and of each the one that counts for Reader 2.

    Where Reader 2 read both, as simulated ones do, it is the second of all but one in seven.
    """
    test = np.full((subjects.size, 2), -1)
    subset = np.full((subjects.size, 1), -1)
    for k, subject in enumerate(subjects):
        own = study.by_session(subject)
        test[k] = [own.get(FIRST, -1), own.get(LAST, -1)]
        order = (FIRST, LAST) if k % AT_BASELINE == 0 else (LAST, FIRST)
        read = [own[s] for s in order if s in own and "reader2" in study.visits[own[s]].drawn]
        if read:
            subset[k] = read[0]
    return Visits(test, subset)
