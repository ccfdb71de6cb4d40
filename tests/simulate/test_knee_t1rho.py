from __future__ import annotations

import jax
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from jaxqmri.simulate import variants
from jaxqmri.simulate.knee_t1rho import KneeT1rhoStudy, scan_knee
from jaxqmri.simulate.people import person
from jaxqmri.simulate.study import numeric_settings, session_key

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


def regional_means(scan) -> np.ndarray:
    """True T1rho of every region, weighted by nothing but what the reader drew."""
    labels, truth = np.asarray(scan.labels), np.asarray(scan.t1rho)
    return np.array([truth[labels == k].mean() for k in (1, 2, 3, 4)])


def test_a_repeat_is_the_same_tissue_scanned_anew(scan_of):
    """Regional means of repeats agree far better than those of different subjects."""
    first, second = ([scan_of(k, repeat=r) for k in range(6)] for r in (0, 1))
    before, after = (np.array([regional_means(s) for s in each]) for each in (first, second))
    assert np.sqrt(np.mean((before - after) ** 2)) < 0.4 * before.std(axis=0).mean()
    for a, b in zip(first, second, strict=True):
        assert float(a.latent["t1rho_level"]) == float(b.latent["t1rho_level"])
        assert float(a.latent["pd_gain"]) != float(b.latent["pd_gain"])
        assert float(a.latent["snr"]) != float(b.latent["snr"])
        for name in ("t1rho_weighted", "pd_weighted", "labels", "b0"):
            assert not np.array_equal(getattr(a, name), getattr(b, name))


def test_a_repeat_in_the_same_place_has_the_same_truth(scan_of):
    first, second = (scan_of(0, repeat=r, pose=(0.0, 0.0)) for r in (0, 1))
    np.testing.assert_array_equal(first.t1rho, second.t1rho)
    np.testing.assert_array_equal(first.muscle, second.muscle)
    assert not np.array_equal(first.t1rho_weighted, second.t1rho_weighted)


def test_repeats_are_independent(scan_of):
    latents = [scan_of(0, repeat=r).latent for r in range(12)]
    gains, snrs = (np.array([float(one[name]) for one in latents]) for name in ("pd_gain", "snr"))
    assert len(np.unique(gains)) == 12
    assert 0.6 < gains.std() / 0.65 / 0.15 < 1.4
    assert abs(gains.mean() / 0.65 - 1.0) < 0.1
    assert abs(np.corrcoef(gains, snrs)[0, 1]) < 0.6


def test_cartilage_alone_leaves_noise_elsewhere(scan_of):
    whole, alone = (scan_of(0, other_tissue=share, **SILENT, **STILL) for share in (1.0, 0.0))
    labels, muscle = np.asarray(whole.labels), np.asarray(whole.muscle) > 0
    np.testing.assert_array_equal(alone.labels, labels)
    np.testing.assert_array_equal(alone.t1rho, whole.t1rho)
    sigma = float(alone.latent["sigma"])
    assert np.asarray(alone.t1rho_weighted)[:, muscle].max() < 6 * sigma
    assert np.asarray(whole.t1rho_weighted)[:, muscle].min() > 1e3 * sigma
    fitted = two_point(alone.t1rho_weighted[0], alone.t1rho_weighted[2], 30.0)[labels > 0]
    truth = np.asarray(whole.t1rho)[labels > 0]
    assert abs(np.median(fitted / truth) - 1.0) < 0.03  # nothing else is in the voxels


def test_a_known_gain_makes_the_pd_image_a_first_image(study, scan_of):
    """With one known gain, typical cartilage is as bright as the first image says."""
    known = variants.KNOWN_GAIN | {"reposition": (0.0, 0.0), "motion": (0.0, 0.0)}
    ratios = []
    for k in range(3):
        scan = scan_of(k, **SILENT, **known, other_tissue=0.0)
        inside = np.asarray(scan.labels) > 0
        pd = at_same_places(study, scan, inside)
        ratios.append(np.median(pd / np.asarray(scan.t1rho_weighted[0])[inside]))
    assert np.std(ratios) / np.mean(ratios) < 0.05


def test_other_numbers_compile_nothing(study, scan_of):
    scan_of(0)
    before = scan_knee._cache_size()
    for variant in (*variants.CALIBRATED.values(), variants.KNOWN_GAIN, variants.CARTILAGE_ALONE):
        changed = study.changed(variant)
        key = jax.random.key(0)
        scan_knee(key, person(0, 0), changed, session_key(key, 1))
    assert scan_knee._cache_size() == before


def test_headline_is_the_study_itself():
    study = KneeT1rhoStudy()
    assert study.changed(variants.CALIBRATED[variants.HEADLINE]) == study
    assert study.pd_gain_sd in variants.PD_GAIN_SPREADS
    for variant in (*variants.CALIBRATED.values(), variants.KNOWN_GAIN, variants.CARTILAGE_ALONE):
        assert set(variant) <= set(numeric_settings(study))


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
