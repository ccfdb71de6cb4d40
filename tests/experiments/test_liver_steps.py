"""What a training step of the liver networks sees and is made to learn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.kept_networks import End
from experiments.liver_uncertainty import fits, steps
from experiments.liver_uncertainty.estimates import Estimates, _ensemble, scale_factor, scaled
from experiments.liver_uncertainty.methods import RECIPES, Recipe
from experiments.liver_uncertainty.networks import OneTraining
from experiments.liver_uncertainty.paper import LBRU
from experiments.liver_uncertainty.patients import Patient, Study
from experiments.spin_lock import SPIN_LOCK_TIMES
from jaxqmri.training import Split

TIMES = np.array(SPIN_LOCK_TIMES)
CUT_OFF = (25.0, 65.0)
SHAPE = (2, 4, 4)
loss = jax.jit(steps.loss)  # as a training takes it: operation by operation it compiles longer


def images(t1rho, noise=0.0, seed=0):
    clean = np.exp(-TIMES / np.asarray(t1rho)[..., None])
    return (clean + noise * np.random.default_rng(seed).normal(size=clean.shape)).astype(np.float32)


def batch(t1rho, recipe, noise=0.0):
    t1rho = np.broadcast_to(np.asarray(t1rho, np.float32), SHAPE)
    flat = jnp.zeros(SHAPE)
    return steps.batch_of(
        jnp.asarray(images(t1rho, noise)),
        jnp.ones(SHAPE, bool),
        flat,
        flat + 0.02,
        steps.numbers(recipe, True),
        CUT_OFF,
    )


def output(t1rho, log_scale):
    least = steps.LEAST_LOG_SCALE
    raw = least + np.log(np.expm1(np.asarray(log_scale) - least))
    both = np.stack([np.asarray(t1rho) - steps.START, raw], axis=-1)
    return jnp.asarray(np.broadcast_to(both, (*SHAPE, 2)), jnp.float32)


def test_targets_are_fitted_to_the_images_at_hand_and_cut_off():
    t1rho = np.full(SHAPE, 40.0)
    t1rho[0, 0, 0], t1rho[0, 0, 1] = 90.0, 12.0
    made = batch(t1rho, RECIPES["LBR"])
    np.testing.assert_allclose(made.target, np.clip(t1rho, *CUT_OFF), rtol=1e-4)
    assert np.all(made.known)
    without = made.recipe._replace(cut_off_pixels=jnp.bool_(False))
    again = steps.batch_of(made.signals, made.inside, made.log_scale, made.noise, without, CUT_OFF)
    assert np.flatnonzero(~np.asarray(again.known)).tolist() == [0, 1]


def test_what_a_network_sees():
    signals = images(np.full(SHAPE, 40.0))
    coarse = steps.seen(jnp.asarray(signals), jnp.int32(0), CUT_OFF)
    np.testing.assert_allclose(coarse[..., 0], 0.4, rtol=1e-4)
    assert not np.any(coarse[..., 1])
    pair = steps.seen(jnp.asarray(signals), jnp.int32(1), CUT_OFF)
    np.testing.assert_allclose(pair, signals[..., [0, 3]], rtol=1e-6)
    logs = steps.seen(jnp.asarray(signals), jnp.int32(2), CUT_OFF)
    np.testing.assert_allclose(logs, np.log(signals[..., [0, 3]]), atol=1e-6)
    rising = steps.seen(jnp.asarray(signals[..., ::-1].copy()), jnp.int32(0), CUT_OFF)
    np.testing.assert_allclose(rising[..., 0], 0.65, rtol=1e-6)


def test_losses_are_what_their_names_say():
    made = {name: batch(40.0, recipe) for name, recipe in RECIPES.items()}
    predicted = output(43.0, np.log(2.0))
    total, terms = loss(predicted, made["LBR"])
    assert float(total) == pytest.approx(3.0, rel=1e-3)
    assert float(terms["laplace"]) == 0.0
    expected = 3.0 / 2.0 + np.log(2.0) + np.log(2.0)
    assert float(loss(predicted, made["LBRU"])[0]) == pytest.approx(expected, rel=1e-3)
    right = output(40.0, 0.0)
    assert float(loss(right, made["physics alone"])[0]) == pytest.approx(0.0, abs=1e-6)
    assert float(loss(predicted, made["physics alone"])[0]) > 0.01


def test_spatial_weights_are_of_another_networks_doubt():
    t1rho = np.full(SHAPE, 40.0)
    t1rho[0] = 50.0
    made = batch(t1rho, Recipe(l1=1.0, spatial=1.0))
    doubt = np.zeros(SHAPE)
    doubt[0] = np.log(4.0)  # a quarter of the weight
    weighted = made._replace(log_scale=jnp.asarray(doubt, jnp.float32))
    found = float(loss(output(42.0, 0.0), weighted)[0])
    assert found == pytest.approx((8.0 * 0.25 + 2.0) / 1.25, rel=1e-3)


def test_what_images_say_is_one_gauss_newton_step_of_plain_least_squares():
    made = batch(40.0, RECIPES["self-supervised Laplace"], noise=0.02)
    said = np.asarray(steps.said_by_images(jnp.full(SHAPE, 43.0), made))
    decay = np.exp(-TIMES / 43.0)
    slope = decay * TIMES / 43.0**2
    for k in np.ndindex(*SHAPE):
        signal = np.asarray(made.signals[k], np.float64)
        amplitude = decay @ signal / (decay @ decay)
        jacobian = np.stack([decay, amplitude * slope], axis=-1)
        step = np.linalg.lstsq(jacobian, signal - amplitude * decay)[0][1]
        # the projected curve bends with its amplitude: the two steps agree to second order
        assert said[k] - 43.0 == pytest.approx(step, rel=0.15, abs=0.1)


def test_what_images_say_pulls_the_map_and_not_the_images():
    made = batch(40.0, RECIPES["self-supervised Laplace"])
    slope = jax.jit(jax.grad(lambda predicted, batch: steps.loss(predicted, batch)[0]))
    gradient = slope(output(43.0, 0.0), made)
    assert np.all(gradient[..., 0] > 0)
    assert np.all(np.isfinite(gradient))
    silent = made._replace(signals=jnp.zeros_like(made.signals))
    gradient = slope(output(43.0, 0.0), silent)
    assert np.all(np.isfinite(gradient))


def test_two_points_determine_the_coarse_map():
    t1rho = np.array([[30.0, 40.0], [60.0, 100.0]])
    np.testing.assert_allclose(
        fits.two_point(images(t1rho), CUT_OFF), np.clip(t1rho, *CUT_OFF), rtol=1e-5
    )
    nothing = np.zeros((1, 1, 4), np.float32)
    assert fits.two_point(nothing, CUT_OFF)[0, 0] in (CUT_OFF[1], pytest.approx(CUT_OFF[1]))


def test_the_parabola_and_the_noise_of_a_map():
    rng = np.random.default_rng(1)
    coarse = rng.uniform(30, 60, 500)
    target = 5.0 + 0.6 * coarse + 0.002 * coarse**2
    target[3] = np.nan
    found = fits.quadratic(coarse, target)
    np.testing.assert_allclose(found(coarse[:3]), target[:3], rtol=1e-6)
    smooth = np.linspace(38, 44, 128)[None, :] + np.zeros((128, 1))
    noisy = smooth + rng.normal(0, 1.5, smooth.shape)
    liver = np.zeros(smooth.shape, bool)
    liver[20:100, 20:100] = True
    assert fits.noise_of_map(noisy, liver) == pytest.approx(1.5, rel=0.05)


def test_trivial_pixels_get_the_largest_doubt_of_their_slice():
    log_scale = np.array([[[-1.5, -1.5, 0.0], [2.0, -1.5, 0.5]], [[-1.5, 0.0, 0.0], [1.0, 0, 0]]])
    target = np.array([[[65.0, 40.0, 65.0], [25.0, 25.0, 40.0]], [[65.0, 30, 30], [30, 30, 30]]])
    found = steps.doubting_the_trivial(log_scale, target, -1.0, CUT_OFF)
    wanted = log_scale.copy()
    wanted[0, 0, 0] = wanted[0, 1, 1] = 2.0  # cut off and sure; not the unsure, not the uncut
    wanted[1, 0, 0] = 1.0
    np.testing.assert_array_equal(found, wanted)


def test_the_ensemble_has_the_variance_of_its_mixture():
    members = Estimates(np.array([[40.0], [44.0]]), np.array([[1.0], [2.0]]))
    rng = np.random.default_rng(0)
    drawn = np.concatenate([rng.laplace(40, 1, 400_000), rng.laplace(44, 2, 400_000)])
    mixed = _ensemble(members)
    assert mixed.t1rho[0, 0] == pytest.approx(42.0)
    assert 2.0 * mixed.uncertainty[0, 0] ** 2 == pytest.approx(drawn.var(), rel=0.01)


def test_noise_is_read_from_neighbours_and_not_from_what_an_equation_lacks():
    rng = np.random.default_rng(2)
    decay = 0.8 * np.exp(-TIMES / 40.0) + 0.2 * np.exp(-TIMES / 8.0)
    images = 500 * decay + 6 * rng.standard_normal((3, 32, 32, 4))
    label = np.zeros((3, 32, 32), np.int16)
    label[:, 4:28, 4:28] = 1
    patient = Patient({"sub": "1"}, images, label, np.full(label.shape, np.nan), np.eye(4), 2)
    study = Study([patient], [{}], simulated=True)
    assert fits.noise_of(study)[0] == pytest.approx(6.0, rel=0.08)
    assert fits.fit_target(study, CUT_OFF).residual > 10.0


def test_a_scale_that_is_too_large_is_corrected_on_the_validation_patients():
    rng = np.random.default_rng(4)
    sides, folds = (6, 20, 20), 2
    patients = [
        Patient({"sub": f"{k}"}, np.ones((*sides, 4)), np.ones(sides, int), np.ones(sides),
                np.eye(4), 2)
        for k in range(4)
    ]  # fmt: skip
    study = Study(patients, [{}] * 4, simulated=True)
    target = rng.uniform(30, 50, study.pixel_slice.size)
    error = rng.laplace(0.0, 0.8, target.size)
    predicted = {"t1rho": target + error, "log_scale": np.full(target.size, np.log(1.6))}
    splits = [Split(np.array([3]), np.array([2]), np.array([fold])) for fold in range(folds)]
    ends = {
        OneTraining(LBRU, fold, seed): End(
            {**predicted, "log_scale": predicted["log_scale"] + seed}, (), True
        )
        for fold in range(folds)
        for seed in (0, 1)
    }
    factors = {one: scale_factor(study, target, end, splits[one.fold]) for one, end in ends.items()}
    found, watched = scaled(ends, splits, study, factors)
    tested = study.pixel_owner < folds
    assert np.isfinite(found.uncertainty[0]).tolist() == tested.tolist()
    np.testing.assert_allclose(found.uncertainty[0, tested], 0.8, rtol=0.05)
    assert len(watched) == folds
