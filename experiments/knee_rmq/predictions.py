"""What should become of the knee UTE study's claims in its ablations, told beforehand.

The mechanisms that the simulation builds in: T1 and T1rho of cartilage vary together in part; one
gain and receive profile for each subject hides what a single image would tell of T1; depth,
lesions and the place in the coil tell what images do not.
"""

from __future__ import annotations

from experiments.knee_rmq.claims import (
    ahead_of_constant,
    ahead_of_fit,
    falls,
    t1_holds_better,
)
from experiments.knee_rmq.settings import ABLATIONS
from experiments.several import Fate, Prediction

STAYS = dict.fromkeys(ABLATIONS, Fate.STAY)

PREDICTIONS: tuple[Prediction, ...] = (
    Prediction(
        "better than a fit",
        "Networks average the noise of a voxel's neighbours and read gain and B1 off the slice; a "
        "fit of one voxel can do neither. That needs no correlation of T1 and T1rho, and is worth "
        "the more the less the gain is known.",
        ahead_of_fit,
        STAYS,
    ),
    Prediction(
        "r falls",
        "Images that are left out take information with them, whatever else is known.",
        falls,
        STAYS,
    ),
    Prediction(
        "T1rho suffers more",
        "One spin-lock time tells T1rho from the amplitude only as far as the amplitude is known: "
        "from the flip angles, whose gain is nearly the same, and from T1, which varies with "
        "T1rho. Flip angles tell T1 the same way. With gains at random both fall.",
        t1_holds_better,
        {"decorrelated": Fate.STAY, "no-anatomy": Fate.STAY},
    ),
    Prediction(
        "better than a constant",
        "Whatever is taken away, images still say something of T1 and T1rho.",
        ahead_of_constant,
        STAYS,
    ),
)
