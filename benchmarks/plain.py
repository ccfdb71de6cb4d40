"""The equations and starts that a user would write by hand for a general optimiser."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from benchmarks.cases import CASES

REPETITION_TIME = 20.0  # ms, of the flip-angle case
SMALLEST = 1e-3  # signal below which a logarithm says nothing


class Plain(NamedTuple):
    """``signal(xp, times, *params)`` and ``start(xp, times, images)``, ``xp`` NumPy or JAX's."""

    signal: Callable[..., Any]
    start: Callable[..., list[Any]]


def log_linear(xp: Any, times: np.ndarray, images: Any) -> list[Any]:
    """Amplitude and time constant (kept from 5 to 500 ms) by a straight line through the logs."""
    logs = xp.log(xp.maximum(images, SMALLEST))
    centred = times - times.mean()
    rate = -(logs * centred).sum(-1) / (centred**2).sum()
    rate = xp.clip(rate, 1 / 500.0, 1 / 5.0)
    return [xp.exp(logs.mean(-1) + rate * times.mean()), 1 / rate]


def spoiled(xp: Any, angles: np.ndarray, m0: Any, t1: Any) -> Any:
    """Spoiled gradient echo in the steady state."""
    radians = np.deg2rad(angles)
    e1 = xp.exp(-REPETITION_TIME / t1)
    return m0 * np.sin(radians) * (1 - e1) / (1 - e1 * np.cos(radians))


def spoiled_start(xp: Any, angles: np.ndarray, images: Any) -> list[Any]:
    """The line through ``S / sin`` against ``S / tan``; T1 kept from 50 to 5,000 ms."""
    radians = np.deg2rad(angles)
    y, x = images / np.sin(radians), images / np.tan(radians)
    dx, dy = x - x.mean(-1, keepdims=True), y - y.mean(-1, keepdims=True)
    slope = (dx * dy).sum(-1) / (dx**2).sum(-1)
    slope = xp.clip(slope, np.exp(-REPETITION_TIME / 50.0), np.exp(-REPETITION_TIME / 5000.0))
    m0 = xp.maximum((y.mean(-1) - slope * x.mean(-1)) / (1 - slope), SMALLEST)
    return [m0, -REPETITION_TIME / xp.log(slope)]


@lru_cache(maxsize=1)
def compiled_phase_graph() -> Callable[..., Any]:
    """The package's own extended phase graph in float64: nobody writes one by hand for a fit."""
    import jax

    case = CASES["phase graph"]
    return jax.jit(lambda *params: case.model(case.params(params)))


def phase_graph(xp: Any, times: np.ndarray, *params: Any) -> Any:
    """Extended phase graph of the case's echoes."""
    del times
    signal = compiled_phase_graph()
    if xp is not np:
        return signal(*params)
    return np.asarray(signal(*map(np.float64, params)))


def phase_graph_start(xp: Any, times: np.ndarray, images: Any) -> list[Any]:
    """A straight line through the logs, and ``b1`` off 1, where its derivative is zero."""
    return [*log_linear(xp, times, images), 0.0 * images[..., 0] + 0.8]


PLAIN = {
    "mono": Plain(lambda xp, t, s0, t1rho: s0 * xp.exp(-t / t1rho), log_linear),
    "flip angles": Plain(spoiled, spoiled_start),
    "offset": Plain(
        lambda xp, t, s0, t2, offset: s0 * xp.exp(-t / t2) + offset,
        lambda xp, t, images: [*log_linear(xp, t, images), 0.0 * images[..., 0] + 0.01],
    ),
    "phase graph": Plain(phase_graph, phase_graph_start),
}
