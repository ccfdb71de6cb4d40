"""The images of a condition: as scanned, or so that they do not obey the equation of the loss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from experiments.physics_weight.arms import Equation
from experiments.physics_weight.settings import Settings
from experiments.physics_weight.study import Study
from experiments.spin_lock import SPIN_LOCK_TIMES

GIVEN = (0, 1, 3)  # images that networks and the loss are given, by their place among the times
UNSEEN = 2  # the one that neither is given
GIVEN_TIMES = tuple(SPIN_LOCK_TIMES[k] for k in GIVEN)
UNSEEN_TIME = SPIN_LOCK_TIMES[UNSEEN]
NOISIER = 2.0  # times the noise, of the images that tell how a network bears it


def images_of(study: Study, equation: Equation, settings: Settings) -> Float[np.ndarray, "v 4"]:
    """Signals at the four spin-lock times, scanner units.

    Parameters
    ----------
    study
        The subjects.
    equation
        ``obeyed``: as scanned. ``offset ignored``: with a constant added that ``S = s0
        exp(-TSL / T1rho)`` does not know. ``wrong B1``: as a simple spin lock, ``90y lock -90y``,
        leaves them in a transmit field other than nominal; its result in perfect fields is the
        equation's. ``PD as TSL 0``: the PD-weighted image in place of the one at time zero.
    settings
        Sizes of offset and field.
    """
    signals = study.spin_lock.copy()
    if equation == "offset ignored":
        signals += (settings.offset * study.first_signal)[study.owner, None].astype(np.float32)
    elif equation == "wrong B1":
        signals *= simple_lock(SPIN_LOCK_TIMES, study.frequency, settings.b1)
    elif equation == "PD as TSL 0":
        assert study.pd is not None
        signals[:, 0] = study.pd
    return signals


def simple_lock(times: Sequence[float], frequency: float, b1: float) -> Float[np.ndarray, " n"]:
    """What a wrong transmit field leaves of the signal behind a simple spin lock.

    With ``T2rho = T1rho`` relaxation during the lock is the same in every direction: the module's
    result is ``e^(-TSL/T1rho)`` times this factor, ``sin(b1 90)^2 + cos(b1 90)^2 cos(2 pi f b1
    TSL)``.
    """
    from jaxqmri.physics import spin_lock_magnetisation

    locked = [
        float(spin_lock_magnetisation(time, np.inf, np.inf, frequency, b1, 0.0, module="simple"))
        for time in times
    ]
    return np.abs(np.array(locked, np.float32))


def with_more_noise(
    signals: Float[np.ndarray, "v 4"], noise: Float[np.ndarray, " v"], seed: int
) -> Float[np.ndarray, "v 4"]:
    """Magnitude images whose noise is :data:`NOISIER` times as large: complex noise added."""
    added = np.sqrt(NOISIER**2 - 1.0) * noise[:, None]
    real, imaginary = np.random.default_rng(seed).standard_normal((2, *signals.shape))
    return np.hypot(signals + added * real, added * imaginary).astype(np.float32)
