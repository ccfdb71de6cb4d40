"""T2 by every fit: the paper's, and those that somebody else would use on the same echoes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

import jaxqmri
from experiments.knee_t2.paper import LONGEST_T2
from jaxqmri import physics
from jaxqmri.fitting import Status
from jaxqmri.physics.decay import exponential_decay
from jaxqmri.preprocessing import smooth_where_rising

OFFSET = "with offset"
TWO_PARAMETERS = "two parameters"
ALL_ECHOES = "two parameters, all echoes"
RICIAN_MEAN = "mean of magnitudes"
RICIAN_LIKELIHOOD = "likelihood of magnitudes"
PHASE_GRAPH = "phase graph"
LIMITS = (1.0, 400.0)  # ms, within which T2 is searched


class Echoes(NamedTuple):
    """Echo trains of some voxels.

    Attributes
    ----------
    signals
        Magnitudes.
    times
        Echo times, ms.
    sigma
        Of the noise, in the unit of the signals.
    """

    signals: Float[np.ndarray, "v n"]
    times: Float[np.ndarray, " n"]
    sigma: float


class Decay(NamedTuple):
    """Parameters of a decay."""

    s0: Float[Array, ""] | float
    t2: Float[Array, ""] | float


def fit_t2(echoes: Echoes, how: str) -> Float[np.ndarray, " v"]:
    """T2 of every voxel, ms; NaN where a fit has not converged or T2 is outside (0, 100].

    Parameters
    ----------
    echoes
        What was measured.
    how
        A key of :data:`FITS`.
    """
    if not len(echoes.signals):
        return np.zeros(0, np.float32)
    result = FITS[how](echoes)
    t2 = np.asarray(result.params.t2)
    # B1 of the phase graph may well be at its bound, which is perfect refocusing
    found = np.isin(np.asarray(result.status), (Status.CONVERGED, Status.AT_BOUND))
    usable = found & (t2 > LIMITS[0]) & (t2 <= LONGEST_T2)
    return np.where(usable, t2, np.nan).astype(np.float32)


def t2_map(
    images: Float[np.ndarray, "*place n"],
    inside: Bool[np.ndarray, "*place"],
    times: Float[np.ndarray, " n"],
    sigma: float,
    how: str = OFFSET,
) -> Float[np.ndarray, "*place"]:
    """T2 inside a region; NaN elsewhere, and where :func:`fit_t2` has none."""
    found = np.full(inside.shape, np.nan, np.float32)
    found[inside] = fit_t2(Echoes(images[inside], times, sigma), how)
    return found


def _later(echoes: Echoes) -> tuple[Float[np.ndarray, "v m"], Float[np.ndarray, " m"]]:
    """All echoes but the first, which has no stimulated echo in it."""
    return echoes.signals[:, 1:], echoes.times[1:]


def _with_offset(echoes: Echoes) -> jaxqmri.FitResult:
    """The paper's: a constant beside the decay, moving averages where the train rises."""
    signals, times = _later(echoes)
    model = physics.T2DecayOffset(times - times[0])
    return jaxqmri.fit(model, smooth_where_rising(signals), bounds={"t2": LIMITS}, quality=False)


def _two_parameters(echoes: Echoes) -> jaxqmri.FitResult:
    signals, times = _later(echoes)
    return jaxqmri.fit(physics.T2Decay(times), signals, bounds={"t2": LIMITS}, quality=False)


def _all_echoes(echoes: Echoes) -> jaxqmri.FitResult:
    model = physics.T2Decay(echoes.times)
    return jaxqmri.fit(model, echoes.signals, bounds={"t2": LIMITS}, quality=False)


def _mean_of_magnitudes(echoes: Echoes) -> jaxqmri.FitResult:
    """Least squares to what Rician noise makes of a decay on average."""
    signals, times = _later(echoes)
    first = _two_parameters(echoes).params
    return jaxqmri.fit(
        mean_magnitudes,
        signals,
        start=Decay(first.s0, first.t2),
        bounds=(Decay(0.0, LIMITS[0]), Decay(np.inf, LIMITS[1])),
        args=(jnp.asarray(times, jnp.float32), jnp.float32(echoes.sigma)),
        quality=False,
    )


def mean_magnitudes(
    params: Decay, times: Float[Array, " n"], sigma: Float[Array, ""]
) -> Float[Array, " n"]:
    """Mean of noisy magnitudes of a decay."""
    return physics.rician_mean(exponential_decay(times, params.s0, params.t2), sigma)


def _likelihood_of_magnitudes(echoes: Echoes) -> jaxqmri.FitResult:
    signals, times = _later(echoes)
    return jaxqmri.fit(
        physics.T2Decay(times),
        signals,
        bounds={"t2": LIMITS},
        likelihood="rician",
        sigma=echoes.sigma,
        quality=False,
    )


def _phase_graph(echoes: Echoes) -> jaxqmri.FitResult:
    """All echoes, stimulated ones computed, with B1 of every voxel."""
    model = physics.MultiEchoSpinEcho(echoes.times)
    return jaxqmri.fit(model, echoes.signals, free=("b1",), bounds={"t2": LIMITS}, quality=False)


FITS: dict[str, Callable[[Echoes], jaxqmri.FitResult]] = {
    OFFSET: _with_offset,
    TWO_PARAMETERS: _two_parameters,
    ALL_ECHOES: _all_echoes,
    RICIAN_MEAN: _mean_of_magnitudes,
    RICIAN_LIKELIHOOD: _likelihood_of_magnitudes,
    PHASE_GRAPH: _phase_graph,
}
