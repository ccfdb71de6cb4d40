"""Settings of the liver study: presets, ablations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from experiments.liver_uncertainty.methods import LEARNED, Learned
from experiments.run import Preset
from experiments.several.plan import Changes
from jaxqmri.simulate import variants

Ablation = Literal[
    "no-short-component",
    "no-cut-off",
    "noise-alone",
    "snr70-short0.2",
    "snr50-short0.19",
    "snr50-short0.2",
    "snr70-short0.21",
]
Group = Literal["calibrated", "all"]


@dataclass(frozen=True)
class Learning:
    """The network, and how it learns.

    Attributes
    ----------
    features
        Channels of the U-Net at each level; the paper tells its own in a supplement alone.
    batch, size
        Patches of a step around the liver, and their width in pixels.
    rate, weight_decay
        Of Adam.
    decay_rate, decay_checks
        The learning rate is multiplied by the one after so many checks.
    steps
        Between two checks of the validation patients.
    side_by_side
        Trainings at a time; 0 is one on each device, such as a CPU core. A GPU has room for more.
    checks
        Most checks of one training.
    improvement, patience
        The plateau: no improvement by so much in so many checks, relative to the metric.
    angle, shift
        Augmentation: degrees, and pixels of a matrix of 256.
    """

    features: tuple[int, ...] = (8, 16, 32, 64)
    batch: int = 4
    size: int = 64
    rate: float = 5e-3
    weight_decay: float = 1e-4
    decay_rate: float = 0.8
    decay_checks: int = 2
    steps: int = 50
    side_by_side: int = 0
    checks: int = 40
    improvement: float = 0.02
    patience: int = 4
    angle: float = 7.0
    shift: float = 10.0


@dataclass(frozen=True)
class Settings:
    """Settings of the experiment.

    Attributes
    ----------
    simulated_patients
        Digital patients; a folder given by --data is used whole.
    simulated_grid
        Resolution of the simulated scans.
    cut_off
        Range that targets are cut to, ms.
    methods
        Networks to train.
    folds
        Parts that the patients are split into, balanced by sex and stage.
    trained_folds
        How many of them are predicted by networks.
    validation
        Patients of each training that watch it.
    seeds
        Trainings of each network, from --seed on; from two on there is an ensemble.
    cut_off_pixels
        Whether networks learn pixels whose target is cut off as well, as the paper's do.
    denoise
        Whether BM3D is run, with the noise level that the map shows (own), and with the one that
        comes nearest to the target as well (oracle). It is an extra of its own, for its licence is
        not free for all uses.
    ablation
        Changes that tell what a claim rests on: no short component of the decay in the
        simulation, a simulation without other random errors than noise, no cut-off pixels in the
        training; and other noise and short components that fit the coarse and BM3D rows about as
        well. Each is a run of its own beside the experiment's, and all are joined in one summary.
        Names, or a group of them: calibrated, all.
    skip_incomplete
        Go on without patients that lack an image or a region.
    learning
        The network, and how it learns.
    """

    simulated_patients: int = 51
    simulated_grid: Preset = "quick"
    cut_off: tuple[float, float] = (25.0, 65.0)
    methods: tuple[Learned, ...] = LEARNED
    folds: int = 3
    trained_folds: int = 1
    validation: int = 4
    seeds: int = 1
    cut_off_pixels: bool = True
    denoise: Literal["none", "own", "oracle"] = "own"
    ablation: tuple[Ablation | Group, ...] = ()
    skip_incomplete: bool = False
    learning: Learning = field(default_factory=Learning)


CALIBRATIONS: Mapping[str, Changes] = {
    name: Changes(study=own) for name, own in [*variants.LIVER_CALIBRATED.items()][1:]
}
ABLATIONS: Mapping[str, Changes] = {
    "no-short-component": Changes(study=variants.NO_SHORT_COMPONENT),
    "no-cut-off": Changes({"cut_off_pixels": False}),
    "noise-alone": Changes(
        study={
            "blood": 0.0, "blood_sd": 0.0, "fat_residual": 0.0, "fat_residual_sd": 0.0,
            "short_fraction_sd": 0.0, "b0_inside": 0.0, "b0_outside": (0.0, 0.0),
            "drift": 0.0, "failed_holds": 0.0,
        }
    ),
    **CALIBRATIONS,
}  # fmt: skip
GROUPS: Mapping[str, Collection[str]] = {
    "calibrated": tuple(CALIBRATIONS),
    "all": tuple(ABLATIONS),
}

PRESETS: dict[Preset, Settings] = {
    "smoke": Settings(
        simulated_patients=9,
        simulated_grid="smoke",
        validation=2,
        denoise="none",
        learning=Learning(features=(4, 8), size=32, steps=2, checks=2),
    ),
    "quick": Settings(),
    "full": Settings(trained_folds=3, seeds=3, denoise="oracle"),
    "paper": Settings(
        simulated_grid="paper",
        trained_folds=3,
        seeds=5,
        denoise="oracle",
        learning=Learning(
            features=(16, 32, 64, 128, 256),
            size=256,
            rate=1e-3,
            decay_rate=0.9,
            decay_checks=10,
            side_by_side=9,
            checks=400,
            patience=40,
        ),
    ),
}
