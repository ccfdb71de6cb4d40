"""Three series of one simulated subject: the study's protocol, B1 on half the resolution."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from jaxqmri import physics
from jaxqmri.mapping import Series

LOCKS = [0.0, 12.0, 24.0, 36.0, 48.0, 72.0, 96.0]
VFA = physics.SpoiledGradientEcho([5.0, 10.0, 20.0, 30.0], 20.0)
AFI = physics.ActualFlipAngle([20.0, 100.0], 45.0)
ADIABATIC = physics.AdiabaticT1rho(LOCKS, 500.0, 10.0, 25, 5.0)

SHAPE = (48, 48, 12)
FINE = np.diag([0.6, 0.6, 3.0, 1.0])
COARSE = np.diag([1.2, 1.2, 6.0, 1.0])
COARSE[:3, 3] = [0.3, 0.3, 1.5]


def signals(model: physics.SignalModel, **tissue: Any) -> np.ndarray:
    """Images of maps, or numbers, of every parameter."""
    maps = [
        np.broadcast_to(tissue[name], SHAPE).astype(np.float64) for name in model.Params._fields
    ]
    with jax.enable_x64(True):
        each = jax.vmap(lambda *values: model(model.Params(*values)))
        return np.asarray(jax.jit(each)(*(m.ravel() for m in maps))).reshape(*SHAPE, -1)


def halved(images: np.ndarray) -> np.ndarray:
    """Averages of 2 x 2 x 2 voxels."""
    x, y, z, n = images.shape
    return images.reshape(x // 2, 2, y // 2, 2, z // 2, 2, n).mean(axis=(1, 3, 5))


def subject(
    t1: Any, t1rho: Any, b1: Any, *, noisy: bool = False, known: bool = True, seed: int = 0
) -> tuple[Series, Series, Series]:
    """Variable flip angles, actual flip angle, adiabatic spin locks.

    Noise of SNR 40 at 10 degrees, 60 of the first actual flip angle image, 40 without spin lock;
    without noise a small ``sigma``, which without spare samples cannot be found. ``known``: tell
    the noise.
    """
    rng = np.random.default_rng(seed)
    made = []
    for model, affine, sample, snr in (
        (VFA, FINE, 1, 40.0),
        (AFI, COARSE, 0, 60.0),
        (ADIABATIC, FINE, 0, 40.0),
    ):
        tissue = {"m0": 1.0, "t1": t1, "b1": b1, "t1rho": t1rho}
        images = signals(model, **tissue)
        images = halved(images) if model is AFI else images
        sigma = float(np.median(images[..., sample]) / snr)
        if noisy:
            images = images + rng.normal(0.0, sigma, images.shape)
        told = (sigma if noisy else 1e-4) if known else None
        made.append(Series(model, images.astype(np.float32), affine, told))
    return made[0], made[1], made[2]


def ramp(low: float, high: float, axis: int = 0) -> np.ndarray:
    """A field that rises evenly along one axis, alike in pairs of voxels along the others."""
    shape = [1, 1, 1]
    shape[axis] = SHAPE[axis]
    return np.linspace(low, high, SHAPE[axis]).reshape(shape) * np.ones(SHAPE)
