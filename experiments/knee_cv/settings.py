"""Settings of the knee T1rho study: presets, simulated cohorts, ablations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from experiments.knee_cv.learning import Learning
from experiments.knee_cv.paper import INPUTS, NETWORKS
from experiments.knee_cv.subjects import Registering
from experiments.run import Preset
from jaxqmri.preprocessing import Scaling

NetworkName = Literal["U-Net unmasked", "U-Net masked", "MLP"]
InputName = Literal["PD+10", "PD+30", "PD+50", "0+10", "0+30", "0+50"]
Ablation = Literal[
    "none",
    "pd-gain-0",
    "pd-gain-0.1",
    "pd-gain-0.2",
    "pd-gain-0.3",
    "known-gain",
    "cartilage-alone",
    "scale-percentile",
    "scale-muscle",
    "calibrated-0.65-0.20-4",
    "calibrated-0.65-0.15-9",
]


@dataclass(frozen=True)
class Cohort:
    """Which simulated cohort: the study's own unless told otherwise.

    Attributes
    ----------
    settings
        Settings of the simulated study by name, such as ``{"pd_gain_sd": 0.3}``.
    repeat
        Which scan of the same subjects; 0 the first.
    """

    settings: Mapping[str, float | tuple[float, ...]] = field(default_factory=dict)
    repeat: int = 0

    def name(self) -> str:
        """Empty for the study's own; what differs from it otherwise."""
        words = [f"repeat{self.repeat}"] if self.repeat else []
        words += [f"{key}={value}".replace(" ", "") for key, value in sorted(self.settings.items())]
        return "".join(f"-{word}" for word in words)


AS_CALIBRATED = Cohort()

# What each ablation changes: of the experiment, and of the simulated study.
ABLATIONS: Mapping[Ablation, tuple[Mapping[str, Any], Mapping[str, float]]] = {
    "none": ({}, {}),
    "pd-gain-0": ({}, {"pd_gain_sd": 0.0}),
    "pd-gain-0.1": ({}, {"pd_gain_sd": 0.1}),
    "pd-gain-0.2": ({}, {"pd_gain_sd": 0.2}),
    "pd-gain-0.3": ({}, {"pd_gain_sd": 0.3}),
    "known-gain": ({}, {"pd_gain_sd": 0.0, "pd_profile_sd": 0.0}),
    "cartilage-alone": ({}, {"other_tissue": 0.0}),
    "scale-percentile": ({"scaling": "percentile"}, {}),
    "scale-muscle": ({"scaling": "reference-tissue"}, {}),
    "calibrated-0.65-0.20-4": ({}, {"pd_gain": 0.65, "pd_gain_sd": 0.20, "subject_sd": 4.0}),
    "calibrated-0.65-0.15-9": ({}, {"pd_gain": 0.65, "pd_gain_sd": 0.15, "subject_sd": 9.0}),
}


@dataclass(frozen=True)
class Settings:
    """Settings of the experiment.

    Attributes
    ----------
    simulated_subjects
        Digital subjects; a folder given by --data is used whole.
    simulated_grid
        Resolution of the simulated scans.
    retest_subjects
        Digital subjects that are scanned once more, to test how a method repeats itself.
    t1rho_bounds
        Of every fit, ms.
    match_resolution
        Average the PD-weighted image over each voxel of the T1rho grid rather than read it at
        the voxel's centre.
    registration
        Last stage of the PD-weighted image's registration: rigid, affine, then deformable, as in
        the paper; none leaves it where the scanner put it.
    networks
        Networks to train; none gives the rows that need no training.
    inputs
        Inputs that they are trained on.
    folds
        Parts that the subjects are split into, balanced by sex and grade.
    scaling
        Of intensities before a network sees them: scanner units, each scan's 99th percentile, or
        the signal of muscle.
    physics_weight
        Weight of a second loss beside the supervised one: how far the spin-lock images are from
        the signal equation at the predicted T1rho, in units of their noise, squared.
    ablation
        A change of data or scaling that should break a claim.
    skip_incomplete
        Go on without subjects that lack an image or a mask.
    learning
        Sizes of the networks, and how they learn.
    """

    simulated_subjects: int = 40
    simulated_grid: Preset = "quick"
    retest_subjects: int = 8
    t1rho_bounds: tuple[float, float] = (1.0, 100.0)
    match_resolution: bool = True
    registration: Registering = "deformable"
    networks: tuple[NetworkName, ...] = NETWORKS
    inputs: tuple[InputName, ...] = ("PD+50", "0+50")
    folds: int = 5
    scaling: Scaling = "scanner"
    physics_weight: float = 0.0
    ablation: Ablation = "none"
    skip_incomplete: bool = False
    learning: Learning = field(default_factory=Learning)

    def ablated(self) -> tuple[Settings, Cohort]:
        """These settings with the ablation's changes, and the cohort that it simulates."""
        changes, of_study = ABLATIONS[self.ablation]
        return replace(self, **changes), Cohort(dict(of_study))


PRESETS: dict[Preset, Settings] = {
    "smoke": Settings(
        simulated_subjects=6,
        simulated_grid="smoke",
        retest_subjects=2,
        inputs=("PD+50",),
        folds=2,
        learning=Learning(features=(4, 8), mlp_width=0.05, unet_steps=2, mlp_steps=2, checks=2),
    ),
    "quick": Settings(),
    "full": Settings(
        inputs=INPUTS,
        learning=Learning(
            features=(8, 16, 32, 64), mlp_width=0.5, checks=40, improvement=0.01, patience=5
        ),
    ),
    "paper": Settings(
        simulated_grid="paper",
        inputs=INPUTS,
        learning=Learning(
            features=(32, 64, 128, 256, 512),
            mlp_width=1.0,
            unet_batch=32,
            unet_rate=1e-3,
            mlp_rate=1e-3,
            decay_rate=0.9,
            decay_checks=20,
            unet_steps=50,
            mlp_steps=300,
            side_by_side=5,
            checks=1000,
            patience=100,
        ),
    ),
}
