"""What the same few images say by themselves: the signal equations fitted with priors.

The competitor of a network that is cheapest to have. Where images alone cannot tell T1, T1rho, B1
and the amplitude apart, what is known of cartilage from the training subjects takes their place:
the most likely values given images and priors, voxel by voxel.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import jaxqmri
from experiments.knee_rmq.fits import Reference
from experiments.knee_rmq.paper import FLIP_ANGLES, INPUTS, SPIN_LOCK_TIMES, Input
from experiments.knee_rmq.study import QUANTITIES, Study, channels
from experiments.knee_rmq.subjects import Acquisition
from jaxqmri.physics import multi_spoke_signal, spoiled_gradient_echo
from jaxqmri.training import Split

LEAST_SD = 0.01  # of the gain: what does not vary at all is still not known beyond this
TISSUE = ("log_m0", "log_t1", "log_t1rho", "b1")
PULLED = (*TISSUE, "log_gain")


class Prior(NamedTuple):
    """What is known beforehand: a normal distribution over the training subjects' cartilage.

    Attributes
    ----------
    mean, covariance
        Of the logarithms of M0 (scanner units), T1 and T1rho (ms), and of B1, over voxels: they
        vary together, and one tells of the others.
    log_gain
        Mean and SD between subjects of the logarithm of the amplitude of the spin-lock series over
        that of the flip angles.
    """

    mean: Float[np.ndarray, " 4"]
    covariance: Float[np.ndarray, "4 4"]
    log_gain: tuple[float, float]


def prior_of(study: Study, reference: Reference, split: Split) -> Prior:
    """Priors from the fitted maps of the training subjects."""
    own = study.slices_of(split.train)
    inside = study.cartilage[own] & reference.known[own]
    maps, images = reference.maps[own][inside], study.images[own][inside]
    m0, t1, b1, t1rho = maps.T
    owner = study.owner[own][np.nonzero(inside)[0]]
    first = _first_locked(study.acquisition, t1, b1, t1rho)
    log_gain = np.log(np.maximum(images[:, len(FLIP_ANGLES)], 1e-6) / (m0 * first))
    gains = np.array([np.median(log_gain[owner == i]) for i in np.unique(owner)])
    tissue = np.stack([np.log(m0), np.log(t1), np.log(t1rho), b1])
    spread = max(float(gains.std()), LEAST_SD)
    return Prior(tissue.mean(axis=1), np.cov(tissue), (float(gains.mean()), spread))


def fit_with_prior(
    study: Study, reference: Reference, prior: Prior, name: str, subjects: np.ndarray
) -> Float[np.ndarray, "s h w 4"]:
    """Maps from an input's images in the drawn cartilage of some subjects; NaN elsewhere.

    Each voxel's ``-log p`` is half of ``sum((S - I) / sigma)^2 + d' C^-1 d + (g / sd)^2`` with
    ``d`` and ``g`` the distances of tissue and gain from the prior's means. The equations are the
    exact ones: with fewer than three spin-lock times a free constant has no place. What the
    published form, which the reference may be fitted with, reads differently is in the prior.
    """
    slices, chosen = study.slices_of(subjects), channels(name)
    found = np.full((*study.label[slices].shape, len(QUANTITIES)), np.nan, np.float32)
    model = _model(name)
    for subject in subjects:
        own = np.flatnonzero(study.owner[slices] == subject)
        inside = study.cartilage[slices[own]]
        noise = reference.noise[subject]
        sigma = np.where(chosen < len(FLIP_ANGLES), noise[0], noise[1])
        images = study.images[slices[own]][inside][:, chosen] / sigma
        samples = np.concatenate([images, np.zeros((len(images), len(PULLED)))], axis=1)
        args = _args(study.acquisition, prior, noise)
        result = jaxqmri.fit(
            model,
            samples.astype(np.float32),
            start=dict(zip(PULLED, np.asarray(args[1]).tolist(), strict=True)),
            bounds={"b1": (0.5, 1.5)},
            sigma=1.0,
            quality=False,
            args=args,
        )
        maps = result.params
        values = [noise[0] * np.exp(maps["log_m0"]), np.exp(maps["log_t1"]), maps["b1"],
                  np.exp(maps["log_t1rho"])]  # fmt: skip
        block = np.full((*inside.shape, len(QUANTITIES)), np.nan, np.float32)
        block[inside] = np.stack(values, axis=-1)
        found[own] = block
    return found


@lru_cache
def _model(name: str) -> Callable[..., Array]:
    """Samples of an input in units of their noise, then how far values are from the priors."""
    given: Input = INPUTS[name]
    flips, times = np.array(given.flip_angles), np.array(given.spin_lock_times)

    def samples(params: dict, timing: Array, means: Array, whitening: Array, ratio: Array) -> Array:
        t1, t1rho = jnp.exp(params["log_t1"]), jnp.exp(params["log_t1rho"])
        tr, prepared_tr, angle, spokes, spacing = timing
        echoes = spoiled_gradient_echo(params["b1"] * jnp.asarray(flips, jnp.float32), tr, t1)
        locked = multi_spoke_signal(
            times, prepared_tr, params["b1"] * angle, spokes, spacing, t1, t1rho
        )
        values = jnp.stack([params[key] for key in PULLED])
        gain = jnp.exp(params["log_gain"]) * ratio
        signals = jnp.exp(params["log_m0"]) * jnp.concatenate([echoes, gain * locked])
        return jnp.concatenate([signals, whitening @ (values - means)])

    return samples


def _args(acquisition: Acquisition, prior: Prior, noise: Float[np.ndarray, " 2"]) -> tuple:
    own = acquisition
    timing = (
        own.repetition_time, own.prepared_repetition_time, own.prepared_flip_angle, own.spokes,
        own.spoke_spacing,
    )  # fmt: skip
    # M0 in units of the noise of the flip angles, as the samples are
    means = np.array([*prior.mean, prior.log_gain[0]]) - [np.log(noise[0]), 0.0, 0.0, 0.0, 0.0]
    whitening = np.zeros((len(PULLED), len(PULLED)))
    whitening[:-1, :-1] = np.linalg.inv(np.linalg.cholesky(prior.covariance))
    whitening[-1, -1] = 1.0 / prior.log_gain[1]
    as_floats = (np.array(timing), means, whitening, np.array(noise[0] / noise[1]))
    return tuple(jnp.asarray(each, jnp.float32) for each in as_floats)


def _first_locked(a: Acquisition, t1: np.ndarray, b1: np.ndarray, t1rho: np.ndarray) -> np.ndarray:
    """The spin-lock series' signal without spin lock, of unit magnetisation."""
    import jax

    times = jnp.asarray(SPIN_LOCK_TIMES[:1])

    def one(t1: Array, b1: Array, t1rho: Array) -> Array:
        return multi_spoke_signal(
            times, a.prepared_repetition_time, b1 * a.prepared_flip_angle, a.spokes,
            a.spoke_spacing, t1, t1rho,
        )[0]  # fmt: skip

    arrays = (jnp.asarray(each, jnp.float32) for each in (t1, b1, t1rho))
    return np.asarray(jax.jit(jax.vmap(one))(*arrays))
