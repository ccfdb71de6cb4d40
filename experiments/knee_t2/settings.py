"""Settings of the knee T2 study: presets, the search of the network's settings, ablations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from experiments.run import Preset
from experiments.several.plan import Changes
from jaxqmri.simulate import variants

Ablation = Literal["two-parameters", "phase-graph", "no-drift"]
Rule = Literal["paper", "dosma", "anatomical"]


@dataclass(frozen=True)
class Choice:
    """What validation subjects choose among, as the paper's search did.

    Attributes
    ----------
    batch
        Patches of a step.
    rate
        Learning rate of Adam, at the start.
    decay
        Its factor after every check.
    dropout
        Share of the features left out.
    norm
        Of the blocks: batch normalisation or none.
    """

    batch: int = 8
    rate: float = 1e-3
    decay: float = 0.97
    dropout: float = 0.0
    norm: Literal["none", "batch"] = "none"

    @property
    def label(self) -> str:
        """For folders and tables."""
        words = [f"batch-{self.batch}", f"rate-{self.rate:g}", f"decay-{self.decay:g}"]
        words += [f"dropout-{self.dropout:g}"] if self.dropout else []
        words += ["batch-norm"] if self.norm == "batch" else []
        return "_".join(words)


@dataclass(frozen=True)
class Learning:
    """The network, and how it learns.

    Attributes
    ----------
    features
        Channels at each level.
    size
        Width of a patch, pixels.
    steps
        Between two checks of the validation subjects.
    checks
        Most checks of one training.
    improvement
        The plateau: checks that bring no more than this, relative to the metric.
    patience
        How many such checks in a row.
    angle
        Augmentation: largest turn, degrees.
    shift
        Augmentation: largest shift, pixels of a matrix of 384.
    side_by_side
        Trainings at a time; 0 is one on each device, such as a CPU core.
    """

    features: tuple[int, ...] = (8, 16, 32, 64, 128)
    size: int = 96
    steps: int = 50
    checks: int = 40
    improvement: float = 0.02
    patience: int = 6
    angle: float = 7.0
    shift: float = 10.0
    side_by_side: int = 0


@dataclass(frozen=True)
class Settings:
    """Settings of the experiment.

    Attributes
    ----------
    simulated_subjects
        Digital subjects; a folder given by --data is used whole.
    simulated_grid
        Resolution of the simulated scans.
    fit
        How T2 is fitted, to confirm cartilage and for every number but the comparison of fits:
        the paper's decay with an offset, or two parameters.
    rule
        By which cartilage is divided: the paper's, DOSMA's, or one in anatomical axes.
    kathoma_sign
        Clusters of decrease, as the paper's software has them, rather than of increase.
    second_reader
        Whether a network is trained on Reader 2 as well, where Reader 2 drew training subjects.
    search
        What validation subjects choose among.
    atlases
        Training knees that the atlas is made of.
    atlas_stage
        Its last stage of registration.
    repeated
        Digital subjects that are scanned once more for the repeatability of fits. None where data
        are given.
    null
        Digital subjects without any change, of whom clusters are counted. None where data are
        given.
    seeds
        Trainings of each network, from --seed on.
    ablation
        Changes that tell what a result rests on: T2 fitted with two parameters, stimulated echoes
        in the images, no drift between visits. Each is a run of its own beside the experiment's,
        and all are joined in one summary. Names, or all.
    skip_incomplete
        Go on without visits that lack an image or Reader 1's cartilage.
    learning
        The network, and how it learns.
    """

    simulated_subjects: int = 143
    simulated_grid: Preset = "full"
    fit: Literal["offset", "two-parameters"] = "offset"
    rule: Rule = "paper"
    kathoma_sign: bool = False
    second_reader: bool = True
    search: tuple[Choice, ...] = (Choice(),)
    atlases: int = 8
    atlas_stage: Literal["rigid", "affine", "deformable"] = "affine"
    repeated: int = 14
    null: int = 14
    seeds: int = 1
    ablation: tuple[Ablation | Literal["all"], ...] = ()
    skip_incomplete: bool = False
    learning: Learning = field(default_factory=Learning)


ABLATIONS: Mapping[str, Changes] = {
    "two-parameters": Changes({"fit": "two-parameters"}),
    "phase-graph": Changes(study=variants.MESE_PHASE_GRAPH),
    "no-drift": Changes(study=variants.MESE_NO_DRIFT),
}
GROUPS: Mapping[str, Collection[str]] = {"all": tuple(ABLATIONS)}
SEARCH = (
    Choice(),
    Choice(batch=16),
    Choice(rate=3e-4),
    Choice(decay=0.9),
    Choice(dropout=0.1),
    Choice(norm="batch"),
)
"""One change of the first at a time."""

PRESETS: dict[Preset, Settings] = {
    "smoke": Settings(
        simulated_subjects=8,
        simulated_grid="smoke",
        atlases=2,
        repeated=2,
        null=2,
        learning=Learning(features=(4, 8), size=32, steps=2, checks=2),
    ),
    "quick": Settings(
        simulated_subjects=60,
        simulated_grid="quick",
        repeated=8,
        null=8,
        learning=Learning(size=80),
    ),
    "full": Settings(search=SEARCH),
    "paper": Settings(
        simulated_grid="paper",
        search=SEARCH,
        atlas_stage="deformable",
        learning=Learning(
            features=(32, 64, 128, 256, 512, 1024),
            size=384,
            steps=700,
            checks=60,
            side_by_side=1,
        ),
    ),
}
