"""What one training step is: voxels, the pair of images that is seen of each, the two losses."""

from __future__ import annotations

from itertools import combinations
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from experiments.knee_cv.learning import LIMITS
from experiments.physics_weight.images import SEEN
from experiments.physics_weight.settings import Learning
from experiments.spin_lock import SPIN_LOCK_TIMES
from jaxqmri import networks, physics, training
from jaxqmri.training import Trainer

START = 45.0  # ms: of every output before training
LEAK = 1e-3  # slope of the limiter outside its limits, so that an output can come back
ROBUST = 3.0  # noise units above which a residual counts linearly: motion, flow
PAIRS = np.array(list(combinations(SEEN, 2)))  # of images, as networks see them in training
LONGEST = max(SPIN_LOCK_TIMES)  # ms, the unit in which networks see times


class Terms(NamedTuple):
    """How the two losses count: ``supervised`` and ``physics`` add up to 1."""

    supervised: Array
    physics: Array


class Voxels(NamedTuple):
    """What a training samples from; every training has as many, lists of rows are padded.

    Attributes
    ----------
    signals
        Scaled, at all spin-lock times.
    target
        Labels, ms.
    noise
        Of the scaled signals.
    labelled, labelled_count
        Voxels that labels are learnt from.
    imaged, imaged_count
        Voxels whose images are held to the equation.
    terms
        How the two count.
    """

    signals: Float[Array, "v 4"]
    target: Float[Array, " v"]
    noise: Float[Array, " v"]
    labelled: Int[Array, " k"]
    labelled_count: Int[Array, ""]
    imaged: Int[Array, " k"]
    imaged_count: Int[Array, ""]
    terms: Terms


class Batch(NamedTuple):
    """Voxels of one step.

    Attributes
    ----------
    images
        As the network sees them: two signals, and their times.
    signals, noise
        At all spin-lock times, and their noise.
    target
        Labels, ms.
    labelled
        Whose label counts.
    imaged
        Whose images count.
    terms
        How the two count.
    """

    images: Float[Array, "b 4"]
    signals: Float[Array, "b 4"]
    noise: Float[Array, " b"]
    target: Float[Array, " b"]
    labelled: Bool[Array, " b"]
    imaged: Bool[Array, " b"]
    terms: Terms


def terms_of(weight: float) -> Terms:
    """``L1 + w physics`` over ``1 + w``, so that no weight makes the loss large; inf is physics."""
    share = 1.0 if np.isinf(weight) else weight / (1.0 + weight)
    return Terms(jnp.float32(1.0 - share), jnp.float32(share))


def architecture(learning: Learning) -> dict[str, Any]:
    """What builds the network of every arm."""
    head = {"limits": list(LIMITS), "leak": LEAK, "start": START}
    # without batch normalisation, through which images without a label would reach the network
    named = {
        "network": "SkipMLP",
        "in_features": 4,
        "width": learning.width,
        "order": "fc_leaky_relu",
    }
    return {**named, **head}


def make_trainer(learning: Learning, *, apart: bool) -> Trainer:
    """The trainer of all arms of a kind: how they differ is data, so that one program trains many.

    Parameters
    ----------
    learning
        How networks learn.
    apart
        Whether other voxels are held to the equation than have a label. Otherwise both losses,
        whatever their weight, are of the same voxels.
    """
    optimiser = training.make_optimiser(
        "adam", learning.rate, decay_rate=learning.decay_rate, decay_steps=learning.steps
    )
    built, size = architecture(learning), learning.batch

    def sample(key: Array, data: Voxels) -> Batch:
        draw, draw_imaged, pair = jax.random.split(key, 3)
        rows = data.labelled[jax.random.randint(draw, (size,), 0, data.labelled_count)]
        labelled = imaged = jnp.ones(size, bool)
        if apart:
            others = data.imaged[jax.random.randint(draw_imaged, (size,), 0, data.imaged_count)]
            rows = jnp.concatenate([rows, others])
            labelled = jnp.arange(2 * size) < size
            imaged = ~labelled
        which = jax.random.randint(pair, rows.shape, 0, len(PAIRS))
        return batch_of(data, rows, which, labelled, imaged)

    return Trainer(
        lambda rngs: networks.build(built, rngs),
        optimiser,
        sample,
        loss,
        steps=learning.steps,
        scan=True,
    )


def batch_of(
    data: Voxels,
    rows: Int[Array, " b"],
    which: Int[Array, " b"],
    labelled: Bool[Array, " b"],
    imaged: Bool[Array, " b"],
) -> Batch:
    """Some voxels, of each the pair ``which`` of :data:`PAIRS`."""
    signals, pairs = data.signals[rows], jnp.asarray(PAIRS)[which]
    times = jnp.asarray(SPIN_LOCK_TIMES, jnp.float32)[pairs]
    images = seen(jnp.take_along_axis(signals, pairs, axis=1), times)
    return Batch(images, signals, data.noise[rows], data.target[rows], labelled, imaged, data.terms)


def seen(pair: Float[Array, "*b 2"], times: Float[Array, "*b 2"]) -> Float[Array, "*b 4"]:
    """What a network sees of two scaled signals and their spin-lock times (ms)."""
    return jnp.concatenate([pair, jnp.broadcast_to(times / LONGEST, pair.shape)], axis=-1)


def loss(
    predicted: Float[Array, "b 1"], batch: Batch
) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
    """``(L1 + w P) / (1 + w)``, and its terms; without the first for an infinite ``w``.

    ``L1`` is the mean of ``|T - label|`` in ms. ``P`` is the mean over voxels and images of
    ``r^2``, or ``3 (2 |r| - 3)`` where ``|r| > 3``, with ``r = (s0 exp(-TSL / T) - I) / sigma`` at
    the amplitude that fits the voxel's images best.
    """
    t1rho = predicted[:, 0]
    model = physics.T1rhoDecay(np.array(SPIN_LOCK_TIMES))
    terms = {
        "supervised": training.l1(t1rho, batch.target, mask=batch.labelled),
        "physics": training.physics_consistency(
            model,
            {"t1rho": t1rho},
            batch.signals,
            mask=batch.imaged,
            sigma=batch.noise,
            robust=ROBUST,
        ),
    }
    by = batch.terms
    return by.supervised * terms["supervised"] + by.physics * terms["physics"], terms
