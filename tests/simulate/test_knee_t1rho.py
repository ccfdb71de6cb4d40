from __future__ import annotations

import jax
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

SILENT = {"snr": 1e6, "snr_sd": 0.0, "pd_snr": 1e6}
STILL = {"motion": (0.0, 0.0), "reposition": (0.0, 0.0)}


def skewness(values: np.ndarray) -> float:
    return float(np.mean(((values - values.mean()) / values.std()) ** 3))


def two_point(first, second, time: float) -> np.ndarray:
    """T1rho from two images, kept between 1 and 100 ms."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = time / np.log(np.asarray(first) / np.asarray(second))
    return np.where((found <= 0) | ~np.isfinite(found), 100.0, np.clip(found, 1.0, 100.0))


def test_same_key_same_scan(scan_of):
    first, second = scan_of(1), scan_of(1)
    jax.tree.map(np.testing.assert_array_equal, first, second)


def test_snr_is_the_one_asked_for(scan_of):
    noisy, silent = scan_of(0, snr=20.0, snr_sd=0.0), scan_of(0, **SILENT)
    inside = np.asarray(silent.labels) > 0
    s0 = np.asarray(silent.t1rho_weighted[0])[inside].mean()
    sigma = float(noisy.latent["sigma"])
    assert abs(s0 / sigma - 20.0) < 0.2
    bright = np.asarray(silent.t1rho_weighted[0]) > 8 * sigma
    noise = np.asarray(noisy.t1rho_weighted[0] - silent.t1rho_weighted[0])[bright]
    assert abs(noise.std() / sigma - 1.0) < 0.05
    air = np.asarray(noisy.t1rho_weighted)[np.asarray(silent.t1rho_weighted) < 0.05 * sigma]
    assert air.size > 1000
    assert abs(air.mean() / (sigma * np.sqrt(np.pi / 2)) - 1.0) < 0.05  # Rayleigh


def test_signal_decays_with_the_true_t1rho_in_pure_cartilage(scan_of):
    scan = scan_of(0, **SILENT, **STILL, voxel_spread=0.01, subject_sd=0.0)
    fitted = two_point(scan.t1rho_weighted[0], scan.t1rho_weighted[2], 30.0)
    inside = np.asarray(scan.labels) > 0
    ratio = np.median(fitted[inside] / np.asarray(scan.t1rho)[inside])
    assert 0.98 < ratio < 1.3  # other tissue in a voxel, fluid above all, lengthens it


def test_truth_is_skewed_to_the_right(scan_of):
    scan = scan_of(2)
    truth = np.asarray(scan.t1rho)[np.asarray(scan.labels) > 0]
    assert skewness(truth) > 0.1
    assert truth.min() > 5.0


def test_all_regions_are_drawn_and_truth_knows_them(scan_of):
    scan = scan_of(3)
    labels = np.asarray(scan.labels)
    assert set(np.unique(labels)) == {0, 1, 2, 3, 4}
    assert np.all(np.isfinite(np.asarray(scan.t1rho)[labels > 0]))
    assert np.isnan(np.asarray(scan.t1rho)[0, 0, 0])


def test_fields_stay_within_their_ranges(scan_of):
    scan = scan_of(4)
    assert 0.88 <= float(scan.b1.min()) <= float(scan.b1.max()) <= 1.12
    assert float(np.abs(scan.b0).max()) <= 120.0
    inside = np.asarray(scan.labels) > 0
    assert np.percentile(np.abs(np.asarray(scan.b0)[inside]), 80) < 60.0


def test_pd_gain_is_an_argument(scan_of):
    plain = [float(scan_of(k, pd_gain_sd=0.0).latent["pd_gain"]) for k in range(3)]
    np.testing.assert_allclose(plain, 0.65, rtol=1e-6)
    varied = [float(scan_of(k, pd_gain_sd=0.2).latent["pd_gain"]) for k in range(3)]
    assert np.std(varied) > 0.01


@pytest.mark.parametrize("spread", [0.0, 9.0])
def test_subject_level_is_an_argument(scan_of, spread):
    levels = [float(scan_of(k, subject_sd=spread).latent["t1rho_level"]) for k in range(6)]
    assert (np.std(levels) > 4.0) == (spread > 0)


def four_point(series: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Least squares T1rho by search over 1 to 100 ms, the amplitude in closed form."""
    candidates = np.geomspace(1.0, 100.0, 500)
    decays = np.exp(-times / candidates[:, None])
    decays /= np.linalg.norm(decays, axis=1, keepdims=True)
    return candidates[np.argmax(series @ decays.T, axis=1)]


def at_same_places(study, scan, inside: np.ndarray) -> np.ndarray:
    """The PD-weighted image in the middle of those voxels of the other grid."""
    where = np.argwhere(inside)
    affine, other = study.t1rho_grid.affine(), np.linalg.inv(study.pd_grid.affine())
    index = (where @ affine[:3, :3].T + affine[:3, 3]) @ other[:3, :3].T + other[:3, 3]
    return map_coordinates(np.asarray(scan.pd_weighted), index.T, order=1, mode="nearest")


def test_two_point_fits_are_biased_as_published(study, scan_of):
    """A PD-weighted first image makes fits far too long, the less so the longer the spin lock.

    The published biases are those of Zhong et al. 2025, Table 4, NLLS; images lie where they
    were taken, as after a registration without error.
    """
    times = np.array(study.spin_lock_times)
    rows = []
    for k in range(8):
        scan = scan_of(k, reposition=(0.0, 0.0))
        inside = np.asarray(scan.labels) > 0
        series = np.asarray(scan.t1rho_weighted)[:, inside]
        pd = at_same_places(study, scan, inside)
        reference = four_point(series.T, times)
        rows.append(
            [two_point(pd, series[j], times[j]).mean() - reference.mean() for j in (1, 2, 3)]
            + [two_point(series[0], series[j], times[j]).mean() - reference.mean() for j in (2, 3)]
        )
    found = np.mean(rows, axis=0)
    assert np.all(np.diff(found[:3]) < 0)
    np.testing.assert_allclose(found[:3], [45.47, 33.95, 24.65], atol=8.0)
    np.testing.assert_allclose(found[3:], [-0.59, 0.48], atol=2.0)
