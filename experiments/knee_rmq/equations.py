"""The signal equations of the three series, which maps are fitted with and networks held to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from experiments.knee_rmq.paper import FLIP_ANGLES, SPIN_LOCK_TIMES
from experiments.knee_rmq.subjects import Acquisition
from jaxqmri.physics import (
    ActualFlipAngle,
    AdiabaticT1rho,
    SpoiledGradientEcho,
)


class Equations(NamedTuple):
    """Of the flip angles, of the flip-angle map, and of the spin-lock times."""

    flips: SpoiledGradientEcho
    actual: ActualFlipAngle
    locked: AdiabaticT1rho


def equations(acquisition: Acquisition) -> Equations:
    """All of them exact."""
    own = acquisition
    return Equations(
        SpoiledGradientEcho(np.array(FLIP_ANGLES), own.repetition_time),
        ActualFlipAngle(np.array(own.actual_repetition_times), own.actual_flip_angle),
        AdiabaticT1rho(
            np.array(SPIN_LOCK_TIMES), own.prepared_repetition_time, own.prepared_flip_angle,
            own.spokes, own.spoke_spacing,
        ),
    )  # fmt: skip
