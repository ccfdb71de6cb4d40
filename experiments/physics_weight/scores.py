"""What a predicted map is worth, test subject by test subject."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from experiments.physics_weight.images import (
    NOISIER,
    ON_NOISY_PAIR,
    ON_OTHER_PAIR,
    ON_PAIR,
    OTHER_PAIR,
    PAIR,
    UNSEEN,
)
from experiments.spin_lock import SPIN_LOCK_TIMES
from jaxqmri.analysis import SubjectErrors, subject_errors


def _named(places: tuple[int, ...], between: str) -> str:
    return between.join(f"{SPIN_LOCK_TIMES[k]:g}" for k in places)


MAE, RPE, TRUE_MAE = "MAE", "RPE", "MAE to truth"
RESIDUAL = f"residual at TSL {_named(UNSEEN, ' and ')}"
NOISY_MAE = f"MAE at 1/{NOISIER:g} of the SNR"
OTHER_TIMES_MAE = f"MAE from TSL {_named(OTHER_PAIR, ' + ')}"
METRICS = {
    MAE: "ms",
    RPE: "%",
    RESIDUAL: "noise SD",
    NOISY_MAE: "ms",
    OTHER_TIMES_MAE: "ms",
    TRUE_MAE: "ms",
}


def score(
    predicted: Mapping[str, Float[np.ndarray, " v"]],
    standard: Float[np.ndarray, " v"],
    truth: Float[np.ndarray, " v"],
    signals: Float[np.ndarray, "v 4"],
    noise: Float[np.ndarray, " v"],
    owner: Int[np.ndarray, " v"],
) -> dict[str, Float[np.ndarray, " s"]]:
    """Every metric of every subject, in the order of their numbers.

    Errors are means of ``|T - standard|`` over a subject's voxels (MAE) and ``100 |mean(T) -
    mean(standard)| / mean(standard)`` (RPE); the residual is the root mean square of
    :func:`unseen_residuals`.

    Parameters
    ----------
    predicted
        T1rho (ms) by the images that it was made from, see
        :func:`~experiments.physics_weight.images.inputs_of`.
    standard, truth
        T1rho, ms; voxels without one do not count.
    signals, noise
        Of the condition, and the standard deviation of its noise, in one unit.
    owner
        Subject of each voxel.
    """
    found: dict[str, list[float]] = {name: [] for name in METRICS}
    apart = unseen_residuals(predicted[ON_PAIR], signals, noise)
    for number in np.unique(owner):
        own = owner == number
        of_subject = {
            name: _errors(standard[own], values[own]) for name, values in predicted.items()
        }
        found[MAE].append(of_subject[ON_PAIR].mae)
        found[RPE].append(of_subject[ON_PAIR].rpe)
        found[NOISY_MAE].append(of_subject[ON_NOISY_PAIR].mae)
        found[OTHER_TIMES_MAE].append(of_subject[ON_OTHER_PAIR].mae)
        found[TRUE_MAE].append(_errors(truth[own], predicted[ON_PAIR][own]).mae)
        found[RESIDUAL].append(float(np.sqrt(np.nanmean(apart[own] ** 2))))
    return {name: np.array(values) for name, values in found.items()}


def unseen_residuals(
    t1rho: Float[np.ndarray, " v"],
    signals: Float[np.ndarray, "v 4"],
    noise: Float[np.ndarray, " v"],
) -> Float[np.ndarray, "v 2"]:
    """Images that a network was not given, less what its map says of them, in units of the noise.

    The amplitude is the one that fits the given images best, ``sum(e I) / sum(e^2)`` with ``e =
    exp(-TSL / T1rho)`` over the two.
    """
    times = np.array(SPIN_LOCK_TIMES)
    decay = np.exp(-times / t1rho[:, None])
    given, unseen = list(PAIR), list(UNSEEN)
    amplitude = (decay[:, given] * signals[:, given]).sum(axis=1) / (decay[:, given] ** 2).sum(1)
    return (signals[:, unseen] - amplitude[:, None] * decay[:, unseen]) / noise[:, None]


def _errors(standard: Float[np.ndarray, " n"], predicted: Float[np.ndarray, " n"]) -> SubjectErrors:
    both = np.isfinite(standard) & np.isfinite(predicted)
    return subject_errors(standard[both], predicted[both])
