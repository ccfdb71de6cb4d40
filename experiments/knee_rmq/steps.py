"""What one training step is: patches, the images a network is given, what it is to make small.

One compiled step serves all inputs and all weights of the physics: which images are given, and how
much the signal equations count, is data. Images that are left out are zeros to the network, whose
first layer then has weights without effect; what is kept of a network has them taken out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from experiments.knee_rmq.equations import equations
from experiments.knee_rmq.inputs import Whitening, given_of
from experiments.knee_rmq.paper import FLIP_ANGLES, SPIN_LOCK_TIMES
from experiments.knee_rmq.settings import Learning
from experiments.knee_rmq.study import QUANTITIES
from experiments.knee_rmq.subjects import Acquisition
from jaxqmri import mapping, networks, training
from jaxqmri.networks import MapsAndLogits
from jaxqmri.physics import SignalModel
from jaxqmri.training import Augmentation, Trainer

FLIPS, IMAGES = len(FLIP_ANGLES), len(FLIP_ANGLES) + len(SPIN_LOCK_TIMES)
STARTS = (1.0, 1.0, 1.0, 0.8)  # of M0, T1, B1 and T1rho before training, in their units
ROBUST = 3.0  # noise units above which a residual counts linearly: motion, edges


class Recipe(NamedTuple):
    """How a network learns, as numbers that a compiled step reads.

    Attributes
    ----------
    whitening
        How the images that the network is given are laid out for it; the others become zeros.
    physics
        Weight of the distance of all images, given or not, to the signal equations.
    noise
        Of the images at flip angles and at spin-lock times, in the unit of the signals.
    m0
        M0 of typical cartilage in the unit of the signals: what the network's M0 is relative to.
    """

    whitening: Whitening
    physics: Float[Array, ""]
    noise: Float[Array, " 2"]
    m0: Float[Array, ""]


class Fold(NamedTuple):
    """What a training samples from."""

    slices: training.Slices
    recipe: Recipe


class Batch(NamedTuple):
    """What a network sees and is judged by.

    Attributes
    ----------
    images
        Those given, logarithms and whitened (:mod:`experiments.knee_rmq.inputs`); zeros elsewhere.
    signals
        All of them, in units of typical cartilage's signal.
    maps
        Fitted to all of them, in the units of the network.
    known
        Where there are such maps, and they count.
    regions
        1 where a class was drawn, 0 elsewhere.
    recipe
        How they count.
    """

    images: Float[Array, "b h w 11"]
    signals: Float[Array, "b h w 11"]
    maps: Float[Array, "b h w 4"]
    known: Bool[Array, "b h w"]
    regions: Float[Array, "b h w classes"]
    recipe: Recipe


class Held(NamedTuple):
    """What predicted maps are held to: the equations of the flip angles and spin-lock times."""

    flips: SignalModel
    locked: SignalModel


def held_to(acquisition: Acquisition, form: str) -> Held:
    """The equations that the maps are fitted with."""
    known = equations(acquisition)
    return Held(known.flips, mapping.model_of_form(known.locked, form))


def architecture(learning: Learning, classes: int, in_channels: int = IMAGES) -> dict[str, Any]:
    """What builds a network."""
    return {
        "network": "RMQNet",
        "in_channels": in_channels,
        "maps": len(QUANTITIES),
        "classes": classes,
        "features": list(learning.features),
        "starts": list(STARTS),
        "direct": learning.direct,
    }


def make_trainer(learning: Learning, classes: int, known: Held, matrix: int) -> Trainer:
    """The trainer of every network; ``matrix`` is the width of a slice in pixels."""
    optimiser = training.make_optimiser(
        "adam", learning.rate, period=learning.period * learning.steps
    )
    augmentation = Augmentation(angle=learning.angle, shift=learning.shift * matrix / 256)
    built = architecture(learning, classes)

    def sample(key: Array, data: Fold) -> Batch:
        patches = training.sample_patches(
            key, data.slices, augmentation, batch=learning.batch, size=learning.size, spread=0.25
        )
        regions = patches.labels
        assert regions is not None
        return batch_of(patches.images, patches.targets, patches.mask[..., 0], regions, data.recipe)

    def loss(
        predicted: MapsAndLogits, batch: Batch
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        terms = {
            "supervised": supervised(predicted, batch, learning),
            "physics": batch.recipe.physics * inconsistency(predicted.maps, batch, known),
        }
        return sum(terms.values(), start=jnp.zeros(())), terms

    return Trainer(
        lambda rngs: networks.build(built, rngs), optimiser, sample, loss, steps=learning.steps
    )


def batch_of(
    signals: Float[Array, "b h w 11"],
    maps: Float[Array, "b h w 4"],
    known: Bool[Array, "b h w"],
    regions: Float[Array, "b h w classes"],
    recipe: Recipe,
) -> Batch:
    """Whole slices, or patches after their augmentation."""
    return Batch(given_of(signals, recipe.whitening), signals, maps, known, regions, recipe)


def supervised(predicted: MapsAndLogits, batch: Batch, learning: Learning) -> Float[Array, ""]:
    """Mean absolute error of the maps, and the segmentation's loss: the paper's Eqs. 1 to 3."""
    maps = training.l1(predicted.maps, batch.maps, mask=batch.known[..., None])
    regions = training.segmentation_loss(
        predicted.logits, batch.regions, weight=learning.cross_entropy
    )
    return maps + learning.segmentation * regions


def inconsistency(maps: Float[Array, "b h w 4"], batch: Batch, known: Held) -> Float[Array, ""]:
    """Squared distance of all images to the signal equations at the predicted maps, in noise.

    M0 is the network's for the flip angles; for the spin-lock times, whose gain is another, the
    amplitudes are those that fit best. The mean of both series; about 1 at the true maps.
    """
    m0, t1, b1, t1rho = jnp.moveaxis(maps * UNITS, -1, 0)
    noise = batch.recipe.noise
    of_flips = training.physics_consistency(
        known.flips,
        {"m0": m0 * batch.recipe.m0, "t1": t1, "b1": b1},
        batch.signals[..., :FLIPS],
        mask=batch.known,
        sigma=noise[0],
        robust=ROBUST,
    )
    of_locked = training.physics_consistency(
        known.locked,
        {"t1rho": t1rho, "t1": t1, "b1": b1},
        batch.signals[..., FLIPS:],
        mask=batch.known,
        sigma=noise[1],
        robust=ROBUST,
    )
    return 0.5 * (of_flips + of_locked)


UNITS = np.array([1.0, 1000.0, 1.0, 50.0], np.float32)
"""Of a network's M0 (typical cartilage's), T1 (ms), B1 and T1rho (ms)."""
