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


def rates(optimiser, steps: int) -> np.ndarray:
    """Learning rate of each step: under a constant gradient Adam's update is the rate itself."""
    weights = jnp.zeros(1)
    state, found = optimiser.init(weights), []
    for _ in range(steps):
        update, state = optimiser.update(jnp.ones(1), state, weights)
        found.append(-float(update[0]))
    return np.array(found)


def test_a_rate_annealed_in_three_periods():
    k = np.arange(30)
    expected = 0.5e-2 * (1 + np.cos(np.pi * (k % 10) / 10))
    found = rates(make_optimiser("adam", 1e-2, period=10), k.size)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert found[[0, 10, 20]] == pytest.approx(1e-2, rel=1e-4)
    assert found[[9, 19, 29]].max() < 3e-4
    assert make_optimiser("adam", 1e-2, period=10) is make_optimiser("adam", 1e-2, period=10)


def test_annealing_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"periods of 10 is not multiplied by 0\.5"):
        make_optimiser("adam", decay_rate=0.5, period=10)
    with pytest.raises(ValueError, match="0 or more steps, got -1"):
        make_optimiser("adam", period=-1)


def test_adam_keeps_as_much_of_its_means_as_it_is_told():
    ours, theirs = make_optimiser("adam", 1e-2, betas=(0.99, 0.995)), optax.adam(1e-2, 0.99, 0.995)
    weights, gradients = jnp.arange(3.0), np.random.default_rng(1).normal(size=(5, 3))
    states = [one.init(weights) for one in (ours, theirs)]
    for gradient in gradients:
        updates = []
        for k, one in enumerate((ours, theirs)):
            update, states[k] = one.update(jnp.float32(gradient), states[k], weights)
            updates.append(update)
        np.testing.assert_allclose(*updates, rtol=1e-5)
