"""Who may be learnt from, who watches, who is tested; and the labels that are learnt."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from experiments.physics_weight.settings import Settings
from experiments.physics_weight.study import Study
from jaxqmri.io import InputError

Subjects = Int[np.ndarray, " _"]


class Parts(NamedTuple):
    """Subjects by what they are for; a training draws its own from ``train``."""

    train: Subjects
    validation: Subjects
    test: Subjects


def split(study: Study, settings: Settings, seed: int) -> Parts:
    """The same parts for all trainings; simulated subjects are as good in any order.

    Raises
    ------
    InputError
        If there are too few subjects.
    """
    train, aside = max(settings.subjects), settings.validation_subjects
    wanted, found = train + aside + settings.test_subjects, len(study.names)
    if found < wanted:
        raise InputError(
            f"{found} subjects, expected {wanted}: {train} to learn from (the most of "
            f"--subjects), {aside} to watch (--validation-subjects), "
            f"{settings.test_subjects} to test (--test-subjects)"
        )
    order = np.random.default_rng([seed, 0]).permutation(found)
    if study.simulated and np.isnan(study.standard).any():
        order = np.arange(found)  # the first are those that were scanned without noise as well
    tests = settings.test_subjects
    return Parts(
        np.sort(order[tests + aside : wanted]),
        np.sort(order[tests : tests + aside]),
        np.sort(order[:tests]),
    )


def drawn(parts: Parts, count: int, seed: int) -> Subjects:
    """Training subjects of a seed: fewer are always among more."""
    return np.random.default_rng([seed, 1]).permutation(parts.train)[:count]


def with_errors(
    label: Float[np.ndarray, " v"], owner: Int[np.ndarray, " v"], error: float, seed: int
) -> Float[np.ndarray, " v"]:
    """Labels with errors: ``T1rho exp(error (z_subject + z_voxel) / sqrt(2))``, in ms."""
    generator = np.random.default_rng([seed, 2])
    by_subject = generator.standard_normal(owner.max() + 1)[owner]
    by_voxel = generator.standard_normal(owner.size)
    factor = np.exp(error * (by_subject + by_voxel) / np.sqrt(2.0))
    return (label * factor).astype(np.float32)
