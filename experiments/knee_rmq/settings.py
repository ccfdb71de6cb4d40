"""Settings of the knee UTE study: presets, ablations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from experiments.run import Preset
from experiments.several.plan import Changes
from jaxqmri.simulate import variants

InputName = Literal["4FA+7TSL", "2FA+3TSL", "1FA+2TSL", "1FA+1TSL"]
Ablation = Literal["decorrelated", "random-gain", "no-anatomy"]
EVERY_INPUT: tuple[InputName, ...] = ("4FA+7TSL", "2FA+3TSL", "1FA+2TSL", "1FA+1TSL")


@dataclass(frozen=True)
class Learning:
    """The network, and how it learns.

    Attributes
    ----------
    features
        Channels at each level; the paper has five levels and does not tell how wide they are.
    batch
        Patches of a step, around the cartilage.
    size
        Their width, pixels.
    rate
        Of Adam, at the start of every cosine.
    steps
        Between two checks of the validation subjects.
    period
        Checks of one cosine, at whose end the learning rate starts anew: the paper has three.
    checks
        Most checks of one training.
    improvement
        The plateau: a whole cosine that brings no more than this, relative to the metric.
    side_by_side
        Trainings at a time; 0 is one on each device, such as a CPU core. A GPU has room for more.
    angle
        Augmentation: largest turn, degrees.
    shift
        Augmentation: largest shift, pixels of a matrix of 256.
    segmentation
        Weight of the segmentation's loss; that of the maps is 1.
    direct
        Add to every map a linear function of the voxel's own images, which the paper's network
        does not have: a narrow one learns little else in the time of a preset.
    maps_in
        Where the maps count in the loss: drawn cartilage, or all tissue that has fitted maps, of
        which cartilage is a thirtieth.
    margin
        Pixels around drawn cartilage where maps count as well: a predicted region is never the
        drawn one, and means over it hold what the network says there.
    cross_entropy
        Weight of the cross-entropy within it; the rest is that of the overlap.
    """

    features: tuple[int, ...] = (8, 16, 32, 64)
    batch: int = 4
    size: int = 64
    rate: float = 4e-3
    steps: int = 50
    period: int = 6
    checks: int = 30
    improvement: float = 0.03
    side_by_side: int = 0
    angle: float = 7.0
    shift: float = 10.0
    segmentation: float = 1.0
    cross_entropy: float = 0.5
    direct: bool = True
    maps_in: Literal["cartilage", "tissue"] = "cartilage"
    margin: int = 2


@dataclass(frozen=True)
class Settings:
    """Settings of the experiment.

    Attributes
    ----------
    simulated_subjects
        Digital subjects; a folder given by --data is used whole.
    simulated_grid
        Resolution of the simulated scans.
    inputs
        Images that networks and fits are given, as the paper's Table 1 names them.
    physics
        Weights of the loss that holds a network to the signal equations; 0 is the paper's network.
    physics_inputs
        Inputs at which weights above 0 are trained; all of them when empty.
    menisci
        Whether menisci are a second class of the segmentation.
    registration
        How every image is registered to the first: rigid, affine, or none. The paper adds splines.
    smoothing
        Of the flip-angle map before it is used, mm (full width at half maximum).
    form
        Of the signal equation that T1rho is fitted with: the published one, which has a free
        constant, or the exact steady state.
    parts
        Subjects are split into so many parts, balanced by group and sex. A column ``fold`` of the
        table of participants is obeyed.
    test_parts
        How many of them are for testing: 15 of 65 subjects as in the paper.
    validation
        Subjects outside the test that watch the training, by their number or part.
    seeds
        Trainings of each network, from --seed on.
    ablation
        Changes of the simulation that tell what a result rests on: T1 and T1rho that vary
        independently of each other, gains at random, maps and B1 that do not depend on the
        place. Each is a run of its own beside the experiment's, and all are joined in one
        summary. Names, or all.
    skip_incomplete
        Go on without subjects that lack an image or a region.
    learning
        The network, and how it learns.
    """

    simulated_subjects: int = 65
    simulated_grid: Preset = "quick"
    inputs: tuple[InputName, ...] = ("4FA+7TSL", "1FA+1TSL")
    physics: tuple[float, ...] = (0.0,)
    physics_inputs: tuple[InputName, ...] = ()
    menisci: bool = False
    registration: Literal["none", "rigid", "affine"] = "rigid"
    smoothing: float = 12.0
    form: Literal["fitting", "exact"] = "fitting"
    parts: int = 13
    test_parts: int = 3
    validation: float = 7
    seeds: int = 1
    ablation: tuple[Ablation | Literal["all"], ...] = ()
    skip_incomplete: bool = False
    learning: Learning = field(default_factory=Learning)


ABLATIONS: Mapping[str, Changes] = {
    "decorrelated": Changes(study=variants.UTE_DECORRELATED),
    "random-gain": Changes(study=variants.UTE_RANDOM_GAIN),
    "no-anatomy": Changes(study=variants.UTE_NO_ANATOMY),
}
GROUPS: Mapping[str, Collection[str]] = {"all": tuple(ABLATIONS)}

PRESETS: dict[Preset, Settings] = {
    "smoke": Settings(
        simulated_subjects=8,
        simulated_grid="smoke",
        parts=4,
        test_parts=1,
        validation=1,
        learning=Learning(features=(4, 8), size=32, steps=2, period=1, checks=2),
    ),
    "quick": Settings(),
    "full": Settings(inputs=EVERY_INPUT, physics=(0.0, 0.01, 0.1)),
    "paper": Settings(
        simulated_grid="paper",
        inputs=EVERY_INPUT,
        physics=(0.0, 0.01, 0.1),
        registration="affine",
        learning=Learning(
            features=(32, 64, 128, 256, 512),
            batch=8,
            size=256,
            rate=1e-3,
            steps=150,
            period=200,
            checks=600,
            improvement=0.0,
            side_by_side=4,
            direct=False,
            maps_in="tissue",
        ),
    ),
}
