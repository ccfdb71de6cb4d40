"""Updates against the formulas written out in NumPy."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxqmri.training import make_optimiser


def by_hand(name, weights, gradients, rate, decay, decoupled):
    """The textbook updates in float64, the learning rate multiplied by 0.9 every second step."""
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for k, gradient in enumerate(gradients):
        g = gradient if decoupled else gradient + decay * weights
        if name == "adam":
            first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g**2
            mean, square = first / (1 - 0.9 ** (k + 1)), second / (1 - 0.999 ** (k + 1))
            update = mean / (np.sqrt(square) + 1e-8)
        else:
            second = 0.99 * second + 0.01 * g**2
            update = g / (np.sqrt(second) + 1e-8)
        update = update + decay * weights if decoupled else update
        weights = weights - rate * 0.9 ** (k // 2) * update
    return weights


@pytest.mark.parametrize("name", ["adam", "rmsprop"])
@pytest.mark.parametrize("decoupled", [False, True])
def test_updates(name, decoupled):
    rng = np.random.default_rng(0)
    weights, gradients = rng.normal(size=5), rng.normal(size=(6, 5))
    optimiser = make_optimiser(
        name, 1e-2, decay_rate=0.9, decay_steps=2, weight_decay=0.03, decoupled=decoupled
    )
    ours = jnp.float32(weights)
    state = optimiser.init(ours)
    for gradient in gradients:
        update, state = optimiser.update(jnp.float32(gradient), state, ours)
        ours = optax.apply_updates(ours, update)
    expected = by_hand(name, weights, gradients, 1e-2, 0.03, decoupled)
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


def test_same_settings_same_object():
    assert make_optimiser("adam", 1e-3) is make_optimiser("adam", 1e-3)
    with pytest.raises(ValueError, match="no optimiser 'sgd'"):
        make_optimiser("sgd")
