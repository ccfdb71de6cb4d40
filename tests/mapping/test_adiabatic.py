"""From three series to T1rho: what goes in comes out, and errors mean what they say."""

from __future__ import annotations

import numpy as np
import pytest

from jaxqmri import Status, physics
from jaxqmri.mapping import Series, adiabatic_t1rho_maps
from tests.mapping.knee import FINE, LOCKS, SHAPE, ramp, subject

INNER = np.s_[2:-2, :, :]  # B1 along its ramp is extrapolated at the edge


def relative(values, truth):
    return np.max(np.abs(values / truth - 1.0)[INNER])


@pytest.mark.parametrize("t1", [300.0, 1000.0, 2000.0])
def test_without_noise_all_maps_are_the_tissues(t1):
    b1, t1rho = ramp(0.8, 1.2), ramp(10.0, 100.0, axis=1)
    vfa, afi, locks = subject(t1, t1rho, b1)
    made = adiabatic_t1rho_maps(vfa, afi, locks, smooth=0.0)
    assert relative(made.params.b1, b1) < 0.001
    assert relative(made.params.t1, t1) < 0.001
    assert relative(made.params.t1rho, t1rho) < 0.002
    published = adiabatic_t1rho_maps(vfa, afi, locks, smooth=0.0, form="fitting")
    assert 0.002 < relative(published.params.t1rho, t1rho) < 0.01


def z_scores(made, **truth):
    return {
        name: (getattr(made.params, name) - value)[INNER] / getattr(made.std, name)[INNER]
        for name, value in truth.items()
    }


@pytest.mark.parametrize("smooth", [0.0, 8.0])
@pytest.mark.parametrize("known", [True, False], ids=["told", "pooled"])
def test_errors_are_the_spread_of_the_estimates(smooth, known):
    b1 = ramp(0.93, 0.99)  # as steep as in a knee: a Gaussian flattens steeper fields at the edge
    series = subject(1000.0, 40.0, b1, noisy=True, known=known)
    made = adiabatic_t1rho_maps(*series, smooth=smooth)
    z = z_scores(made, t1=1000.0, t1rho=40.0)
    for name, values in z.items():
        assert np.std(values) == pytest.approx(1.0, abs=0.03), name
        assert np.mean(values) == pytest.approx(0.0, abs=0.12), name
    if smooth:
        assert np.max(np.abs(made.params.b1 / b1 - 1.0)[8:-8]) < 0.03
        assert np.median(made.std.b1) < 0.01
    told = subject(1000.0, 40.0, b1, noisy=True)
    for fitted, given in zip(made.fits, (told[1], told[0], told[2]), strict=True):
        assert float(fitted.sigma) == pytest.approx(given.sigma, rel=0.03)


def test_errors_carried_apart_would_be_too_small():
    """The reason for the covariance: B1 off, T1 off the other way, T1rho off by both."""
    series = subject(1000.0, 40.0, np.ones(SHAPE), noisy=True)
    made = adiabatic_t1rho_maps(*series, smooth=0.0)
    correlation = made.fits.t1.covariance_of("t1", "b1") / (made.std.t1 * made.std.b1)
    assert -0.9 < np.median(correlation) < -0.4


def test_air_and_what_the_actual_flip_angle_missed_take_b1_from_around():
    """Noise without signal is not fitted; NaN, as registration leaves it, spoils no neighbour."""
    vfa, afi, locks = subject(1000.0, 40.0, ramp(0.9, 1.1), noisy=True)
    afi.images[:4] = np.nan
    afi.images[10:12] = np.abs(afi.images[10:12] * 0.01)
    made = adiabatic_t1rho_maps(vfa, afi, locks, smooth=3.0)
    assert np.all(made.fits.b1.status[[0, 3, 10, 11]] == Status.OUTSIDE_MASK)
    known = np.isfinite(made.params.b1).all(axis=(1, 2))
    assert not known[0]
    assert known[6:].all()
    assert np.max(np.abs(made.params.b1 / ramp(0.9, 1.1) - 1.0)[12:-6]) < 0.12


def test_voxels_without_an_estimate_hold_nan_and_a_status():
    vfa, afi, locks = subject(1000.0, 40.0, 1.0)
    mask = np.zeros(SHAPE, bool)
    mask[4:10, 4:10, 2:5] = True
    vfa.images[4, 4, 2] = np.nan
    locks.images[5, 5, 3] = 0.0
    made = adiabatic_t1rho_maps(vfa, afi, locks, mask=mask, smooth=4.0)
    assert np.all(np.isnan(made.params.t1rho[~mask]))
    assert made.fits.t1.status[4, 4, 2] == made.fits.t1rho.status[4, 4, 2] == Status.NOT_FINITE
    assert made.fits.t1rho.status[5, 5, 3] == Status.NO_SIGNAL
    assert np.isfinite(made.params.t1[5, 5, 3])
    assert np.isnan(made.params.t1rho[5, 5, 3])
    assert np.sum(np.isfinite(made.params.t1rho)) == np.sum(mask) - 2
    assert np.all(np.isfinite(made.params.b1))


def test_a_tissue_of_short_t1_keeps_its_b1():
    """The usual formula would read B1 0.6 % low there, and T1 over 1 % high."""
    t1 = np.where(np.arange(SHAPE[1])[None, :, None] < 24, 300.0, 1200.0) * np.ones(SHAPE)
    made = adiabatic_t1rho_maps(*subject(t1, 40.0, 0.9), smooth=6.0)
    for half in (np.s_[:, 4:20], np.s_[:, 28:44]):
        np.testing.assert_allclose(made.params.b1[half], 0.9, rtol=5e-4)
        np.testing.assert_allclose(made.params.t1[half], t1[half], rtol=1e-3)


SERIES = subject(1000.0, 40.0, 1.0)
AWAY = FINE.copy()
AWAY[0, 3] = 1e3  # mm
SHORT = physics.AdiabaticT1rhoOffset(LOCKS, 500.0, 10.0, 25)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"form": "published"}, ValueError, "form must be 'exact' or 'fitting', got 'published'"),
        ({"t1rhow": SERIES[2]._replace(model=SHORT)}, ValueError, "needs the spacing"),
        ({"t1rhow": SERIES[2]._replace(affine=2 * FINE)}, ValueError, "on the grid of vfa"),
        ({"afi": SERIES[1]._replace(affine=AWAY)}, ValueError, "show nothing"),
        ({"afi": SERIES[0]}, TypeError, "afi.model must be ActualFlipAngle, got SpoiledGrad"),
        (
            {"vfa": SERIES[0]._replace(images=np.ones((2, 2, 4)))},
            ValueError,
            r"vfa.images must have shape \(x, y, z, 4\), got \(2, 2, 4\)",
        ),
        ({"vfa": SERIES[0]._replace(affine=np.eye(3))}, ValueError, "vfa.affine must be 4 by 4"),
        ({"smooth": -1.0}, ValueError, "fwhm must be at least 0"),
    ],
)
def test_what_does_not_fit_together_is_named(change, error, words):
    series: dict = dict(zip(("vfa", "afi", "t1rhow"), SERIES, strict=True))
    with pytest.raises(error, match=words):
        adiabatic_t1rho_maps(**(series | change))


def test_noise_cannot_be_told_from_one_voxel():
    thin = {"images": np.ones((1, 1, 1, 2), np.float32), "sigma": None}
    vfa = SERIES[0]._replace(images=SERIES[0].images[:2, :2, :2])
    with pytest.raises(ValueError, match="give its sigma"):
        adiabatic_t1rho_maps(
            vfa,
            SERIES[1]._replace(**thin),
            Series(SERIES[2].model, vfa.images[..., :1].repeat(7, -1), FINE),
        )
