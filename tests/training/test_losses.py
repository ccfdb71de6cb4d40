"""Losses against their formulas, physics consistency against an explicit least-squares fit."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxqmri.physics import SpoiledGradientEcho, T1rhoDecay, T2DecayOffset
from jaxqmri.training import (
    binary_cross_entropy,
    l1,
    laplace_nll,
    physics_consistency,
    soft_dice,
    supervised_and_physics,
)

TIMES = np.array([0.0, 10.0, 30.0, 50.0])


def maps_and_images(seed: int = 0, noise: float = 0.0, shape: tuple[int, ...] = (3, 4)):
    rng = np.random.default_rng(seed)
    s0, t1rho = rng.uniform(50, 150, shape), rng.uniform(20, 80, shape)
    images = s0[..., None] * np.exp(-TIMES / t1rho[..., None])
    images = images + noise * rng.standard_normal(images.shape)
    return {"s0": jnp.float32(s0), "t1rho": jnp.float32(t1rho)}, jnp.float32(images)


def test_l1_is_a_weighted_mean_inside_the_mask():
    predicted, target = jnp.array([1.0, 2.0, 5.0]), jnp.array([0.0, 4.0, jnp.nan])
    mask, weights = jnp.array([True, True, False]), jnp.array([1.0, 3.0, 9.0])
    assert float(l1(predicted, target, mask=mask)) == pytest.approx(1.5)
    assert float(l1(predicted, target, mask=mask, weights=weights)) == pytest.approx(7 / 4)
    slope = jax.grad(lambda p: l1(p, target, mask=mask))(predicted)
    np.testing.assert_allclose(slope, [0.5, -0.5, 0.0])
    assert float(l1(predicted, target, mask=jnp.zeros(3, bool))) == 0


def test_laplace_likelihood_integrates_to_one_and_is_least_at_its_own_scale():
    x = jnp.linspace(-60, 60, 120_001)
    density = jnp.exp(-jax.vmap(lambda t: laplace_nll(jnp.float32(1), jnp.float32(0.7), t))(x))
    assert float(jnp.sum(density) * (x[1] - x[0])) == pytest.approx(1, abs=1e-3)
    errors = jnp.float32(np.random.default_rng(0).laplace(scale=2.0, size=4000))
    best = np.log(np.abs(np.asarray(errors)).mean())
    slope = jax.grad(lambda s: laplace_nll(jnp.zeros(4000), s + jnp.zeros(4000), errors))
    assert float(slope(best)) == pytest.approx(0, abs=1e-4)
    assert float(slope(best + 0.1)) > 0.05


def test_dice_of_known_overlaps():
    a = jnp.array([[1.0, 1, 0, 0], [0, 0, 0, 0]])
    b = jnp.array([[1.0, 0, 1, 0], [0, 0, 0, 0]])
    assert float(soft_dice(a, b)) == pytest.approx((0.5 + 0) / 2, abs=1e-6)


def test_cross_entropy_of_logits():
    logits, labels = jnp.array([-3.0, 0.5, 80.0]), jnp.array([0.0, 1.0, 1.0])
    p = 1 / (1 + np.exp(-np.asarray(logits, float)))
    expected = -np.mean([np.log(1 - p[0]), np.log(p[1]), np.log(p[2])])
    assert float(binary_cross_entropy(logits, labels)) == pytest.approx(expected, rel=1e-5)


def test_no_residual_at_the_truth_and_one_sigma_squared_with_noise():
    model = T1rhoDecay(TIMES)
    maps, images = maps_and_images()
    alone = {"t1rho": maps["t1rho"]}
    for predicted in (
        maps,
        alone,
        model.Params(**maps),
        model.Params(s0=None, t1rho=maps["t1rho"]),
    ):
        assert float(physics_consistency(model, predicted, images)) < 1e-8
    assert float(physics_consistency(model, {"t1rho": maps["t1rho"] + 5}, images)) > 0.1
    maps, noisy = maps_and_images(noise=2.0, shape=(200, 200))
    assert float(physics_consistency(model, maps, noisy, sigma=2.0)) == pytest.approx(1, abs=0.02)
    left = physics_consistency(model, {"t1rho": maps["t1rho"]}, noisy, sigma=2.0)
    assert float(left) == pytest.approx(3 / 4, abs=0.02)


def test_profiled_amplitudes_are_those_of_lstsq():
    model = T2DecayOffset(np.arange(10.0, 71.0, 10.0))
    rng = np.random.default_rng(1)
    t2, images = rng.uniform(20, 60, 5), rng.normal(50, 20, (5, 7))
    weights = rng.uniform(0.2, 2.0, 7)
    cost = 0.0
    for k in range(5):
        basis = np.stack([np.exp(-np.arange(10.0, 71.0, 10.0) / t2[k]), np.ones(7)], -1)
        root = np.sqrt(weights)
        found = np.linalg.lstsq(root[:, None] * basis, root * images[k], rcond=None)[0]
        cost += np.sum(weights * (basis @ found - images[k]) ** 2)
    ours = physics_consistency(
        model, {"t2": jnp.float32(t2)}, jnp.float32(images), weights=jnp.float32(weights)
    )
    assert float(ours) == pytest.approx(cost / (5 * weights.sum()), rel=1e-4)


@pytest.mark.parametrize("robust", [None, 1.5])
def test_derivative_against_finite_differences(robust):
    with jax.enable_x64(True):
        model = T1rhoDecay(TIMES)
        maps, images = maps_and_images(noise=3.0)
        images, t1rho = jnp.float64(images), jnp.float64(maps["t1rho"])

        @jax.jit
        def cost(values):
            return physics_consistency(model, {"t1rho": values}, images, sigma=2.0, robust=robust)

        slope = jax.grad(cost)(t1rho)
        step = 1e-4
        for place in ((0, 0), (1, 2), (2, 3)):
            moved = jnp.zeros_like(t1rho).at[place].set(step)
            numeric = (cost(t1rho + moved) - cost(t1rho - moved)) / (2 * step)
            assert float(slope[place]) == pytest.approx(float(numeric), rel=1e-5, abs=1e-9)


def test_what_lies_outside_the_mask_touches_nothing():
    model = T1rhoDecay(TIMES)
    maps, images = maps_and_images(noise=2.0)
    mask = jnp.arange(12).reshape(3, 4) % 3 > 0
    holes = jnp.where(mask, maps["t1rho"], jnp.nan)
    broken = jnp.where(mask[..., None], images, jnp.nan)

    @jax.jit
    @jax.value_and_grad
    def cost(t1rho, images):
        return physics_consistency(model, {"t1rho": t1rho}, images, mask=mask)

    value, slope = cost(holes, broken)
    assert float(value) == pytest.approx(float(cost(maps["t1rho"], images)[0]), rel=1e-6)
    assert bool(jnp.all(jnp.isfinite(slope)))
    assert bool(jnp.all(slope[~mask] == 0))
    assert bool(jnp.all(slope[mask] != 0))


def test_a_weight_of_zero_leaves_a_sample_out():
    maps, images = maps_and_images(noise=2.0)
    first = physics_consistency(
        T1rhoDecay(TIMES), maps, images, weights=jnp.array([1.0, 1.0, 1.0, 0.0])
    )
    second = physics_consistency(T1rhoDecay(TIMES[:3]), maps, images[..., :3])
    assert float(first) == pytest.approx(float(second), rel=1e-5)


def test_defaults_fill_in_and_missing_maps_are_named():
    model = SpoiledGradientEcho([5.0, 20.0], 20.0)
    images = jax.vmap(lambda t: model(model.Params(m0=2.0, t1=t, b1=1.0)))(
        jnp.array([800.0, 1200.0])
    )
    assert float(physics_consistency(model, {"t1": jnp.array([800.0, 1200.0])}, images)) < 1e-10
    with pytest.raises(ValueError, match="'t1' is missing"):
        physics_consistency(model, {}, images)
    with pytest.raises(ValueError, match="'t2' is not one of them"):
        physics_consistency(model, {"t1": jnp.ones(2), "t2": jnp.ones(2)}, images)
    with pytest.raises(ValueError, match="3 samples, the signal model 2"):
        physics_consistency(model, {"t1": jnp.ones(2)}, jnp.ones((2, 3)))


def test_sum_of_two_losses():
    loss = supervised_and_physics(lambda p, b: p + b, lambda p, b: p * b, 0.5)
    total, terms = loss(jnp.float32(2), jnp.float32(3))
    assert float(total) == 8
    assert {name: float(term) for name, term in terms.items()} == {"supervised": 5, "physics": 6}
    _, terms = supervised_and_physics(lambda p, b: p + b, lambda p, b: p * b)(total, total)
    assert set(terms) == {"supervised"}
    with pytest.raises(ValueError, match="weight"):
        supervised_and_physics(lambda p, b: p, None, 1.0)
