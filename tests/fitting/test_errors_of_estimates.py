"""Standard deviations, intervals and pooled noise mean what they say."""

from __future__ import annotations

import numpy as np
import pytest

import jaxqmri
from jaxqmri import physics
from tests.fitting.cases import CASES, ECHOES, Case

VOXELS = 20_000
# Four standard errors of a share of 95 %.
SHARE_MARGIN = 4.0 * np.sqrt(0.95 * 0.05 / VOXELS)


@pytest.mark.parametrize(
    ("model", "truth", "snr"),
    [
        (physics.T1rhoDecay([0, 10, 30, 50]), {"s0": 1.0, "t1rho": 45.0}, 12.0),
        (physics.T2DecayOffset(ECHOES), {"s0": 1.0, "t2": 35.0, "offset": 0.2}, 40.0),
    ],
    ids=["t1rho", "t2-offset"],
)
def test_profile_intervals_cover_where_std_does_not(model, truth, snr):
    case = Case("wide", model, truth, snr)
    images, sigma = case.noisy(VOXELS, snr, seed=2)
    result = jaxqmri.fit(model, images.astype(np.float32), sigma=sigma, intervals=True)
    lower, upper = result.intervals
    known = np.isfinite(getattr(result.params, model.Params._fields[1]))
    assert (
        np.median(getattr(result.std, model.Params._fields[1])[known])
        > 0.1 * truth[model.Params._fields[1]]
    )
    for name, value in truth.items():
        low, high = getattr(lower, name)[known], getattr(upper, name)[known]
        covered = np.mean((low <= value) & (value <= high))
        assert 0.94 - SHARE_MARGIN < covered < 0.96 + SHARE_MARGIN, name


def test_pooled_sigma_is_the_noise():
    case = CASES[0]
    images, sigma = case.noisy(VOXELS, 30.0)
    result = jaxqmri.fit(case.model, images.astype(np.float32))
    # four standard errors of a median of chi-square with two degrees of freedom
    assert result.sigma == pytest.approx(sigma, rel=4.0 * 0.72 / np.sqrt(VOXELS))


def test_std_is_unknown_without_spare_samples_and_sigma():
    model = physics.T1rhoDecay([0, 50])
    images = np.array([[1.0, 0.3], [1.0, 0.35]], np.float32)
    result = jaxqmri.fit(model, images)
    assert np.all(np.isfinite(result.params.t1rho))
    assert np.all(np.isnan(result.std.t1rho))
    assert np.all(np.isfinite(jaxqmri.fit(model, images, sigma=0.02).std.t1rho))


def test_two_point_std_is_the_closed_form():
    model = physics.T1rhoDecay([0, 50])
    result = jaxqmri.fit(model, np.array([[1.0, np.exp(-50 / 45)]], np.float32), sigma=0.01)
    closed = 0.01 * 45**2 / 50 * np.sqrt(1 + np.exp(2 * 50 / 45))
    assert result.std.t1rho[0] == pytest.approx(closed, rel=1e-4)


def test_error_of_a_held_map_is_carried():
    model = physics.SpoiledGradientEcho([5, 10, 20, 30], 20)
    clean = np.asarray(model(model.Params(1.0, 1000.0, 0.9)))
    rng = np.random.default_rng(3)
    b1 = (0.9 + rng.normal(0, 0.02, VOXELS)).astype(np.float32)
    images = (clean + rng.normal(0, 1e-4, (VOXELS, 4))).astype(np.float32)
    result = jaxqmri.fit(model, images, fixed={"b1": b1}, fixed_std={"b1": 0.02}, sigma=1e-4)
    z = (result.params.t1 - 1000.0) / result.std.t1
    assert np.std(z) == pytest.approx(1.0, abs=0.05)
    assert np.allclose(result.params.b1, b1)
    assert np.all(result.std.b1 == np.float32(0.02))
    bare = jaxqmri.fit(model, images, fixed={"b1": b1}, sigma=1e-4)
    assert np.median(bare.std.t1) < 0.5 * np.median(result.std.t1)
    assert np.all(np.isnan(bare.std.b1))


LOCKS = [0.0, 12.0, 24.0, 36.0, 48.0, 72.0, 96.0]


def chained(seed: int):
    """B1 with an error, T1 fitted with that B1, and adiabatic T1rho images to fit with both."""
    rng = np.random.default_rng(seed)
    flips = physics.SpoiledGradientEcho([5, 10, 20, 30], 20)
    locks = physics.AdiabaticT1rho(LOCKS, 500, 10, 25, 5)
    b1 = (1.0 + rng.normal(0, 0.03, VOXELS)).astype(np.float32)
    clean = np.asarray(flips(flips.Params(1.0, 1000.0, 1.0)))
    images = (clean + rng.normal(0, 1e-3, (VOXELS, 4))).astype(np.float32)
    t1 = jaxqmri.fit(flips, images, fixed={"b1": b1}, fixed_std={"b1": 0.03}, sigma=1e-3)
    clean = np.asarray(locks(locks.Params(1.0, 40.0, 1000.0, 1.0)))
    images = (clean + rng.normal(0, 2e-4, (VOXELS, 7))).astype(np.float32)
    given = {
        "fixed": {"t1": t1.params.t1, "b1": b1},
        "fixed_std": {"t1": t1.std.t1, "b1": 0.03},
        "sigma": 2e-4,
    }
    return locks, images, given, t1.covariance_of("t1", "b1")


def test_covariance_of_held_maps_is_carried():
    """B1 and the T1 that was fitted with it err together: apart, T1rho's error is too small."""
    locks, images, given, covariance = chained(8)
    result = jaxqmri.fit(locks, images, fixed_cov={("b1", "t1"): covariance}, **given)
    z = (result.params.t1rho - 40.0) / result.std.t1rho
    assert np.std(z) == pytest.approx(1.0, abs=0.03)
    apart = jaxqmri.fit(locks, images, **given)
    assert abs(np.std((apart.params.t1rho - 40.0) / apart.std.t1rho) - 1.0) > 0.15


def test_covariance_with_a_held_map_is_that_of_the_estimates():
    model = physics.SpoiledGradientEcho([5, 10, 20, 30], 20)
    clean = np.asarray(model(model.Params(1.0, 1000.0, 1.0)))
    b1 = (1.0 + np.random.default_rng(5).normal(0, 0.02, VOXELS)).astype(np.float32)
    images = np.broadcast_to(clean, (VOXELS, 4))
    result = jaxqmri.fit(model, images, fixed={"b1": b1}, fixed_std={"b1": 0.02}, sigma=1e-4)
    sampled = np.cov(result.params.t1, b1)[0, 1]
    assert np.mean(result.covariance_of("t1", "b1")) == pytest.approx(sampled, rel=0.02)
    assert np.array_equal(result.covariance_of("b1", "t1"), result.covariance_of("t1", "b1"))
    assert np.allclose(np.sqrt(result.covariance_of("t1", "t1")), result.std.t1)
    assert np.array_equal(result.covariance_of("m0", "t1"), result.covariance[..., 0, 1])
    with pytest.raises(ValueError, match=r"no covariance of 'b1' with 'b1'.*m0, t1, b1"):
        result.covariance_of("b1", "b1")


def test_intervals_carry_the_error_of_a_held_map():
    model = physics.SpoiledGradientEcho([5, 10, 20, 30], 20)
    clean = np.asarray(model(model.Params(1.0, 1000.0, 0.9)))
    rng = np.random.default_rng(4)
    b1 = (0.9 + rng.normal(0, 0.03, VOXELS)).astype(np.float32)
    images = (clean + rng.normal(0, 1e-3, (VOXELS, 4))).astype(np.float32)
    held = {"fixed": {"b1": b1}, "sigma": 1e-3, "intervals": True}
    lower, upper = jaxqmri.fit(model, images, fixed_std={"b1": 0.03}, **held).intervals
    covered = np.mean((lower.t1 <= 1000.0) & (upper.t1 >= 1000.0))
    assert 0.94 - SHARE_MARGIN < covered < 0.96 + SHARE_MARGIN
    lower, upper = jaxqmri.fit(model, images, **held).intervals
    assert np.mean((lower.t1 <= 1000.0) & (upper.t1 >= 1000.0)) < 0.9


def test_rician_bias_is_a_fifth_of_the_gaussian():
    model = physics.T2Decay([10, 20, 40, 80, 120, 160])
    clean = np.asarray(model(model.Params(1.0, 40.0)))
    rng = np.random.default_rng(4)
    noise = rng.normal(0, 0.2, (2, VOXELS, clean.size))
    images = np.hypot(clean + noise[0], noise[1]).astype(np.float32)
    gaussian = jaxqmri.fit(model, images)
    rician = jaxqmri.fit(model, images, likelihood="rician", sigma=0.2)
    gaussian_bias = np.nanmedian(gaussian.params.t2) - 40.0
    rician_bias = np.nanmedian(rician.params.t2) - 40.0
    assert abs(rician_bias) < abs(gaussian_bias) / 5


def test_weighted_rician_is_unbiased():
    model = physics.T2Decay([10, 20, 30, 45, 60, 80])
    clean = np.asarray(model(model.Params(100.0, 30.0)))
    sigma = np.array([5.0, 5.0, 5.0, 10.0, 10.0, 10.0])
    noise = np.random.default_rng(7).normal(0, 1, (2, VOXELS, 6)) * sigma
    images = np.hypot(clean + noise[0], noise[1]).astype(np.float32)
    weights = (5.0 / sigma) ** 2
    rician = jaxqmri.fit(model, images, likelihood="rician", sigma=5.0, weights=weights)
    gaussian = jaxqmri.fit(model, images, weights=weights)
    assert abs(np.nanmedian(rician.params.t2) - 30.0) < 0.3
    assert abs(np.nanmedian(gaussian.params.t2) - 30.0) > 1.0
