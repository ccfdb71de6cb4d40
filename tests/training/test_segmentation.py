"""The segmentation loss against its formula in NumPy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxqmri.training import segmentation_loss


def by_hand(logits, labels, weight, mask):
    """Loss class by class and image by image, over the pixels that count."""
    p = 1 / (1 + np.exp(-logits))
    entropy, dice = [], []
    for image in range(logits.shape[0]):
        for c in range(logits.shape[-1]):
            inside = mask[image, ..., 0]
            a, b = p[image, ..., c][inside], labels[image, ..., c][inside]
            entropy.append(-(b * np.log(a) + (1 - b) * np.log(1 - a)))
            dice.append(1 - 2 * np.sum(a * b) / (np.sum(a) + np.sum(b)))
    return weight * np.concatenate(entropy).mean() + (1 - weight) * np.mean(dice)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("masked", [False, True])
def test_loss_of_two_classes(weight, masked):
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(3, 5, 4, 2)), rng.integers(0, 2, (3, 5, 4, 2)).astype(float)
    mask = rng.uniform(size=(3, 5, 4, 1)) < 0.7 if masked else np.ones((3, 5, 4, 1), bool)
    given = jnp.float32(np.where(mask, labels, np.nan))
    kept = jnp.asarray(mask) if masked else None

    def loss(x):
        return segmentation_loss(x, given, weight=weight, mask=kept)

    value, slope = jax.value_and_grad(loss)(jnp.float32(logits))
    assert float(value) == pytest.approx(by_hand(logits, labels, weight, mask), rel=1e-5)
    assert np.all(np.isfinite(slope))
    assert np.all(np.asarray(slope)[np.broadcast_to(~mask, logits.shape)] == 0)


def test_a_sure_network_is_right_or_wrong():
    labels = jnp.zeros((1, 4, 4, 1)).at[0, 1:3].set(1.0)
    sure = jnp.where(labels > 0, 50.0, -50.0)
    assert float(segmentation_loss(sure, labels)) == pytest.approx(0, abs=1e-6)
    assert float(segmentation_loss(-sure, labels)) == pytest.approx(25.5, rel=1e-5)
    with pytest.raises(ValueError, match="between 0 and 1, got 2"):
        segmentation_loss(sure, labels, weight=2.0)
