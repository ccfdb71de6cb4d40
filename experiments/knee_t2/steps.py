"""What one training step is: patches of single slices, one echo each, and the overlap."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from experiments.knee_t2.paper import ECHO_SHARES
from experiments.knee_t2.settings import Choice, Learning
from jaxqmri import networks, training
from jaxqmri.training import Augmentation, Trainer

BETAS = (0.99, 0.995)  # of Adam, the paper's


class Batch(NamedTuple):
    """One echo of some slices, and the cartilage that a reader drew in them."""

    images: Float[Array, "b h w 1"]
    drawn: Float[Array, "b h w 1"]


def architecture(learning: Learning, choice: Choice) -> dict[str, Any]:
    """What builds a network."""
    return {
        "network": "UNet",
        "in_channels": 1,
        "out_channels": 1,
        "features": list(learning.features),
        "norm": choice.norm,
        "dropout": choice.dropout,
        "up_kernel": 3,
    }


def make_trainer(learning: Learning, choice: Choice, matrix: int) -> Trainer:
    """The trainer of one choice; ``matrix`` is the width of a slice in pixels."""
    optimiser = training.make_optimiser(
        "adam",
        choice.rate,
        betas=BETAS,
        decay_rate=choice.decay,
        decay_steps=learning.steps,
    )
    augmentation = Augmentation(angle=learning.angle, shift=learning.shift * matrix / 384)
    built = architecture(learning, choice)
    shares = jnp.array(ECHO_SHARES)

    def sample(key: Array, data: training.Slices) -> Batch:
        cut, pick = jax.random.split(key)
        patches = training.sample_patches(
            cut, data, augmentation, batch=choice.batch, size=learning.size, spread=0.5
        )
        echo = jax.random.choice(pick, shares.size, (choice.batch,), p=shares)
        images = jnp.take_along_axis(patches.images, echo[:, None, None, None], axis=-1)
        return Batch(images, patches.mask.astype(jnp.float32))

    def loss(
        logits: Float[Array, "b h w 1"], batch: Batch
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        overlap = training.soft_dice(jax.nn.sigmoid(logits), batch.drawn)
        return overlap, {"soft Dice": overlap}

    return Trainer(
        lambda rngs: networks.build(built, rngs), optimiser, sample, loss, steps=learning.steps
    )
