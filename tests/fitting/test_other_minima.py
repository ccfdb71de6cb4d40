"""Echo trains have several minima along B1: the lowest is found, in each of very many voxels."""

import numpy as np
import pytest

import jaxqmri
from jaxqmri import Status, physics
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
