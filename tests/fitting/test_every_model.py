"""Every model: the same minimum as MINPACK's, and a standard deviation that is the spread."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import least_squares

import jaxqmri
from tests.fitting.cases import EVERY_CASE, Case

VOXELS = 8_000  # the same for both tests: a program is compiled for a number of voxels
COMPARED = 15
SNR = 30.0
SD_MARGIN = 4.0 / np.sqrt(2 * VOXELS)  # four standard errors of a standard deviation


def minpack(case: Case, images: np.ndarray, free: tuple[str, ...], ours: np.ndarray) -> np.ndarray:
    """Minima by MINPACK from the truth and from our answer, the lower of the two."""
    held = {name: jnp.float64(v) for name, v in case.truth.items() if name not in free}

    def signal(x):
        return case.model(case.model.Params(**held, **dict(zip(free, x, strict=True))))

    signal, jacobian = jax.jit(signal), jax.jit(jax.jacfwd(signal))
    truth = np.array([case.truth[name] for name in free])
    found = []
    for voxel, own in zip(images, ours, strict=True):
        fits = [
            least_squares(
                lambda x, voxel=voxel: np.asarray(signal(x)) - voxel,
                start,
                jac=lambda x: np.asarray(jacobian(x)),
                method="lm",
                x_scale=np.abs(truth),
                ftol=1e-15,
                xtol=1e-15,
                gtol=1e-15,
                max_nfev=2000,
            )
            for start in (truth, own)
        ]
        found.append(min(fits, key=lambda fit: fit.cost))
    return np.array([fit.x for fit in found]), np.array(
        [np.sqrt(np.diag(np.linalg.inv(fit.jac.T @ fit.jac))) for fit in found]
    )


@pytest.mark.parametrize("case", EVERY_CASE)
def test_same_minimum_as_minpack(case: Case):
    images, sigma = case.noisy(VOXELS, SNR)
    single = jaxqmri.fit(case.model, images.astype(np.float32), sigma=sigma, **case.options)
    images = images[:COMPARED]
    with jax.enable_x64(True):
        double = jaxqmri.fit(case.model, images, sigma=sigma, **case.options)
        free = double.free
        inside = (double.status == jaxqmri.Status.CONVERGED) & (
            single.status[:COMPARED] == double.status
        )
        ours = np.stack([getattr(double.params, name)[inside] for name in free], axis=-1)
        theirs, unit_std = minpack(case, images[inside], free, ours)
    assert np.mean(inside) > 0.6
    std = sigma * unit_std
    float32 = np.stack([getattr(single.params, name)[:COMPARED][inside] for name in free], axis=-1)
    assert np.max(np.abs(ours - theirs) / std) < 1e-6
    assert np.max(np.abs(float32 - theirs) / std) < 1e-2


@pytest.mark.parametrize("case", EVERY_CASE)
def test_std_is_the_spread_of_the_estimates(case: Case):
    images, sigma = case.noisy(VOXELS, case.precise_snr, seed=1)
    result = jaxqmri.fit(case.model, images.astype(np.float32), sigma=sigma, **case.options)
    good = result.status == jaxqmri.Status.CONVERGED
    checked = 0
    for name in result.free:
        std = getattr(result.std, name)[good]
        if np.median(std) > 0.1 * abs(case.truth[name]) or np.mean(good) < 0.999:
            continue
        z = (getattr(result.params, name)[good] - case.truth[name]) / std
        assert 0.97 - SD_MARGIN < np.std(z) < 1.03 + SD_MARGIN, name
        checked += 1
    if case.name != "t1-ir-magnitude":  # its samples near the null are not Gaussian
        assert checked or np.mean(good) < 0.999
