"""Two ways to judge the same networks: as the paper's text allows, and with patients kept apart.

The text deals 250 discs out to five folds and trains the classifier on what the network says of
the discs that it has learnt from. Kept apart, a patient's discs are in one fold, and the
classifier sees only what networks say of discs that they have not seen: of fold ``j``, while fold
``k`` is tested, the network that learnt from all folds but these two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from experiments.disc_phases.classifier import predict_phases, support_vectors
from experiments.disc_phases.metrics import FIVE_FOLDS, PATIENTS, TEST, TEXT, evaluated
from experiments.disc_phases.regression import OneTraining

Numbers = Int[np.ndarray, " _"]


class Dealt(NamedTuple):
    """Folds of the discs to train on, -1 for those of test patients.

    Attributes
    ----------
    patients, discs
        Fold of every disc: dealt out by patients, and without a look at whose it is.
    owner
        Patient of every disc.
    """

    patients: Numbers
    discs: Numbers
    owner: Numbers

    @property
    def folds(self) -> int:
        """How many folds."""
        return int(self.patients.max()) + 1

    @property
    def test(self) -> Numbers:
        """Numbers of the discs of the test patients."""
        return np.flatnonzero(self.patients < 0)


class Seen(NamedTuple):
    """What a classifier is trained on, and what it is asked: numbers of discs, and by whom."""

    train: list[tuple[str, Numbers]]  # label of a network, discs that it speaks of
    test: tuple[str, Numbers]


def arms_of(
    dealt: Dealt, aside: float, seed: int, *, whole: bool = True, name: str = ""
) -> list[OneTraining]:
    """All trainings of the second stage.

    Parameters
    ----------
    dealt
        The folds.
    aside
        Part of the patients, or of the discs, that a training is watched on.
    seed
        Of the trainings.
    whole
        Also what judges as the text allows, and the test set; otherwise patients apart alone.
    name
        Of the cohort, before every label.
    """
    folds = range(dealt.folds)
    known = dealt.patients >= 0
    chosen: list[tuple[str, np.ndarray, np.ndarray]] = [
        (_without(k), known & (dealt.patients != k), dealt.owner) for k in folds
    ]
    chosen += [
        (_without(j, k), known & (dealt.patients != j) & (dealt.patients != k), dealt.owner)
        for j, k in combinations(folds, 2)
    ]
    if whole:
        single = np.arange(known.size)
        chosen.append((_without(), known, dealt.owner))
        chosen += [(_without_discs(k), known & (dealt.discs != k), single) for k in folds]
    arms = []
    for label, own, unit in chosen:
        learnt, watched = _set_aside(np.flatnonzero(own), unit, aside, seed)
        arms.append(OneTraining(f"{name}{label}_seed-{seed}", learnt, watched, seed))
    return arms


def asked(dealt: Dealt, seed: int, *, whole: bool = True, name: str = "") -> dict[str, list[Seen]]:
    """By evaluation, what every one of its classifiers is trained on and asked."""
    folds = range(dealt.folds)

    def called(*without: int, discs: bool = False) -> str:
        label = _without_discs(*without) if discs else _without(*sorted(without))
        return f"{name}{label}_seed-{seed}"

    def own(k: int) -> Numbers:
        return np.flatnonzero(dealt.patients == k)

    apart = [
        Seen(
            [(called(j, k), own(j)) for j in folds if j != k],
            (called(k), own(k)),
        )
        for k in folds
    ]
    found = {evaluated(PATIENTS, FIVE_FOLDS): apart}
    if not whole:
        return found
    everyone = called()
    known = np.flatnonzero(dealt.patients >= 0)
    found[evaluated(PATIENTS, TEST)] = [
        Seen([(called(k), own(k)) for k in folds], (everyone, dealt.test))
    ]
    found[evaluated(TEXT, FIVE_FOLDS)] = [
        Seen(
            [(called(k, discs=True), np.flatnonzero((dealt.discs >= 0) & (dealt.discs != k)))],
            (called(k, discs=True), np.flatnonzero(dealt.discs == k)),
        )
        for k in folds
    ]
    found[evaluated(TEXT, TEST)] = [Seen([(everyone, known)], (everyone, dealt.test))]
    return found


class Judged(NamedTuple):
    """What one evaluation found, of all discs; not a number where a disc was not tested.

    Attributes
    ----------
    t1rho
        Maximum, minimum and mean that networks predict, ms.
    probabilities
        Of the phases.
    part
        Which of its classifiers was asked; -1 for none.
    """

    t1rho: Float[np.ndarray, "d 3"]
    probabilities: Float[np.ndarray, "d 3"]
    part: Numbers


def judge(
    wanted: list[Seen],
    predicted: Mapping[str, Float[np.ndarray, "d 3"]],
    phases: Int[np.ndarray, " d"],
    smote: bool,
    seed: int,
) -> Judged:
    """Train the classifiers of one evaluation and ask them.

    Parameters
    ----------
    wanted
        Of :func:`asked`.
    predicted
        T1rho of all discs in ms, by the label of the network.
    phases
        Of all discs, as measured.
    smote
        Whether phases are made equally frequent.
    seed
        Of all that is random.
    """
    t1rho = np.full((len(phases), 3), np.nan)
    part = np.full(len(phases), -1)
    for number, (_, (label, test)) in enumerate(wanted):
        t1rho[test], part[test] = predicted[label][test], number
    told = classified(wanted, predicted, phases, partial(support_vectors, seed=seed, smote=smote))
    return Judged(t1rho, told, part)


def classified(
    wanted: list[Seen],
    features: Mapping[str, Float[np.ndarray, "d f"]],
    phases: Int[np.ndarray, " d"],
    make: Callable[[Numbers], Any],
) -> Float[np.ndarray, "d 3"]:
    """Probabilities by the classifiers of one evaluation, NaN where a disc was not tested.

    Parameters
    ----------
    wanted
        Of :func:`asked`.
    features
        Of all discs, by the label of the network that they come from.
    phases
        Of all discs, as measured.
    make
        A classifier for discs of these phases, not yet trained.
    """
    probabilities = np.full((len(phases), 3), np.nan)
    for train, (label, test) in wanted:
        seen = np.concatenate([features[name][discs] for name, discs in train])
        known = phases[np.concatenate([discs for _, discs in train])]
        probabilities[test] = predict_phases(make(known), seen, known, features[label][test])
    return probabilities


def _without(*folds: int) -> str:
    """Label of a network that has learnt from the training patients but these folds."""
    return "-".join(["patients", *(f"without-{k}" for k in folds)])


def _without_discs(fold: int) -> str:
    return f"discs-without-{fold}"


def _set_aside(discs: Numbers, unit: Numbers, aside: float, seed: int) -> tuple[Numbers, Numbers]:
    """Discs to learn from and to watch, no ``unit`` in both."""
    units = np.unique(unit[discs])
    count = max(1, round(aside * units.size))
    taken = np.random.default_rng(seed).permutation(units)[:count]
    watched = np.isin(unit[discs], taken)
    return discs[~watched], discs[watched]
