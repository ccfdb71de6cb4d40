"""What a network has to beat, and what it can reach: the same folds, the same discs, no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from experiments.disc_phases.classifier import predict_phases, support_vectors
from experiments.disc_phases.folds import Folds

MAJORITY, LEVEL, LEVEL_AGE = "always the most frequent", "level", "level and age"
GRADE, SHAPE, READING = "Pfirrmann grade", "shape and intensity", "T1rho of one reading"


class Rung(NamedTuple):
    """Features of every disc, and what makes a classifier of them for the phases trained on."""

    features: Float[np.ndarray, "d f"]
    make: Callable[[Int[np.ndarray, " d"], int], Any]


def rungs(
    levels: Int[np.ndarray, " d"],
    ages: Float[np.ndarray, " d"],
    grades: Int[np.ndarray, " d"],
    shape: Float[np.ndarray, "d f"],
    reading: Float[np.ndarray, "d 3"],
    *,
    smote: bool = True,
) -> dict[str, Rung]:
    """All rungs by name, from the lowest; ``reading`` are T1rho values that one reader measured."""
    level, grade = _indicators(levels), _indicators(grades)
    return {
        MAJORITY: Rung(np.zeros((len(levels), 1)), _most_frequent),
        LEVEL: Rung(level, logistic),
        LEVEL_AGE: Rung(level_and_age(levels, ages), logistic),
        GRADE: Rung(np.column_stack([grade, grades]), logistic),
        SHAPE: Rung(shape, logistic),
        READING: Rung(reading, partial(support_vectors, smote=smote)),
    }


def climb(
    ladder: Mapping[str, Rung], phases: Int[np.ndarray, " d"], folds: Folds, seed: int
) -> dict[str, Float[np.ndarray, "d 3"]]:
    """Probabilities of every disc by every rung, from the folds that it is not in.

    Discs that no fold tests have not a number.
    """
    found = {}
    for name, rung in ladder.items():
        probabilities = np.full((len(phases), 3), np.nan)
        for train, test in folds:
            probabilities[test] = predict_phases(
                rung.make(phases[train], seed),
                rung.features[train],
                phases[train],
                rung.features[test],
            )
        found[name] = probabilities
    return found


def level_and_age(
    levels: Int[np.ndarray, " d"], ages: Float[np.ndarray, " d"]
) -> Float[np.ndarray, "d f"]:
    """What is known of a disc without an image."""
    return np.column_stack([_indicators(levels), ages])


def _indicators(values: Int[np.ndarray, " d"]) -> Float[np.ndarray, "d v"]:
    """A column of zeros and ones for every value."""
    return (values[:, None] == np.unique(values)).astype(float)


def _most_frequent(phases: Int[np.ndarray, " d"], seed: int) -> Any:
    from sklearn.dummy import DummyClassifier

    del phases
    return DummyClassifier(strategy="prior", random_state=seed)


def logistic(phases: Int[np.ndarray, " d"], seed: int) -> Any:
    """Logistic regression on standardised features, whatever the phases."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    del phases
    return make_pipeline(
        StandardScaler(), LogisticRegression(C=1.0, max_iter=1000, random_state=seed)
    )
