"""What one training step is: patches, targets fitted anew, what a network sees, what it loses.

One compiled step serves all methods. How they differ is data: :class:`Recipe` as numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from experiments.liver_uncertainty.fits import BOUNDS, PAIR, CutOff
from experiments.liver_uncertainty.methods import Recipe
from experiments.liver_uncertainty.settings import Learning
from experiments.spin_lock import SPIN_LOCK_TIMES
from jaxqmri import networks, physics, training
from jaxqmri.fitting import fit_voxels
from jaxqmri.physics import profile_amplitudes
from jaxqmri.training import Augmentation, Trainer

START = 45.0  # ms: of every output before training
STEPS = 8  # of the fit of a patch: pixels that need more are near the cut-off
ROBUST = 3.0  # noise units above which flow and motion count linearly in the physics loss
LEAST_LOG_SCALE = -2.0  # of Laplace's scale in ms: no pixel is known to a tenth of one
SEEN = ("coarse", "images", "logarithms")
FAINT = 0.01  # of a slice's bright signal: what a logarithm is taken of at least


class Numbers(NamedTuple):
    """A recipe as numbers that a compiled step reads; see :class:`Recipe`."""

    sees: Array  # place in SEEN
    l1: Array
    laplace: Array
    physics: Array
    own: Array
    spatial: Array
    cut_off_pixels: Array


class Fold(NamedTuple):
    """What a training samples from; maps are Laplace's log scale of another network and noise."""

    slices: training.Slices
    recipe: Numbers


class Batch(NamedTuple):
    """What a network sees and is judged by.

    Attributes
    ----------
    images
        Shape ``(b, h, w, 2)``.
    signals
        At all spin-lock times, scaled, shape ``(b, h, w, 4)``.
    target
        Fitted to them and cut off, ms.
    inside
        Where the images count.
    known
        Where the target counts as well.
    log_scale
        Of another network's Laplace law, for the weights.
    noise
        Of the signals.
    recipe
        How they count.
    """

    images: Float[Array, "b h w 2"]
    signals: Float[Array, "b h w 4"]
    target: Float[Array, "b h w"]
    inside: Bool[Array, "b h w"]
    known: Bool[Array, "b h w"]
    log_scale: Float[Array, "b h w"]
    noise: Float[Array, "b h w"]
    recipe: Numbers


def numbers(recipe: Recipe, cut_off_pixels: bool) -> Numbers:
    """A recipe for the compiled step."""
    return Numbers(
        jnp.int32(SEEN.index(recipe.sees)),
        jnp.float32(recipe.l1),
        jnp.float32(recipe.laplace),
        jnp.float32(recipe.physics),
        jnp.float32(recipe.own),
        jnp.float32(recipe.spatial),
        jnp.bool_(cut_off_pixels),
    )


def architecture(learning: Learning) -> dict[str, Any]:
    """What builds the network of every method."""
    features = list(learning.features)
    return {"network": "UNet", "in_channels": 2, "out_channels": 2, "features": features}


def make_trainer(learning: Learning, cut_off: CutOff, matrix: int) -> Trainer:
    """The trainer of every method; ``matrix`` is the width of a slice in pixels."""
    optimiser = training.make_optimiser(
        "adam",
        learning.rate,
        decay_rate=learning.decay_rate,
        decay_steps=learning.decay_checks * learning.steps,
        weight_decay=learning.weight_decay,
    )
    shift = learning.shift * matrix / 256
    augmentation = Augmentation(angle=learning.angle, shift=shift)
    built = architecture(learning)

    def sample(key: Array, data: Fold) -> Batch:
        patches = training.sample_patches(
            key, data.slices, augmentation, batch=learning.batch, size=learning.size, spread=0.25
        )
        log_scale, noise = patches.targets[..., 0], patches.targets[..., 1]
        return batch_of(
            patches.images, patches.mask[..., 0], log_scale, noise, data.recipe, cut_off
        )

    return Trainer(
        lambda rngs: networks.build(built, rngs), optimiser, sample, loss, steps=learning.steps
    )


def batch_of(
    signals: Float[Array, "b h w 4"],
    inside: Bool[Array, "b h w"],
    log_scale: Float[Array, "b h w"],
    noise: Float[Array, "b h w"],
    recipe: Numbers,
    cut_off: CutOff,
) -> Batch:
    """Slices, or patches after their augmentation, with the target that is fitted to them."""
    model = physics.T1rhoDecay(np.array(SPIN_LOCK_TIMES))
    signals = jnp.maximum(signals, 0.0)
    fitted = fit_voxels(
        model, signals, bounds={"t1rho": BOUNDS}, steps=STEPS, quality=False
    ).params.t1rho
    known = inside & jnp.isfinite(fitted)
    target = jnp.where(known, jnp.clip(fitted, *cut_off), START)
    known &= recipe.cut_off_pixels | ((target > cut_off[0]) & (target < cut_off[1]))
    images = seen(signals, recipe.sees, cut_off)
    return Batch(images, signals, target, inside, known, log_scale, noise, recipe)


def seen(
    signals: Float[Array, "*b h w 4"], sees: Array, cut_off: CutOff
) -> Float[Array, "*b h w 2"]:
    """What a network sees of scaled signals: the coarse map in units of 100 ms, or two images."""
    first, second = (jnp.maximum(signals[..., k], 1e-6) for k in PAIR)
    rate = jnp.log(first / second) / (SPIN_LOCK_TIMES[PAIR[1]] - SPIN_LOCK_TIMES[PAIR[0]])
    coarse = jnp.clip(jnp.where(rate > 0, 1.0 / jnp.where(rate > 0, rate, 1.0), jnp.inf), *cut_off)
    pair = jnp.stack([first, second], axis=-1)
    choices = [
        jnp.stack([coarse / 100.0, jnp.zeros_like(coarse)], axis=-1),
        pair,
        jnp.log(jnp.maximum(pair, FAINT)),
    ]
    return jnp.stack(choices)[sees]


def split_output(
    predicted: Float[Array, "*b 2"],
) -> tuple[Float[Array, "*b"], Float[Array, "*b"]]:
    """T1rho in ms, and the logarithm of Laplace's scale in ms."""
    above = jax.nn.softplus(predicted[..., 1] - LEAST_LOG_SCALE)
    return START + predicted[..., 0], LEAST_LOG_SCALE + above


def loss(
    predicted: Float[Array, "b h w 2"], batch: Batch
) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
    """The sum of what a recipe asks for, and its terms."""
    t1rho, log_scale = split_output(predicted)
    recipe, known, inside = batch.recipe, batch.known, batch.inside
    weights = jnp.exp(-recipe.spatial * batch.log_scale)
    model = physics.T1rhoDecay(np.array(SPIN_LOCK_TIMES))
    noise = jnp.where(inside, batch.noise, 1.0)
    terms = {
        "l1": recipe.l1 * training.l1(t1rho, batch.target, mask=known, weights=weights),
        "laplace": recipe.laplace
        * training.laplace_nll(t1rho, log_scale, batch.target, mask=known),
        "physics": recipe.physics
        * training.physics_consistency(
            model, {"t1rho": t1rho}, batch.signals, mask=inside, sigma=noise, robust=ROBUST
        ),
        "own": recipe.own
        * training.laplace_nll(t1rho, log_scale, said_by_images(t1rho, batch), mask=inside),
    }
    return sum(terms.values(), start=jnp.zeros(())), terms


def said_by_images(t1rho: Float[Array, "b h w"], batch: Batch) -> Float[Array, "b h w"]:
    """T1rho that the images ask for in place of the predicted one: one Gauss–Newton step, in ms.

    With the amplitude profiled out the signal equation is a curve ``f(T)``, and the step is
    ``(f' . (S - f)) / (f' . f')``. No fitted map is needed, and what the step says is in the unit
    of the map, so that a network can be taught how large it usually is. Constant to derivatives.
    """
    model = physics.T1rhoDecay(np.array(SPIN_LOCK_TIMES))
    low, high = 5.0, 200.0

    def one(value: Array, signals: Array) -> Array:
        def curve(at: Array) -> Array:
            found = profile_amplitudes(model, {"t1rho": at}, signals)
            return model(model.Params(**found))

        at = jnp.clip(value, low, high)
        fitted, slope = jax.jvp(curve, (at,), (jnp.ones_like(at),))
        steepness = jnp.sum(slope * slope)
        usable = steepness > 1e-12
        step = jnp.sum(slope * (signals - fitted)) / jnp.where(usable, steepness, 1.0)
        return jnp.where(usable, jnp.clip(at + step, low, high), at)

    flat = jax.vmap(one)(t1rho.reshape(-1), batch.signals.reshape(-1, batch.signals.shape[-1]))
    return jax.lax.stop_gradient(flat.reshape(t1rho.shape))


def doubting_the_trivial(
    log_scale: Float[np.ndarray, "s h w"],
    target: Float[np.ndarray, "s h w"],
    sure: float,
    cut_off: CutOff,
) -> Float[np.ndarray, "s h w"]:
    """Give trivial pixels the largest doubt of their slice, so that they weigh least.

    Trivial is a pixel whose target is cut off and whose log scale lies below ``sure``.

    References
    ----------
    Huang et al., doi:10.48550/arXiv.2307.02736, section 2.4.
    """
    trivial = ((target <= cut_off[0]) | (target >= cut_off[1])) & (log_scale < sure)
    return np.where(trivial, log_scale.max(axis=(1, 2), keepdims=True), log_scale)
