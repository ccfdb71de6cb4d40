"""What one training step is: the network, what it draws, its loss, its optimiser."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from experiments.knee_cv.learning import LIMITS, Learning
from experiments.knee_cv.paper import MLP
from experiments.spin_lock import SPIN_LOCK_TIMES
from jaxqmri import networks, physics, training
from jaxqmri.training import Augmentation, Trainer

START = 45.0  # ms: of every output before training
LEAK = 1e-3  # slope of the limiter outside its limits, so that an output can come back
PATCH = 64


class Fold(NamedTuple):
    """What a U-Net's training samples from, and whether it sees the cartilage alone."""

    slices: training.Slices
    masked: Any


def architecture(model: str, learning: Learning) -> dict[str, Any]:
    """What builds a model's network."""
    head = {"limits": list(LIMITS), "leak": LEAK, "start": START}
    if model == MLP:
        return {"network": "SkipMLP", "in_features": 2, "width": learning.mlp_width, **head}
    return {"network": "UNet", "in_channels": 2, "features": list(learning.features), **head}


def make_trainer(model: str, learning: Learning, physics_weight: float, sigma: float) -> Trainer:
    """The trainer of a model; both U-Nets share one.

    Parameters
    ----------
    model
        One of the paper's networks.
    learning
        How it learns.
    physics_weight
        Weight of the physics-consistency loss: the predicted T1rho against all spin-lock images.
    sigma
        Noise of the spin-lock images in scanner units, the unit of that loss.
    """
    perceptron = model == MLP
    steps = learning.mlp_steps if perceptron else learning.unet_steps
    optimiser = training.make_optimiser(
        "rmsprop" if perceptron else "adam",
        learning.mlp_rate if perceptron else learning.unet_rate,
        decay_rate=learning.decay_rate,
        decay_steps=learning.decay_checks * steps,
        weight_decay=learning.weight_decay,
    )
    augmentation = Augmentation(learning.flip, learning.angle, learning.shift, learning.noise)
    built = architecture(model, learning)

    def patches(key: Any, data: Fold) -> training.Patches:
        batch = training.sample_patches(
            key, data.slices, augmentation, batch=learning.unet_batch, size=PATCH
        )
        return seen_by(batch, data.masked)

    def voxels(key: Any, data: training.Voxels) -> training.Patches:
        return training.sample_voxels(key, data, learning.noise, batch=learning.mlp_batch)

    def consistency(predicted: Any, batch: training.Patches) -> Any:
        return training.physics_consistency(
            physics.T1rhoDecay(np.array(SPIN_LOCK_TIMES)),
            {"t1rho": predicted[..., 0]},
            batch.targets[..., 1:],
            mask=batch.mask[..., 0],
            sigma=sigma,
        )

    return Trainer(
        lambda rngs: networks.build(built, rngs),
        optimiser,
        voxels if perceptron else patches,
        training.supervised_and_physics(_supervised, consistency, physics_weight),
        steps=steps,
    )


def seen_by(batch: training.Patches, masked: Any) -> training.Patches:
    """A batch as the network sees it: cartilage alone if ``masked``.

    Masked after the interpolation and the noise, as the images to predict from are: before them,
    the edge of the cartilage would be dimmed and its surroundings not be dark.
    """
    return batch._replace(images=jnp.where(batch.mask | ~masked, batch.images, 0.0))


def _supervised(predicted: Any, batch: training.Patches) -> Any:
    return training.l1(predicted, batch.targets[..., :1], mask=batch.mask)
