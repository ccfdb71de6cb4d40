"""Settings of the disc study: presets, ablations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from experiments.run import Preset
from experiments.several.plan import Changes
from jaxqmri.simulate import variants

Ablation = Literal["t2w", "no-smote", "no-coupling"]


@dataclass(frozen=True)
class Detection:
    """The detector, and how it learns.

    Attributes
    ----------
    width
        Of the layers, as a part of the published network's.
    size
        Height and width of its images, pixels.
    detector_batch
        Images of a step.
    detector_rate
        Learning rate of Adam at the start; it falls along a cosine to zero at the last check.
    detector_steps
        Between two checks of patients set aside.
    detector_checks
        Most checks.
    detector_improvement, detector_patience
        The plateau: checks in a row that bring no more than this, relative to the metric. A
        detector at its last check, where the rate is zero, is at its end too.
    """

    width: float = 0.125
    size: int = 192
    detector_batch: int = 8
    detector_rate: float = 0.01
    detector_steps: int = 25
    detector_checks: int = 40
    detector_improvement: float = 0.02
    detector_patience: int = 10


@dataclass(frozen=True)
class Regression:
    """The network that tells T1rho from a disc's box, and how it learns.

    Attributes
    ----------
    crop
        Rows of the field of a disc that the network sees; it has twice as many columns.
    depth
        Layers: six times a whole number, and four.
    widening
        Channels, as a multiple of a residual network's.
    batch
        Discs of a step.
    rate
        Learning rate of Adam, at the start.
    decay
        Its factor after every check.
    steps
        Between two checks of discs set aside.
    checks
        Most checks of one training.
    improvement, patience
        The plateau: checks in a row that bring no more than this, relative to the metric.
    side_by_side
        Trainings at a time; 0 is one on each device, such as a CPU core.
    """

    crop: int = 24
    depth: int = 16
    widening: int = 1
    batch: int = 16
    rate: float = 1e-3
    decay: float = 0.9
    steps: int = 12
    checks: int = 40
    improvement: float = 0.01
    patience: int = 4
    side_by_side: int = 0


@dataclass(frozen=True)
class Settings:
    """Settings of the experiment.

    Attributes
    ----------
    simulated_patients
        Digital patients; a folder given by --data is used whole.
    simulated_grid
        Resolution of the simulated scans.
    fresh
        Digital patients on whom the detector is tried besides. None where data are given.
    couplings
        Of the curve: how strongly degeneration shows in T1-weighted images, beside the study's
        own 1. None where data are given.
    null_cohorts
        Cohorts of the quick resolution in which degeneration does not show, and networks must not
        know more than level and age; of three folds. None where data are given.
    folds
        Of the cross-validation.
    aside
        Part of the training patients, or discs, that trainings are watched on.
    window
        Width and level of the intensities that networks see, such as the paper's 2000 and 1000; all
        of them without.
    use_t2w
        Networks see the T2-weighted image too.
    smote
        Whether phases are made equally frequent for the support vector machine.
    seeds
        Trainings of each network: one.
    ablation
        Changes that tell what a result rests on: the T2-weighted image added, no SMOTE, images
        that degeneration does not show in. Each is a run of its own beside the experiment's, and
        all are joined in one summary. Names, or all.
    skip_incomplete
        Go on without patients that lack an image or a reading.
    detection
        The detector, and how it learns.
    regression
        The network that tells T1rho from a disc's box, and how it learns.
    """

    simulated_patients: int = 60
    simulated_grid: Preset = "quick"
    fresh: int = 200
    couplings: tuple[float, ...] = (0.0, 0.5, 1.5)
    null_cohorts: int = 20
    folds: int = 5
    aside: float = 0.125
    window: tuple[float, ...] = ()
    use_t2w: bool = False
    smote: bool = True
    seeds: int = 1
    ablation: tuple[Ablation | Literal["all"], ...] = ()
    skip_incomplete: bool = False
    detection: Detection = field(default_factory=Detection)
    regression: Regression = field(default_factory=Regression)


ABLATIONS: Mapping[str, Changes] = {
    "t2w": Changes({"use_t2w": True}),
    "no-smote": Changes({"smote": False}),
    "no-coupling": Changes(study=variants.SPINE_NO_COUPLING),
}
GROUPS: Mapping[str, Collection[str]] = {"all": tuple(ABLATIONS)}
PRESETS: dict[Preset, Settings] = {
    "smoke": Settings(
        simulated_patients=12,
        simulated_grid="smoke",
        fresh=2,
        couplings=(0.0,),
        null_cohorts=2,
        folds=3,
        detection=Detection(width=0.125, size=64, detector_batch=2, detector_steps=2,
                            detector_checks=2),
        regression=Regression(crop=16, depth=10, batch=8, steps=2, checks=2),
    ),
    "quick": Settings(
        fresh=60,
        couplings=(),
        null_cohorts=0,
        regression=Regression(depth=10),
    ),
    "full": Settings(
        simulated_grid="full",
        detection=Detection(size=256, detector_steps=30),
    ),
    "paper": Settings(
        simulated_grid="paper",
        detection=Detection(width=1.0, size=640, detector_batch=16, detector_rate=1e-3,
                            detector_steps=100, detector_checks=60),
        regression=Regression(crop=64, depth=22, widening=4, batch=32, rate=1e-4, decay=1.0,
                              steps=100, checks=100),
    ),
}  # fmt: skip
