"""Phases of degeneration, told from the mean T1rho of the nucleus pulposus."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

PHASES = ("phase 1", "phase 2", "phase 3")
LONG, SHORT = 110.0, 80.0  # ms


def phase_of(t1rho: Float[np.ndarray, "*d"]) -> Int[np.ndarray, "*d"]:
    """Number of the phase from 0: above 110 ms, 80 to 110 ms, below 80 ms."""
    return np.where(t1rho > LONG, 0, np.where(t1rho < SHORT, 2, 1))
