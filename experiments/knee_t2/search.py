"""Which network is taken: the choice and the thresholds that agree best on validation subjects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from experiments.knee_t2.masks import (
    Predicted,
    Thresholds,
    cartilage_of,
    find_thresholds,
)
from experiments.knee_t2.paper import FIRST_PROBABILITY
from experiments.knee_t2.settings import Choice
from experiments.knee_t2.study import Study
from experiments.knee_t2.t2_fits import t2_map
from experiments.knee_t2.visits import read_echoes

Masks = Mapping[int, Bool[np.ndarray, "s h w"]]  # by the number of the visit


class Judged(NamedTuple):
    """One choice on the validation subjects.

    Attributes
    ----------
    choice
        Settings of the network.
    thresholds
        The best for it.
    dice
        Mean overlap with Reader 1 that they reach.
    """

    choice: Choice
    thresholds: Thresholds
    dice: float


def predict_visits(
    study: Study,
    probability: Float[np.ndarray, "s h w"],
    slices: Int[np.ndarray, " s"],
    visits: Iterable[int],
    how: str,
) -> dict[int, Predicted]:
    """What a network says of some visits, with T2 wherever cartilage is not ruled out.

    Parameters
    ----------
    study
        All visits.
    probability, slices
        What the network says, and the numbers of the slices it says it of.
    visits
        Those wanted.
    how
        How T2 is fitted.
    """
    found = {}
    for number in visits:
        visit, echoes = study.visits[number], read_echoes(study.tasks[number])
        own = np.asarray(probability[study.visit_of[slices] == number], np.float32)
        t2 = t2_map(echoes.images, own > FIRST_PROBABILITY, echoes.times, visit.sigma, how)
        sizes = np.linalg.norm(visit.affine[:3, :3], axis=0)
        found[number] = Predicted(own, t2, float(np.prod(np.delete(sizes, visit.axis))))
    return found


def judge_choice(
    choice: Choice, trainings: Sequence[Mapping[int, Predicted]], drawn: Masks
) -> Judged:
    """Find the thresholds of one choice on the validation visits, over all its trainings."""
    own = [(one[v], drawn[v]) for one in trainings for v in one if v in drawn]
    thresholds, dice = find_thresholds([p for p, _ in own], [d for _, d in own])
    return Judged(choice, thresholds, dice)


def binarised(
    predicted: Mapping[int, Predicted], thresholds: Thresholds
) -> dict[int, Bool[np.ndarray, "s h w"]]:
    """Cartilage of every visit."""
    return {v: cartilage_of(one, thresholds) for v, one in predicted.items()}
