"""What is fitted: acquisitions, tissue and noise, simulated from one seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jaxqmri import physics

SNR = 30.0
ECHOES = 10.0 * np.arange(1, 9)


@dataclass(frozen=True)
class Case:
    """One acquisition, the range of each fitted parameter, and how ``jaxqmri.fit`` is called.

    Attributes
    ----------
    times
        The acquisition's axis: times in ms, or flip angles in degrees.
    tissue
        Fitted parameters in the order of ``model.Params``, each drawn evenly from its range.
    options
        Keywords of ``jaxqmri.fit``, but for the noise.
    rician
        Whether images are magnitudes; the fit is then told the noise.
    asked
        Voxels a second that two CPU cores should reach.
    """

    name: str
    times: np.ndarray
    build: Callable[[np.ndarray], physics.SignalModel]
    tissue: dict[str, tuple[float, float]]
    options: dict[str, Any] = field(default_factory=lambda: {"quality": False})
    rician: bool = False
    asked: float | None = None

    @property
    def model(self) -> physics.SignalModel:
        """The signal model."""
        return self.build(self.times)

    def call(self, sigma: float) -> dict[str, Any]:
        """Keywords of ``jaxqmri.fit``; a Rician fit is told the noise."""
        return self.options | ({"sigma": sigma} if self.rician else {})

    def params(self, estimates: Any) -> Any:
        """The model's ``Params`` from fitted values in the order of ``tissue``."""
        model = self.model
        known = {name: model.defaults[name] for name in model.defaults}
        return model.Params(**(known | dict(zip(self.tissue, estimates, strict=True))))

    def simulate(self, voxels: int, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
        """Noisy images in float32, the true parameters, and the noise's standard deviation.

        The standard deviation is ``s0`` over :data:`SNR`; for a spoiled gradient echo, whose
        ``m0`` is no signal, the largest mean signal over it.
        """
        import jax
        import jax.numpy as jnp

        rng = np.random.default_rng(seed)
        truth = np.stack([rng.uniform(*limits, voxels) for limits in self.tissue.values()], -1)
        with jax.enable_x64(True):
            signal = jax.jit(jax.vmap(lambda row: self.model(self.params(list(row)))))
            clean = np.asarray(signal(jnp.asarray(truth)))
        sigma = float((1.0 if "s0" in self.tissue else clean.mean(axis=0).max()) / SNR)
        images = clean + rng.normal(0.0, sigma, clean.shape)
        if self.rician:
            images = np.hypot(images, rng.normal(0.0, sigma, clean.shape))
        return images.astype(np.float32), truth, sigma


T1RHO = {"s0": (1.0, 1.0), "t1rho": (25.0, 70.0)}
SPIN_LOCKS = np.array([0.0, 10.0, 30.0, 50.0])

CASES = {
    case.name: case
    for case in (
        Case("mono", SPIN_LOCKS, physics.T1rhoDecay, T1RHO, asked=20e6),
        Case(
            "mono, all maps", SPIN_LOCKS, physics.T1rhoDecay, T1RHO, options={}, asked=10e6
        ),
        Case("mono, Rician", SPIN_LOCKS, physics.T1rhoDecay, T1RHO,
             options={"quality": False, "likelihood": "rician"}, rician=True),
        Case(
            "flip angles",
            np.array([5.0, 10.0, 20.0, 30.0]),
            lambda angles: physics.SpoiledGradientEcho(angles, 20.0),
            {"m0": (1.0, 1.0), "t1": (600.0, 1600.0)},
            asked=10e6,
        ),
        Case(
            "offset",
            ECHOES,
            physics.T2DecayOffset,
            {"s0": (1.0, 1.0), "t2": (25.0, 45.0), "offset": (0.1, 0.3)},
            asked=3e6,
        ),
        Case(
            "phase graph",
            ECHOES,
            physics.MultiEchoSpinEcho,
            {"s0": (1.0, 1.0), "t2": (30.0, 60.0), "b1": (0.7, 0.9)},
            options={"quality": False, "free": ("b1",)},
            asked=0.5e6,
        ),
    )
}  # fmt: skip
