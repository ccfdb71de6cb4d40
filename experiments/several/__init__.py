"""Several runs of one experiment: carried out one after the other, then joined on one page.

Ablations, calibrations and training seeds stand beside the experiment itself. Nothing is computed
from images where they are joined: every number is read from the ``metrics.json`` of a run.
"""

from experiments.several.carry_out import carry_out_all
from experiments.several.joining import Joining, Judging
from experiments.several.plan import HEADLINE, Changes, Plan, Planned
from experiments.several.predictions import Fate, Prediction

__all__ = [
    "HEADLINE",
    "Changes",
    "Fate",
    "Joining",
    "Judging",
    "Plan",
    "Planned",
    "Prediction",
    "carry_out_all",
]
