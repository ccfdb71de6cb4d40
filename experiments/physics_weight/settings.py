"""Settings of the study of weights: presets."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from experiments.knee_cv.subjects import Registering
from experiments.run import Preset

Organ = Literal["knee", "liver"]


@dataclass(frozen=True)
class Learning:
    """The network, and how it learns.

    Attributes
    ----------
    width
        Factor on the published widths of the perceptron.
    batch
        Voxels of a step; where others than the labelled ones are held to the equation, as many
        of those.
    rate
        Of Adam.
    decay_rate
        The learning rate is multiplied by it after every check.
    steps
        Between two checks of the validation subjects.
    side_by_side
        Trainings in one program.
    checks
        Most checks of one training.
    improvement, patience
        The plateau: no relative improvement by so much in so many checks.
    """

    width: float = 0.0625
    batch: int = 512
    rate: float = 5e-3
    decay_rate: float = 0.65
    steps: int = 100
    side_by_side: int = 32
    checks: int = 12
    improvement: float = 0.01
    patience: int = 2


@dataclass(frozen=True)
class Settings:
    """Settings of the experiment.

    Attributes
    ----------
    organ
        Which simulated study, and how a folder of your own is read.
    simulated_grid
        Resolution of the simulated scans.
    weights
        Of the physics loss (squared residuals in units of the noise) beside the supervised one
        (ms), 0 first; inf is physics alone.
    subjects
        Numbers of training subjects, each with labels.
    base_subjects
        Number of them where something else is varied.
    label_noise
        Errors added to the labels, as a fraction of T1rho: half of the variance from voxel to
        voxel, half from subject to subject.
    offset
        Of images whose offset the equation ignores, as a fraction of the subject's signal at
        spin-lock time zero.
    b1, b1_sd
        Actual over nominal transmit field of images for which the equation takes 1: mean over
        subjects, and standard deviation.
    validation_subjects, test_subjects
        Subjects that watch the trainings, and those that all are judged by.
    seeds
        Trainings of every arm, from --seed on: other training subjects, label errors and weights.
    t1rho_bounds
        Of every fit, ms.
    registration
        Of the knee's PD-weighted image, as in knee_cv; auto is deformable for data given, and
        none for simulated subjects, who do not move between the two scans here.
    skip_incomplete
        Go on without subjects that lack an image or a region.
    learning
        The network, and how it learns.
    """

    organ: Organ = "knee"
    simulated_grid: Preset = "quick"
    weights: tuple[float, ...] = (0.0, 1.0, 10.0, 100.0, math.inf)
    subjects: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    base_subjects: int = 4
    label_noise: tuple[float, ...] = (0.2, 0.4)
    offset: float = 0.1
    b1: float = 0.85
    b1_sd: float = 0.05
    validation_subjects: int = 4
    test_subjects: int = 12
    seeds: int = 4
    t1rho_bounds: tuple[float, float] = (1.0, 100.0)
    registration: Registering | Literal["auto"] = "auto"
    skip_incomplete: bool = False
    learning: Learning = field(default_factory=Learning)


PRESETS: dict[Preset, Settings] = {
    "smoke": Settings(
        simulated_grid="smoke",
        weights=(0.0, 10.0, math.inf),
        subjects=(1, 2),
        base_subjects=2,
        label_noise=(0.2,),
        validation_subjects=1,
        test_subjects=2,
        seeds=2,
        learning=Learning(steps=2, checks=2, side_by_side=8),
    ),
    "quick": Settings(),
    "full": Settings(
        weights=(0.0, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, math.inf),
        label_noise=(0.1, 0.2, 0.4),
        test_subjects=16,
        seeds=8,
        learning=Learning(checks=16, decay_rate=0.75, patience=3),
    ),
    "paper": Settings(
        simulated_grid="paper",
        weights=(0.0, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, math.inf),
        label_noise=(0.1, 0.2, 0.4),
        test_subjects=32,
        seeds=20,
        learning=Learning(
            width=1.0,
            batch=2048,
            rate=1e-3,
            decay_rate=0.9,
            checks=60,
            patience=8,
            side_by_side=64,
        ),
    ),
}
