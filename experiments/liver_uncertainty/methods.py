"""The methods that are compared: the paper's, and those that keep them honest."""

from __future__ import annotations

from typing import Literal, NamedTuple

from experiments.liver_uncertainty.paper import BM3D, COARSE, LBMC, LBR, LBRU, LBUDR

CALIBRATED = "quadratic calibration"
BM3D_ORACLE = "BM3D, noise level chosen by the target"
LOG_LBMC = "LBMC of logarithms"
WITH_PHYSICS = "LBR with physics"
PHYSICS = "physics alone"
SELF_SUPERVISED = "self-supervised Laplace"
ENSEMBLE = "ensemble of LBRU"
SCALED = "LBRU scaled"  # the same map; its doubt times one factor, from the validation patients

Learned = Literal[
    "LBR",
    "LBRU",
    "LBMC",
    "LBUDR",
    "LBMC of logarithms",
    "LBR with physics",
    "physics alone",
    "self-supervised Laplace",
]
Seen = Literal["coarse", "images", "logarithms"]


class Recipe(NamedTuple):
    """How a network learns: what it sees, and what it is to make small.

    Attributes
    ----------
    sees
        The coarse map, the two images, or their logarithms.
    l1
        Weight of the mean absolute error to the target.
    laplace
        Weight of Laplace's negative log-likelihood of the target.
    physics
        Weight of the squared distance of all four images to the signal equation, in their noise.
    own
        Weight of Laplace's negative log-likelihood of what the four images say of the predicted
        map: no fitted map is seen.
    spatial
        Whether the absolute error is weighted by another network's uncertainty.
    """

    sees: Seen = "coarse"
    l1: float = 0.0
    laplace: float = 0.0
    physics: float = 0.0
    own: float = 0.0
    spatial: float = 0.0


RECIPES: dict[str, Recipe] = {
    LBR: Recipe(l1=1.0),
    LBRU: Recipe(laplace=1.0),
    LBMC: Recipe("images", l1=1.0),
    LBUDR: Recipe(l1=1.0, spatial=1.0),
    LOG_LBMC: Recipe("logarithms", l1=1.0),
    WITH_PHYSICS: Recipe(l1=1.0, physics=0.1),
    PHYSICS: Recipe(physics=1.0),
    SELF_SUPERVISED: Recipe(own=1.0),
}
LEARNED: tuple[Learned, ...] = (
    "LBR", "LBRU", "LBMC", "LBUDR",
    "LBMC of logarithms", "LBR with physics", "physics alone", "self-supervised Laplace",
)  # fmt: skip
DOUBTING = (LBRU, SELF_SUPERVISED)  # networks that say how sure they are
ALL = (COARSE, BM3D, BM3D_ORACLE, CALIBRATED, *LEARNED, ENSEMBLE, SCALED)
# the first of two that are compared is named first in their difference
COMPARED = (
    LBUDR, LBRU, LBR, ENSEMBLE, WITH_PHYSICS, PHYSICS, SELF_SUPERVISED, LOG_LBMC, LBMC,
    CALIBRATED, BM3D_ORACLE, BM3D, COARSE,
)  # fmt: skip
