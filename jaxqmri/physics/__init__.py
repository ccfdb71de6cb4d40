"""Signal equations: what one voxel's signal is, written once and differentiable.

Imports JAX and Equinox alone. Times are in ms, angles in degrees, frequencies in Hz.
"""

from jaxqmri.physics.amplitude import profile_amplitudes
from jaxqmri.physics.base import Bounds, SignalModel
from jaxqmri.physics.decay import (
    BiExponentialDecay,
    StretchedDecay,
    T1rhoDecay,
    T2Decay,
    T2DecayOffset,
    T2StarDecay,
)

__all__ = [
    "BiExponentialDecay",
    "Bounds",
    "SignalModel",
    "StretchedDecay",
    "T1rhoDecay",
    "T2Decay",
    "T2DecayOffset",
    "T2StarDecay",
    "profile_amplitudes",
]
