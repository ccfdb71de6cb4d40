"""What a condition has of images: as scanned, or so that they obey another equation than the loss.

Labels and the maps that errors are counted from stay those of the images as scanned, but for
images that are exact, which have their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from experiments.physics_weight.arms import EXACT, OFFSET, PD_FIRST, WRONG_B1, Equation
from experiments.physics_weight.settings import Settings
from experiments.physics_weight.study import Study, fit_t1rho
from experiments.spin_lock import SPIN_LOCK_TIMES

SEEN = (0, 1, 3)  # images that a network may see, by their place among the times
PAIR, UNSEEN = (0, 3), (1, 2)  # the two that it is judged by, and the others
OTHER_PAIR = (0, 2)  # with a spin-lock time that it has not seen
NOISIER = 2.0  # times the noise, of the images that tell how a network bears it

ON_PAIR, ON_NOISY_PAIR, ON_OTHER_PAIR = "pair", "noisier pair", "other pair"


@dataclass(frozen=True)
class Images:
    """All subjects' voxels in one condition.

    Attributes
    ----------
    signals
        At the four spin-lock times, scanner units.
    label
        T1rho to learn from, ms: the fit to all four images.
    standard
        T1rho that errors are counted from, ms.
    usable
        Voxels with a signal in every image.
    """

    signals: Float[np.ndarray, "v 4"]
    label: Float[np.ndarray, " v"]
    standard: Float[np.ndarray, " v"]
    usable: Bool[np.ndarray, " v"]


def images_of(study: Study, equation: Equation, settings: Settings, seed: int) -> Images:
    """The images of one condition.

    Parameters
    ----------
    study
        The subjects.
    equation
        ``exact``: ``s0 exp(-TSL / T1rho)`` of the fitted maps with Rician noise of the subject.
        ``as scanned``: with all that a scanner and tissue do. ``offset ignored``: with a constant
        added. ``wrong B1``: as a simple spin lock, ``90y lock -90y``, leaves them in a transmit
        field other than nominal, one for each subject. ``PD as TSL 0``: the PD-weighted image in
        place of the one at time zero.
    settings
        Sizes of offset and field.
    seed
        Of noise and fields.
    """
    signals, noise = study.spin_lock.copy(), study.noise[study.owner]
    label, standard = study.reference, study.standard
    generator = np.random.default_rng([seed, 3])
    if equation == EXACT:
        decay = np.exp(-np.array(SPIN_LOCK_TIMES) / study.reference[:, None])
        signals = with_noise(study.amplitude[:, None] * decay, noise[:, None], generator)
        fitted = fit_t1rho(signals, SPIN_LOCK_TIMES, settings.t1rho_bounds)
        label, standard = np.asarray(fitted.params.t1rho), study.reference
    elif equation == OFFSET:
        signals += (settings.offset * study.first_signal)[study.owner, None].astype(np.float32)
    elif equation == WRONG_B1:
        b1 = generator.normal(settings.b1, settings.b1_sd, len(study.names))
        left = np.stack([simple_lock(SPIN_LOCK_TIMES, study.frequency, each) for each in b1])
        left = left[study.owner]
        # as much noise as before, though less signal
        lost = noise[:, None] * np.sqrt(np.clip(1.0 - left**2, 0.0, None))
        signals = with_noise(signals * left, lost, generator)
    elif equation == PD_FIRST:
        assert study.pd is not None
        signals[:, 0] = study.pd
    usable = np.asarray(np.isfinite(signals).all(axis=1))
    return Images(signals, label, standard, usable)


def inputs_of(
    signals: Float[np.ndarray, "v 4"], noise: Float[np.ndarray, " v"], seed: int
) -> dict[str, tuple[Float[np.ndarray, "v 2"], tuple[float, float]]]:
    """Pairs of images with their times (ms) that maps are made from to be judged.

    Those of the trainings, :data:`PAIR`; the same with :data:`NOISIER` times the noise; and
    :data:`OTHER_PAIR`.
    """
    added = np.sqrt(NOISIER**2 - 1.0) * noise[:, None]
    noisier = with_noise(signals, added, np.random.default_rng([seed, 4]))
    return {
        ON_PAIR: (signals[:, PAIR], _times(PAIR)),
        ON_NOISY_PAIR: (noisier[:, PAIR], _times(PAIR)),
        ON_OTHER_PAIR: (signals[:, OTHER_PAIR], _times(OTHER_PAIR)),
    }


def simple_lock(times: Sequence[float], frequency: float, b1: float) -> Float[np.ndarray, " n"]:
    """What a wrong transmit field leaves of the signal behind a simple spin lock.

    With ``T2rho = T1rho`` relaxation during the lock is the same in every direction: the module's
    result is ``e^(-TSL/T1rho)`` times this factor, ``sin(b1 90)^2 + cos(b1 90)^2 cos(2 pi f b1
    TSL)``, of which the magnitude is seen.
    """
    from jaxqmri.physics import spin_lock_magnetisation

    locked = [
        float(spin_lock_magnetisation(time, np.inf, np.inf, frequency, b1, 0.0, module="simple"))
        for time in times
    ]
    return np.abs(np.array(locked, np.float32))


def with_noise(
    signals: Float[np.ndarray, "v n"],
    sigma: Float[
        np.ndarray,
        (
            v  # n
        ),
    ],
    generator: np.random.Generator,
) -> Float[np.ndarray, "v n"]:
    """Magnitudes of signals with complex Gaussian noise of ``sigma`` in each channel."""
    real, imaginary = generator.standard_normal((2, *signals.shape))
    return np.hypot(signals + sigma * real, sigma * imaginary).astype(np.float32)


def _times(pair: tuple[int, int]) -> tuple[float, float]:
    return SPIN_LOCK_TIMES[pair[0]], SPIN_LOCK_TIMES[pair[1]]
