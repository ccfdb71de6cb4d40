"""Classes predicted and true: the confusion matrix and what is read from it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from jaxqmri.analysis.resampling import Estimate, bootstrap_cases

Confusion = Int[np.ndarray, "classes classes"]
Counts = Float[np.ndarray, "*samples classes classes"]


class ClassScores(NamedTuple):
    """How well one class is found, or the average over classes.

    Attributes
    ----------
    precision
        Share of the cases called this class that are. NaN where none was called so.
    recall
        Share of the cases of this class that were called so. NaN where there is none.
    f1
        Harmonic mean of the two, ``2 TP / (2 TP + FP + FN)``. It is 0 where cases of the class
        are all missed, and NaN where the class was neither there nor called.
    support
        Cases of this class; all cases for an average.
    """

    precision: Estimate
    recall: Estimate
    f1: Estimate
    support: int


class ClassificationScores(NamedTuple):
    """Scores of every class and their averages, each with its interval.

    Attributes
    ----------
    classes
        In the order of their numbers.
    macro
        Averages in which classes count alike; NaN where a class has none.
    weighted
        Averages weighted by support, over the classes that have any.
    accuracy
        Share of all cases that were called what they are.
    owners
        What was resampled: patients, or the cases themselves.
    """

    classes: list[ClassScores]
    macro: ClassScores
    weighted: ClassScores
    accuracy: Estimate
    owners: int


def confusion_matrix(truth: ArrayLike, predicted: ArrayLike, classes: int) -> Confusion:
    """How many cases of each class (rows) were called each class (columns).

    Parameters
    ----------
    truth, predicted
        Class of each case, 0 to ``classes - 1``, shape ``(cases,)``.
    classes
        How many there are, whether or not cases of each occur.

    Raises
    ------
    ValueError
        If the two differ in shape, or hold anything but these classes.
    """
    y, p = _labels(truth, predicted, classes)
    return np.bincount(y * classes + p, minlength=classes**2).reshape(classes, classes)


def classification_scores(
    truth: ArrayLike,
    predicted: ArrayLike,
    classes: int,
    *,
    owner: ArrayLike | None = None,
    seed: int = 0,
) -> ClassificationScores:
    r"""Precision, recall and F1 of every class, their averages, and accuracy.

    With the confusion matrix :math:`C`, rows true,

    .. math::
        P_c = \frac{C_{cc}}{\sum_i C_{ic}}, \quad R_c = \frac{C_{cc}}{\sum_i C_{ci}}, \quad
        F_c = \frac{2 C_{cc}}{\sum_i C_{ic} + \sum_i C_{ci}} .

    Parameters
    ----------
    truth, predicted
        Class of each case, 0 to ``classes - 1``, shape ``(cases,)``.
    classes
        How many there are, whether or not cases of each occur.
    owner
        Patient of each case: intervals then resample patients. When None they resample cases,
        and are too narrow if cases of one patient are alike.
    seed
        Of the resampling.

    Raises
    ------
    ValueError
        If there is no case, shapes differ, or labels are anything but these classes.
    """
    y, p = _labels(truth, predicted, classes)
    whose = owners_of(y.size, owner)
    cells = np.eye(classes**2)[y * classes + p]

    def numbers(often: Float[np.ndarray, "samples cases"]) -> Float[np.ndarray, "samples q"]:
        counts = (often @ cells).reshape(-1, classes, classes)
        return np.concatenate([_table(counts).reshape(len(often), -1), _accuracy(counts)], axis=-1)

    *rest, accuracy = bootstrap_cases(numbers, whose, seed=seed)
    support = [*np.bincount(y, minlength=classes).tolist(), y.size, y.size]
    rows = [
        ClassScores(precision, recall, f1, count)
        for precision, recall, f1, count in zip(
            rest[0::3], rest[1::3], rest[2::3], support, strict=True
        )
    ]
    return ClassificationScores(rows[:-2], rows[-2], rows[-1], accuracy, np.unique(whose).size)


def class_labels(labels: ArrayLike, classes: int) -> Int[np.ndarray, " cases"]:
    """Class of each case, checked.

    Raises
    ------
    ValueError
        If they are not one-dimensional, or hold anything but 0 to ``classes - 1``.
    """
    found = np.asarray(labels)
    if found.ndim != 1:
        raise ValueError(f"expected one class for each case, got shape {found.shape}")
    strange = sorted(set(found.tolist()) - set(range(classes)))
    if strange:
        raise ValueError(f"classes must be whole numbers from 0 to {classes - 1}: {strange[0]!r}")
    return found.astype(np.int64)


def owners_of(cases: int, owner: ArrayLike | None) -> np.ndarray:
    """Owner of each case, itself when None.

    Raises
    ------
    ValueError
        If there is no case, or not one owner for each.
    """
    if not cases:
        raise ValueError("there is no case to score")
    if owner is None:
        return np.arange(cases)
    whose = np.asarray(owner)
    if whose.shape != (cases,):
        raise ValueError(f"expected an owner for each of {cases} cases, got shape {whose.shape}")
    return whose


def _labels(
    truth: ArrayLike, predicted: ArrayLike, classes: int
) -> tuple[Int[np.ndarray, " cases"], Int[np.ndarray, " cases"]]:
    y, p = class_labels(truth, classes), class_labels(predicted, classes)
    if y.shape != p.shape:
        raise ValueError(f"expected two classes for each case, got shapes {y.shape} and {p.shape}")
    return y, p


def _table(counts: Counts) -> Float[np.ndarray, "*samples rows 3"]:
    """Precision, recall and F1 of every class, of their mean, and of their weighted mean."""
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    there, called = counts.sum(axis=-1), counts.sum(axis=-2)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.stack([right / called, right / there, 2 * right / (there + called)], axis=-1)
        share = (there / there.sum(axis=-1, keepdims=True))[..., None]
    macro = each.mean(axis=-2, keepdims=True)
    weighted = np.where(share > 0, share * each, 0.0).sum(axis=-2, keepdims=True)
    return np.concatenate([each, macro, weighted], axis=-2)


def _accuracy(counts: Counts) -> Float[np.ndarray, "*samples 1"]:
    return (np.trace(counts, axis1=-2, axis2=-1) / counts.sum(axis=(-2, -1)))[..., None]
