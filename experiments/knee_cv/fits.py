"""Least squares of the study's images, voxel by voxel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

import jaxqmri
from experiments.knee_cv.results import ALL_TIMES, Maps, Study

Bounds = tuple[float, float]  # of T1rho, ms


def fit_reference(study: Study, bounds: Bounds) -> tuple[Maps, float]:
    """T1rho of every cartilage voxel from all spin-lock times, and the noise of the images."""
    from jaxqmri.physics import T1rhoDecay

    result = jaxqmri.fit(
        T1rhoDecay(spin_lock_times=np.array(study.times(ALL_TIMES))),
        study.images(ALL_TIMES),
        bounds={"t1rho": bounds},
    )
    maps = Maps(np.asarray(result.params.t1rho), np.asarray(result.status))
    return maps, float(np.asarray(result.sigma))


def fit_input(study: Study, name: str, bounds: Bounds) -> Maps:
    """T1rho of every cartilage voxel from one input."""
    return fit_signals(study.images(name), study.times(name), bounds)


def fit_signals(signals: Float[np.ndarray, "v k"], times: Sequence[float], bounds: Bounds) -> Maps:
    """T1rho from signals at ``times`` (ms)."""
    from jaxqmri.physics import T1rhoDecay

    model = T1rhoDecay(spin_lock_times=np.array(times))
    result = jaxqmri.fit(model, signals, bounds={"t1rho": bounds}, quality=False)
    return Maps(np.asarray(result.params.t1rho), np.asarray(result.status))
