"""T2 of what readers drew, by any of the fits, and their readings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Bool, Float

from experiments.knee_t2.readings import Reading, read
from experiments.knee_t2.study import Study
from experiments.knee_t2.t2_fits import OFFSET, Echoes, fit_t2
from jaxqmri.analysis.cartilage import Rule

Maps = Sequence[Float[np.ndarray, "s h w"]]


def drawn_t2(
    study: Study, how: str = OFFSET, visits: Iterable[int] | None = None
) -> dict[int, np.ndarray]:
    """T2 in ms of each visit where any reader drew cartilage; NaN where there is none."""
    found = {}
    for number in range(len(study.visits)) if visits is None else visits:
        visit = study.visits[number]
        t2 = np.full(visit.inside.shape, np.nan, np.float32)
        t2[visit.inside] = fit_t2(Echoes(visit.signals, visit.times, visit.sigma), how)
        found[number] = t2
    return found


def confirmed(
    study: Study, t2: dict[int, np.ndarray], reader: str
) -> dict[int, Bool[np.ndarray, "s h w"]]:
    """What a reader drew and T2 confirms, in the visits that the reader read."""
    return {
        number: study.visits[number].drawn[reader] & np.isfinite(one)
        for number, one in t2.items()
        if reader in study.visits[number].drawn
    }


def reading_of(study: Study, t2: dict[int, np.ndarray], reader: str, rule: Rule) -> Reading:
    """A reader's cartilage, divided."""
    return {
        number: read(study, number, inside, t2[number], rule)
        for number, inside in confirmed(study, t2, reader).items()
    }
