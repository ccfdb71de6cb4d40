"""Settings of the knee T1rho study: presets, ablations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from experiments.knee_cv.learning import Learning
from experiments.knee_cv.paper import INPUTS, NETWORKS
from experiments.knee_cv.subjects import Registering
from experiments.run import Preset
from experiments.several.plan import Changes
from jaxqmri.preprocessing import Scaling
from jaxqmri.simulate import variants

NetworkName = Literal["U-Net unmasked", "U-Net masked", "MLP"]
InputName = Literal["PD+10", "PD+30", "PD+50", "0+10", "0+30", "0+50"]
Ablation = Literal[
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
Group = Literal["gain", "scaling", "calibrated", "all"]


GAINS: Mapping[str, Changes] = {
    "pd-gain-0": Changes(study={"pd_gain_sd": 0.0}),
    "pd-gain-0.1": Changes(study={"pd_gain_sd": 0.1}),
    "pd-gain-0.2": Changes(study={"pd_gain_sd": 0.2}),
    "pd-gain-0.3": Changes(study={"pd_gain_sd": 0.3}),
}
SCALINGS: Mapping[str, Changes] = {
    "scale-percentile": Changes({"scaling": "percentile"}),
    "scale-muscle": Changes({"scaling": "reference-tissue"}),
}
CALIBRATIONS: Mapping[str, Changes] = {
    "calibrated-0.65-0.20-4": Changes(study=variants.CALIBRATED["gain20-subjects4"]),
    "calibrated-0.65-0.15-9": Changes(study=variants.CALIBRATED["gain15-subjects9"]),
}
ABLATIONS: Mapping[str, Changes] = {
    **GAINS,
    "known-gain": Changes(study=variants.KNOWN_GAIN),
    "cartilage-alone": Changes(study=variants.CARTILAGE_ALONE),
    **SCALINGS,
    **CALIBRATIONS,
}
GROUPS: Mapping[str, Collection[str]] = {
    "gain": tuple(GAINS),
    "scaling": tuple(SCALINGS),
    "calibrated": tuple(CALIBRATIONS),
    "all": tuple(ABLATIONS),
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
        Changes of data or scaling that tell what a claim rests on: each is a run of its own
        beside the experiment's, and all are joined in one summary. Names, or a group of them:
        gain (spread of the PD-weighted gain between subjects), scaling, calibrated (what fits the
        paper's NLLS as well), all.
    seeds
        Train from so many seeds, --seed and those after it, on the same subjects; runs of their
        own, joined in the same summary.
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
    ablation: tuple[Ablation | Group, ...] = ()
    seeds: int = 1
    skip_incomplete: bool = False
    learning: Learning = field(default_factory=Learning)


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
        learning=Learning(mlp_width=0.25, decay_rate=0.6, checks=40, improvement=0.01, patience=5),
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
