"""Settings of the knee T2 study: presets, the search of the network's settings, ablations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from experiments.run import Preset
from experiments.several.plan import Changes
from jaxqmri.simulate import variants

Ablation = Literal["two-parameters", "phase-graph", "no-drift"]
Rule = Literal["paper", "dosma", "anatomical"]
Changed = Literal["batch-16", "rate-3e-4", "decay-0.9", "dropout-0.1", "batch-norm"]


@dataclass(frozen=True)
class Choice:
    """What validation subjects can choose, as in the paper's search.

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
    search_checks
        Checks after which the choices of a search are compared; the best learns to its plateau.
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
    size: int = 80
    steps: int = 50
    checks: int = 40
    search_checks: int = 12
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
        Changes of the settings below, one at a time, among which validation subjects choose:
        batch-16, rate-3e-4, decay-0.9, dropout-0.1, batch-norm.
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
    choice
        What validation subjects can choose.
    learning
        The network, and how it learns.
    """

    simulated_subjects: int = 143
    simulated_grid: Preset = "full"
    fit: Literal["offset", "two-parameters"] = "offset"
    rule: Rule = "paper"
    kathoma_sign: bool = False
    second_reader: bool = True
    search: tuple[Changed, ...] = ()
    atlases: int = 8
    atlas_stage: Literal["rigid", "affine", "deformable"] = "affine"
    repeated: int = 14
    null: int = 14
    seeds: int = 1
    ablation: tuple[Ablation | Literal["all"], ...] = ()
    skip_incomplete: bool = False
    choice: Choice = Choice()
    learning: Learning = field(default_factory=Learning)

    @property
    def choices(self) -> list[Choice]:
        """All that validation subjects choose among."""
        return [self.choice, *(replace(self.choice, **CHANGES[name]) for name in self.search)]


CHANGES: Mapping[Changed, dict[str, Any]] = {
    "batch-16": {"batch": 16},
    "rate-3e-4": {"rate": 3e-4},
    "decay-0.9": {"decay": 0.9},
    "dropout-0.1": {"dropout": 0.1},
    "batch-norm": {"norm": "batch"},
}
ABLATIONS: Mapping[str, Changes] = {
    "two-parameters": Changes({"fit": "two-parameters"}),
    "phase-graph": Changes(study=variants.MESE_PHASE_GRAPH),
    "no-drift": Changes(study=variants.MESE_NO_DRIFT),
}
GROUPS: Mapping[str, Collection[str]] = {"all": tuple(ABLATIONS)}

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
        atlases=4,
        repeated=8,
        null=8,
        choice=Choice(decay=0.94),
        learning=Learning(size=64),
    ),
    "full": Settings(search=tuple(CHANGES), atlas_stage="deformable"),
    "paper": Settings(
        simulated_grid="paper",
        search=tuple(CHANGES),
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
