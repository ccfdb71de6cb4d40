"""Echo trains have several minima along B1: the lowest is found, in each of very many voxels."""

import jax
import numpy as np
import pytest

import jaxqmri
from jaxqmri import Status, fitting, physics
from tests.reference import phase_graph

ECHOES, SPACING, SNR = 8, 10.0, 30.0


def trains(t2, b1):
    """Echo amplitudes for unit s0 of every pair, shape ``(pairs, echoes)``."""
    return np.array(
        [
            np.abs(phase_graph.echo_train(ECHOES, SPACING, 90 * b, 180 * b, t, 1000.0))
            for t, b in zip(t2, b1, strict=True)
        ]
    )


@pytest.fixture(scope="module")
def dictionary():
    """Unit vectors over a dense grid of T2 and B1."""
    pairs = np.meshgrid(np.geomspace(15.0, 150.0, 100), np.linspace(0.45, 1.0, 56))
    signals = trains(*(axis.ravel() for axis in pairs))
    return signals / np.linalg.norm(signals, axis=1, keepdims=True)


@pytest.mark.parametrize("seed", [0, 1])
def test_no_entry_of_a_dense_dictionary_explains_a_voxel_better_than_its_fit(dictionary, seed):
    rng = np.random.default_rng(seed)
    kinds, noises = 400, 50
    truth = trains(rng.uniform(30, 60, kinds), rng.uniform(0.7, 0.9, kinds))
    clean = np.repeat(truth, noises, axis=0)
    images = (clean + rng.normal(0, 1 / SNR, clean.shape)).astype(np.float32)
    model = physics.MultiEchoSpinEcho(SPACING * np.arange(1, ECHOES + 1))
    result = jaxqmri.fit(model, images, free=("b1",))
    fitted = np.isin(result.status, (Status.CONVERGED, Status.AT_BOUND))
    assert fitted.mean() > 0.999
    misfit = ECHOES * result.rmse.astype(float) ** 2
    energy = np.sum(images.astype(float) ** 2, axis=1)
    best = np.concatenate([np.max(part @ dictionary.T, axis=1) for part in np.split(images, 20)])
    beaten = fitted & (misfit > (energy - best**2) * 1.001)
    assert beaten.mean() < 5e-4


def test_a_slice_profile_tells_b1_below_nominal_from_b1_above():
    rng = np.random.default_rng(2)
    profile = np.exp(-((np.linspace(0, 1, 5) / 0.6) ** 4))
    model = physics.MultiEchoSpinEcho(SPACING * np.arange(1, ECHOES + 1), slice_profile=profile)
    t2, b1 = rng.uniform(30, 60, 300), rng.uniform(0.6, 1.4, 300)
    clean = np.mean([trains(t2, b1 * fraction) for fraction in profile], axis=0)
    images = clean + rng.normal(0, 1 / 300, clean.shape)
    with jax.enable_x64(True):
        found = jaxqmri.fit(model, images, free=("b1",))
        from_truth = jaxqmri.fit(
            model, images, free=("b1",), start={"s0": np.ones(300), "t2": t2, "b1": b1}
        )
    assert np.isin(found.status, (Status.CONVERGED, Status.AT_BOUND)).mean() > 0.995
    assert np.mean(found.rmse > 1.001 * from_truth.rmse) < 0.01


def test_traced_fits_settle_though_no_voxel_gets_more_steps_than_another():
    rng = np.random.default_rng(3)
    truth = trains(rng.uniform(30, 60, 1000), rng.uniform(0.6, 1.0, 1000))
    images = (truth + rng.normal(0, 1 / SNR, truth.shape)).astype(np.float32)
    model = physics.MultiEchoSpinEcho(SPACING * np.arange(1, ECHOES + 1))
    status = jax.jit(lambda x: fitting.fit_voxels(model, x, free=("b1",)).status)(images)
    assert np.mean(np.isin(status, (Status.CONVERGED, Status.AT_BOUND))) > 0.995


def test_an_interval_of_an_estimate_at_a_bound_ends_there():
    model = physics.MultiEchoSpinEcho(SPACING * np.arange(1, ECHOES + 1))
    images = trains([45.0] * 4, [1.0] * 4).astype(np.float32)
    result = jaxqmri.fit(model, images, free=("b1",), sigma=0.03, intervals=True)
    assert np.all(result.params.b1 == 1.0)
    assert np.all(result.intervals[1].b1 == 1.0)
    assert np.all(result.intervals[0].b1 < 0.99)
