"""What a predicted map is worth, test subject by test subject."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from experiments.physics_weight.images import GIVEN, GIVEN_TIMES, UNSEEN, UNSEEN_TIME
from jaxqmri.analysis import subject_errors

MAE, RPE, TRUE_MAE = "MAE", "RPE", "MAE to truth"
RESIDUAL = f"residual at TSL {UNSEEN_TIME:g}"
NOISY_MAE, OTHER_TIMES_MAE = "MAE at half the SNR", f"MAE from TSL 0 + {UNSEEN_TIME:g}"
METRICS = {
    MAE: "ms",
    RPE: "%",
    RESIDUAL: "noise SD",
    NOISY_MAE: "ms",
    OTHER_TIMES_MAE: "ms",
    TRUE_MAE: "ms",
}

PAIR, NOISY, OTHER_TIMES = "0+50", "0+50, noisier", "0+30"  # inputs of a network that is judged


def score(
    predicted: Mapping[str, Float[np.ndarray, " v"]],
    reference: Float[np.ndarray, " v"],
    truth: Float[np.ndarray, " v"],
    signals: Float[np.ndarray, "v 4"],
    noise: Float[np.ndarray, " v"],
    owner: Int[np.ndarray, " v"],
) -> dict[str, Float[np.ndarray, " s"]]:
    """Every metric of every subject, in the order of their numbers.

    Parameters
    ----------
    predicted
        T1rho by what the network saw: :data:`PAIR`, :data:`NOISY`, :data:`OTHER_TIMES`.
    reference, truth
        T1rho, ms; voxels without one do not count.
    signals, noise
        As scanned, or as the condition has them.
    owner
        Subject of each voxel.
    """
    found: dict[str, list[float]] = {name: [] for name in METRICS}
    apart = unseen_residual(predicted[PAIR], signals, noise)
    for number in np.unique(owner):
        own = (owner == number) & np.isfinite(reference)
        errors = {name: _errors(reference[own], values[own]) for name, values in predicted.items()}
        found[MAE].append(errors[PAIR].mae)
        found[RPE].append(errors[PAIR].rpe)
        found[NOISY_MAE].append(errors[NOISY].mae)
        found[OTHER_TIMES_MAE].append(errors[OTHER_TIMES].mae)
        found[TRUE_MAE].append(_errors(truth[own], predicted[PAIR][own]).mae)
        found[RESIDUAL].append(float(np.sqrt(np.nanmean(apart[own] ** 2))))
    return {name: np.array(values) for name, values in found.items()}


def unseen_residual(
    t1rho: Float[np.ndarray, " v"],
    signals: Float[np.ndarray, "v 4"],
    noise: Float[np.ndarray, " v"],
) -> Float[np.ndarray, " v"]:
    """The image at the unseen time less what a map says of it, in units of the noise.

    The amplitude is the one that fits the given images best, ``sum(e I) / sum(e^2)`` with ``e =
    exp(-TSL / T1rho)``.
    """
    decay = np.exp(-np.array(GIVEN_TIMES) / t1rho[:, None])
    amplitude = (decay * signals[:, GIVEN]).sum(axis=1) / (decay**2).sum(axis=1)
    return (signals[:, UNSEEN] - amplitude * np.exp(-UNSEEN_TIME / t1rho)) / noise


def _errors(reference: Float[np.ndarray, " n"], predicted: Float[np.ndarray, " n"]):
    both = np.isfinite(reference) & np.isfinite(predicted)
    return subject_errors(reference[both], predicted[both])
