"""Derivatives through a fit: finite differences, both modes, bounds, and voxels without a fit."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxqmri
from jaxqmri import Status, physics
from tests.compiled import quickly
from tests.fitting.cases import CASES, EVERY_CASE, Case

VOXELS = 3
SNR = 30.0
STEPS = 60  # so that what is left of a step is rounding
TIMES = (0.0, 10.0, 30.0, 50.0)
# central differences of fourth order, at -2, -1, 1, 2 strides
STENCIL = ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12))


def halves(model):
    """The model's numbers as arrays, and what else it is."""
    numbers, rest = eqx.partition(model, eqx.is_inexact_array_like)
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), numbers), rest


def problem(case: Case):
    """A function of all that a fit of some voxels depends on, where to take it, and a direction."""
    rng = np.random.default_rng(3)
    images, sigma = case.noisy(VOXELS, SNR)
    numbers, rest = halves(case.model)
    options = dict(case.options)
    fixed = {n: jnp.full(VOXELS, v) for n, v in dict(options.pop("fixed", {})).items()}
    weights = jnp.asarray(rng.uniform(0.5, 1.5, images.shape))

    def estimates(given):
        numbers, images, fixed, weights = given
        model = eqx.combine(numbers, rest)
        result = jaxqmri.fit(
            model, images, fixed=fixed, weights=weights, sigma=sigma, steps=STEPS, **options
        )
        maps = result.params._asdict()
        return jnp.stack([maps[name] for name in result.free]), result.status

    at = (numbers, jnp.asarray(images), fixed, weights)
    small = 0.02  # of the noise, and of a percent of everything else
    along = (
        jax.tree.map(lambda x: 0.01 * small * x * jnp.asarray(rng.normal(size=x.shape)), numbers),
        small * sigma * jnp.asarray(rng.normal(size=images.shape)),
        {n: 0.01 * small * v * jnp.asarray(rng.normal(size=VOXELS)) for n, v in fixed.items()},
        small * weights * jnp.asarray(rng.normal(size=images.shape)),
    )
    return estimates, at, along


def with_slopes(estimates):
    """Estimates, their slopes and statuses, from one program: compiling is what takes long."""
    return quickly(lambda at, along: jax.jvp(estimates, (at,), (along,), has_aux=True))


@pytest.mark.parametrize("case", EVERY_CASE)
def test_slopes_equal_finite_differences(case):
    with jax.enable_x64(True):
        estimates, at, along = problem(case)
        run = with_slopes(estimates)
        found, slopes, status = run(at, along)
        sums, settled = 0.0, status == Status.CONVERGED
        for stride, weight in STENCIL:
            there = jax.tree.map(lambda x, d, k=stride: x + k * d, at, along)
            there, _, status = run(there, along)
            sums = sums + weight * there
            settled &= status == Status.CONVERGED
    assert settled.sum() >= 1
    slopes, sums, found = (
        np.asarray(each)[:, np.asarray(settled)] for each in (slopes, sums, found)
    )
    scale = np.abs(sums).max(axis=1, keepdims=True)
    np.testing.assert_array_less(np.abs(slopes - sums) / scale, 1e-5)


@pytest.mark.parametrize("name", ["t1rho", "t1-vfa-finite"])
def test_a_fit_gives_the_same_estimates_with_slopes_and_without(name):
    with jax.enable_x64(True):
        estimates, at, along = problem(next(case for case in CASES if case.name == name))
        alone = quickly(estimates)(at)
        beside, _, status = with_slopes(estimates)(at, along)
        np.testing.assert_allclose(beside, alone[0], rtol=1e-9)
        np.testing.assert_array_equal(status, alone[1])


def noisy_decays(voxels: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    clean = np.exp(-np.array(TIMES) / rng.uniform(30, 70, (voxels, 1)))
    return clean + rng.normal(0, 1 / SNR, clean.shape)


def t1rho_of(times, images, **options):
    return jaxqmri.fit(physics.T1rhoDecay(times), images, **options).params.t1rho


def test_both_modes_and_the_second_derivative_agree():
    with jax.enable_x64(True):
        times, images = jnp.array(TIMES), jnp.asarray(noisy_decays(1)[0])
        back = quickly(jax.jacrev(t1rho_of, argnums=(0, 1)))(times, images)
        forth = quickly(jax.jacfwd(t1rho_of, argnums=(0, 1)))(times, images)
        for one, other in zip(back, forth, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9)
        curvature = quickly(jax.hessian(t1rho_of, argnums=1))(times, images)
        np.testing.assert_allclose(curvature, curvature.T, rtol=1e-6)
        stride, slopes = 1e-4, quickly(jax.grad(t1rho_of, argnums=1))
        for k in range(len(TIMES)):
            there = [slopes(times, images.at[k].add(d)) for d in (stride, -stride)]
            difference = (there[0] - there[1]) / (2 * stride)
            scale = np.abs(curvature).max()
            np.testing.assert_allclose(curvature[k], difference, atol=1e-5 * scale)


def test_two_images_have_the_closed_form_and_its_slopes():
    with jax.enable_x64(True):
        times, images = jnp.array([0.0, 40.0]), jnp.array([1.0, 0.45])

        def closed(times, images):
            return (times[1] - times[0]) / jnp.log(images[0] / images[1])

        for argument in (0, 1):
            ours = jax.grad(t1rho_of, argnums=argument)(times, images)  # not compiled
            theirs = jax.grad(closed, argnums=argument)(times, images)
            np.testing.assert_allclose(ours, theirs, rtol=1e-7)


def test_single_precision_agrees_with_double():
    images, cotangent = noisy_decays(50), np.random.default_rng(1).normal(size=50)

    def slopes(dtype):
        given = jnp.asarray(TIMES, dtype), jnp.asarray(images, dtype)

        def along(times, images):
            return jnp.vdot(t1rho_of(times, images), cotangent.astype(dtype))

        return jax.jit(jax.grad(along, (0, 1)))(*given)

    single = slopes(np.float32)
    with jax.enable_x64(True):
        double = slopes(np.float64)
    for one, other in zip(single, double, strict=True):
        assert np.abs(one - other).max() <= 1e-2 * np.abs(other).max()


def test_the_whole_hessian_counts():
    """With Gauss and Newton's alone slopes would be off by more than a percent at this noise."""
    with jax.enable_x64(True):
        images = jnp.asarray(noisy_decays(200))
        times = jnp.array(TIMES)
        ours = quickly(jax.vmap(jax.grad(t1rho_of, argnums=1), (None, 0)))(times, images)

        def by_gauss_newton(image):
            result = jaxqmri.fit(physics.T1rhoDecay(times), image, sigma=1.0)
            columns = jax.jacfwd(physics.T1rhoDecay(times))(result.params)
            return (result.covariance @ jnp.stack([columns.s0, columns.t1rho]))[1]

        off = np.abs(quickly(jax.vmap(by_gauss_newton))(images) / ours - 1)
    assert np.median(off.max(axis=1)) > 0.01


def test_a_parameter_on_its_bound_moves_with_the_bound_alone():
    with jax.enable_x64(True):
        images = jnp.asarray(noisy_decays(1)[0])

        def fitted(images, upper):
            model = physics.T1rhoDecay(TIMES)
            result = jaxqmri.fit(model, images, bounds={"t1rho": (1.0, upper)})
            return jnp.stack([result.params.s0, result.params.t1rho]), result.status

        upper, compiled = jnp.asarray(20.0), quickly(fitted)
        _, status = compiled(images, upper)
        assert status == Status.AT_BOUND
        slopes = quickly(jax.jacrev(lambda *at: fitted(*at)[0], (0, 1)))
        by_images, by_bound = slopes(images, upper)
        assert np.all(by_images[1] == 0)
        stride = 1e-3
        above, below = (compiled(images, upper + d)[0] for d in (stride, -stride))
        difference = (above - below) / (2 * stride)
        np.testing.assert_allclose(by_bound, difference, rtol=1e-6)
        # the amplitude follows the images as if the time were known
        shape = jnp.exp(-jnp.array(TIMES) / upper)
        np.testing.assert_allclose(by_images[0], shape / jnp.vdot(shape, shape), rtol=1e-7)


def test_errors_and_the_noise_have_slopes():
    with jax.enable_x64(True):
        images = jnp.asarray(noisy_decays(4))

        def errors(images, sigma):
            return jaxqmri.fit(physics.T1rhoDecay(TIMES), images, sigma=sigma).std.t1rho

        sigma = jnp.full(4, 0.03)
        compiled = quickly(errors)
        std = compiled(images, sigma)
        by_sigma = quickly(jax.jacrev(errors, 1))(images, sigma)
        np.testing.assert_allclose(by_sigma, np.diag(std / sigma), rtol=1e-7)
        along = 0.02 * jnp.asarray(np.random.default_rng(2).normal(size=images.shape))
        slope = quickly(lambda y: jax.jvp(lambda y: errors(y, sigma), (y,), (along,))[1])(images)
        stride = 1e-3
        above, below = (compiled(images + d * along, sigma) for d in (stride, -stride))
        difference = above - below
        np.testing.assert_allclose(slope, difference / (2 * stride), rtol=1e-5)


def test_a_rician_minimum_follows_its_noise():
    with jax.enable_x64(True):
        images = jnp.abs(jnp.asarray(noisy_decays(3)))

        def fitted(sigma):
            return t1rho_of(TIMES, images, likelihood="rician", sigma=sigma, steps=STEPS)

        sigma, stride = jnp.full(3, 0.1), 1e-4
        run = quickly(lambda sigma: jax.jvp(fitted, (sigma,), (jnp.ones(3),)))
        slope = run(sigma)[1]
        difference = (run(sigma + stride)[0] - run(sigma - stride)[0]) / (2 * stride)
        np.testing.assert_allclose(slope, difference, rtol=1e-5)
        assert np.all(np.abs(slope) > 1.0)


def test_a_voxel_without_an_estimate_passes_nothing_back():
    images = noisy_decays(5).astype(np.float32)
    images[1] = np.nan
    images[3] = 0.0
    times, sound_ones = jnp.asarray(TIMES, jnp.float32), np.array([0, 2, 4])

    def loss(times, images, sigma):
        result = jaxqmri.fit(physics.T1rhoDecay(times), images, sigma=sigma)
        known = jnp.isfinite(result.params.t1rho)
        return sum(
            jnp.sum(jnp.where(known, each, 0.0))
            for each in (result.params.t1rho, result.std.t1rho, result.rmse)
        )

    run = quickly(jax.grad(loss, (0, 1, 2)))
    slopes = run(times, images, jnp.float32(0.03))
    sound = run(times, images[sound_ones], jnp.float32(0.03))
    np.testing.assert_array_equal(slopes[1][jnp.array([1, 3])], 0.0)
    for one, other in (
        (slopes[0], sound[0]),
        (slopes[1][sound_ones], sound[1]),
        (slopes[2], sound[2]),
    ):
        np.testing.assert_allclose(one, other, rtol=2e-3)


def test_memory_does_not_grow_with_the_steps():
    images = jnp.asarray(noisy_decays(500), jnp.float32)

    def bytes_for(steps):
        def loss(images):
            return jnp.sum(t1rho_of(TIMES, images, steps=steps))

        return jax.jit(jax.grad(loss)).lower(images).compile().memory_analysis().temp_size_in_bytes

    assert bytes_for(100) == bytes_for(10)


def test_a_network_learns_through_a_fit():
    """Images multiplied by wrong gains: the gains are found from the maps alone."""
    truth = np.linspace(30, 70, 64)
    clean = np.exp(-np.array(TIMES) / truth[:, None])
    seen = jnp.asarray(clean * np.array([1.0, 0.9, 1.2, 0.8]), jnp.float32)
    model = physics.T1rhoDecay(TIMES)

    optimiser = optax.adam(0.01)

    @jax.jit
    def step(gains, state):
        def loss(gains):
            found = jaxqmri.fit(model, seen * jnp.exp(gains), quality=False).params.t1rho
            return jnp.mean((found / truth - 1) ** 2)

        value, slope = jax.value_and_grad(loss)(gains)
        update, state = optimiser.update(slope, state)
        return optax.apply_updates(gains, update), state, value

    gains = jnp.zeros(4)
    state = optimiser.init(gains)
    *_, first = step(gains, state)
    for _ in range(500):
        gains, state, value = step(gains, state)
    assert value < 0.02 * first


@pytest.mark.parametrize("voxels", [pytest.param(3, marks=pytest.mark.exhaustive), 5_000])
def test_an_echo_train_has_slopes_backwards_too(voxels):
    """Its samples follow one from another, behind a branch; more voxels than a tile holds."""
    case = next(case for case in CASES if case.name == "t2-epg")
    images, _ = case.noisy(voxels, 100.0)
    along = np.random.default_rng(4).normal(size=images.shape).astype(np.float32)

    def mean(images):
        result = jaxqmri.fit(case.model, images, quality=False, **case.options)
        return jnp.mean(jnp.where(jnp.isfinite(result.params.t2), result.params.t2, 0.0))

    images = jnp.asarray(images, jnp.float32)
    forth = jax.jit(lambda y: jax.jvp(mean, (y,), (along,))[1])(images)
    back = jnp.vdot(jax.jit(jax.grad(mean))(images), along)
    np.testing.assert_allclose(back, forth, rtol=1e-3)
