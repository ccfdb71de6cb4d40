"""One acquisition and one tissue for every model, as a fit meets them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxqmri import physics

ECHOES = 10.0 * np.arange(1, 9)
LATE_TIMES = [50.0, 100.0, 200.0, 500.0, 2000.0, 4000.0]
LOCKS = [0.0, 12.0, 24.0, 36.0, 48.0, 72.0, 96.0]
DENSE_TIMES = [0.0, 1.0, 2.0, 4.0, 6.0, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 80.0]


@dataclass(frozen=True)
class Case:
    """A model, the tissue it looks at, and the SNR at which its relative errors are small."""

    name: str
    model: physics.SignalModel
    truth: dict[str, float]
    precise_snr: float
    options: dict[str, Any] = field(default_factory=dict)

    def clean(self) -> np.ndarray:
        """Noise-free signals in float64."""
        with jax.enable_x64(True):
            tissue = {name: jnp.float64(value) for name, value in self.truth.items()}
            return np.asarray(self.model(self.model.Params(**tissue)))

    def noisy(self, voxels: int, snr: float, seed: int = 0) -> tuple[np.ndarray, float]:
        """Signals with Gaussian noise, and its standard deviation: the largest signal over SNR."""
        clean = self.clean()
        sigma = float(np.abs(clean).max() / snr)
        noise = np.random.default_rng(seed).normal(0.0, sigma, (voxels, clean.size))
        images = clean + noise
        return (images if self.model.signed else np.abs(images)), sigma


def _decay(name: str, model: physics.SignalModel, **truth: float) -> Case:
    return Case(name, model, truth, precise_snr=60.0)


CASES = [
    _decay("t1rho", physics.T1rhoDecay([0, 10, 30, 50]), s0=1.0, t1rho=45.0),
    _decay("t2", physics.T2Decay(ECHOES), s0=1.0, t2=45.0),
    _decay("t2star", physics.T2StarDecay([2, 5, 9, 14, 20, 28]), s0=1.0, t2star=20.0),
    Case("t2-offset", physics.T2DecayOffset(ECHOES), {"s0": 1.0, "t2": 35.0, "offset": 0.2}, 300.0),
    Case(
        "biexp",
        physics.BiExponentialDecay(DENSE_TIMES),
        {"s0": 1.0, "fraction_short": 0.4, "t_short": 6.0, "t_long": 50.0},
        300.0,
    ),
    Case(
        "stretched",
        physics.StretchedDecay([0, 2, 5, 10, 20, 30, 50, 80]),
        {"s0": 1.0, "t": 40.0, "beta": 0.7},
        100.0,
    ),
    Case(
        "t1-ir",
        physics.InversionRecovery(LATE_TIMES, 15_000, magnitude=False),
        {"m0": 1.0, "t1": 900.0, "efficiency": 0.9},
        60.0,
    ),
    Case(
        "t1-ir-magnitude",
        physics.InversionRecovery(LATE_TIMES, 15_000),
        {"m0": 1.0, "t1": 1100.0, "efficiency": 0.9},
        100.0,
    ),
    Case(
        "t1-sr",
        physics.SaturationRecovery([100, 300, 700, 1500, 3000]),
        {"m0": 1.0, "t1": 900.0},
        60.0,
    ),
    Case(
        "t1-vfa",
        physics.SpoiledGradientEcho([5, 10, 20, 30], 20),
        {"m0": 1.0, "t1": 1000.0, "b1": 1.0},
        60.0,
    ),
    Case(
        "b1-afi",
        physics.ActualFlipAngle([20, 100], 45),
        {"m0": 1.0, "b1": 0.9, "t1": 1000.0},
        60.0,
    ),
    Case(
        "t1-b1",
        physics.ActualAndVariableFlipAngle([5, 10, 20, 30], 20, [20, 100], 45),
        {"m0": 1.0, "afi_m0": 1.0, "t1": 1000.0, "b1": 0.9},
        100.0,
    ),
    Case(
        "t1-vfa-finite",
        physics.FinitePulseGradientEcho([5, 10, 20, 30], 20, 0.2),
        {"m0": 1.0, "t1": 600.0, "b1": 1.0, "t2": 1.0},
        60.0,
        {"fixed": {"t2": 1.0}},
    ),
    Case(
        "t1rho-adiabatic",
        physics.AdiabaticT1rho(LOCKS, 500, 10, 25, 5),
        {"m0": 1.0, "t1rho": 40.0, "t1": 1000.0, "b1": 1.0},
        60.0,
    ),
    Case(
        "t1rho-adiabatic-offset",
        physics.AdiabaticT1rhoOffset(LOCKS, 500, 10, 25),
        {"s0": 1.0, "t1rho": 35.0, "offset": 0.1, "t1": 1000.0, "b1": 1.0},
        100.0,
    ),
    Case(
        "t2-epg",
        physics.MultiEchoSpinEcho(ECHOES),
        {"s0": 1.0, "t2": 45.0, "b1": 0.75, "t1": 1000.0},
        100.0,
        {"free": ("b1",)},
    ),
]

# one of each kind: amplitudes and one time, an offset too, two times, signed images, images whose
# sign is lost, maps held fixed, and a parameter given by a number
KINDS = (
    "t1rho", "t2-offset", "biexp", "t1-ir", "t1-ir-magnitude", "t1rho-adiabatic", "t1-vfa-finite",
)  # fmt: skip

EVERY_CASE = [
    pytest.param(case, id=case.name, marks=() if case.name in KINDS else pytest.mark.exhaustive)
    for case in CASES
]
