from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxqmri import physics
from jaxqmri.io import bids
from jaxqmri.io.files import read_table
from jaxqmri.simulate import variants
from jaxqmri.simulate.cohorts import STUDIES, make_cohort
from jaxqmri.simulate.geometry import Grid, Pose
from jaxqmri.simulate.knee_ute import KneeUteStudy, UteScan, scan_knee_ute
from jaxqmri.simulate.study import numeric_settings, session_key
from jaxqmri.simulate.tissue import GRADE_T1RHO
from jaxqmri.simulate.ute_acquisition import halved, seen
from jaxqmri.simulate.ute_people import AGES, GROUPS, participant, person
from jaxqmri.simulate.ute_sequence import PUBLISHED, evaluate, polynomials, unit_signals
from jaxqmri.simulate.ute_tissue import FAT, GRADE_T1, TABLE, level

SILENT = {"vfa_snr": 1e6, "t1rho_snr": 1e6, "afi_snr": 1e6}
STILL = {"motion": (0.0, 0.0), "pose": (0.0, 0.0)}
EVEN = {"t1_spread": 0.0, "t1rho_spread": 0.0, "anatomy": 0.0}
SEED = 3


@pytest.fixture(scope="module")
def study() -> KneeUteStudy:
    found = STUDIES["knee_ute"].at("smoke")
    assert isinstance(found, KneeUteStudy)
    return found


@pytest.fixture(scope="module")
def scan_of(study):
    """Scan of one subject of the small study, some settings replaced."""

    def scan(k: int, repeat: int = 0, **settings) -> UteScan:
        key = jax.random.fold_in(jax.random.key(SEED), k)
        changed = replace(study, **settings)
        return scan_knee_ute(key, person(k, SEED), changed, session_key(key, repeat))

    return scan


def drawn(scan: UteScan) -> np.ndarray:
    labels = np.asarray(scan.labels)
    return (labels > 0) & (labels < 5)


def test_signals_are_those_of_the_models():
    b1, t1, t1rho = 0.92, 1050.0, 38.0
    flips = physics.SpoiledGradientEcho(PUBLISHED.flip_angles, PUBLISHED.repetition_time)
    afi = physics.ActualFlipAngle(PUBLISHED.afi_repetition_times, PUBLISHED.afi_flip_angle)
    locked = physics.AdiabaticT1rho(
        PUBLISHED.spin_lock_times, PUBLISHED.preparation_time, PUBLISHED.spoke_angle,
        PUBLISHED.spokes, PUBLISHED.spoke_spacing,
    )  # fmt: skip
    expected = [
        jax.jit(lambda p, model=model: model(p))(
            model.Params(**{"m0": 1.0, "t1": t1, "b1": b1, **more})
        )
        for model, more in ((flips, {}), (afi, {}), (locked, {"t1rho": t1rho}))
    ]
    found = jax.jit(partial(unit_signals, PUBLISHED))(jnp.full(1, b1), t1, t1rho)[:, 0]
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-5)


def test_polynomials_in_b1_are_the_signals():
    tissues = [*TABLE.values(), FAT]
    t1, t1rho = (jnp.array([getattr(t, name) for t in tissues]) for name in ("t1", "t1rho"))
    b1 = jnp.linspace(0.85, 1.15, 31)
    coefficients = jax.jit(partial(polynomials, PUBLISHED))(t1, t1rho)
    repeated = jnp.broadcast_to(coefficients[:, :, None], (5, 13, 31, len(tissues)))
    near = jax.jit(jax.vmap(partial(evaluate, b1=b1), 3, 2))(repeated)
    exact = jax.jit(jax.vmap(partial(unit_signals, PUBLISHED, b1), out_axes=2))(t1, t1rho)
    assert float((jnp.abs(near - exact).max(axis=1) / exact.max(axis=1)).max()) < 1e-5


def test_a_pure_voxel_is_what_the_equations_say(scan_of):
    """Marrow in the middle of a condyle: water and fat, the fat suppressed at the end only."""
    scan = scan_of(0, **SILENT, **STILL, fat_residual=0.1, fat_residual_sd=0.0, t1rho_gain_sd=0.0)
    grid = KneeUteStudy().at("smoke").grid
    away = np.linalg.norm(np.asarray(grid.points()) - [22.0, -8.0, 22.0], axis=-1)
    inside = away < 8.0
    assert inside.sum() > 20
    marrow, b1 = TABLE["marrow"], jnp.asarray(scan.b1)[inside]
    signals = jax.jit(partial(unit_signals, PUBLISHED))
    water, fat = (signals(b1, t.t1, t.t1rho) for t in (marrow, FAT))
    left = 0.1 + 0.9 / (1.0 + np.exp((180.0 - np.abs(np.asarray(scan.b0)[inside])) / 40.0))
    kept = np.where(np.arange(13)[:, None] < 6, 1.0, left)
    share = marrow.fat * FAT.amount(0.032)
    rest = (1.0 - marrow.fat) * jnp.exp(-0.032 / marrow.t2star)
    expected = (rest * water + share * kept * fat) / (rest + share)
    found = np.concatenate([scan.vfa, scan.t1rho_weighted])[:, inside] / np.asarray(scan.m0)[inside]
    np.testing.assert_allclose(found, np.delete(expected, (4, 5), axis=0), rtol=3e-3)


def test_without_spread_and_anatomy_cartilage_is_the_subjects_level(scan_of):
    scan = scan_of(1, **EVEN)
    inside = drawn(scan)
    for name in ("t1", "t1rho"):
        values = np.asarray(getattr(scan, name))[inside]
        np.testing.assert_allclose(values, float(scan.latent[f"{name}_level"]), rtol=2e-3)
    assert np.isnan(np.asarray(scan.t1)[0, 0, 0])


def test_correlation_is_an_argument(scan_of):
    for correlation, low, high in ((0.0, -0.25, 0.25), (0.5, 0.3, 0.8)):
        scans = [scan_of(k, anatomy=0.0, correlation=correlation) for k in range(3)]
        found = [np.corrcoef(*(np.asarray(v)[drawn(s)] for v in (s.t1, s.t1rho))) for s in scans]
        assert low < np.mean([r[0, 1] for r in found]) < high


def test_levels_have_the_cohorts_mean_and_spread():
    rng = np.random.default_rng(0)
    for effects in (GRADE_T1, GRADE_T1RHO):
        grades = np.repeat(list(GROUPS), [200 * count for count in GROUPS.values()])
        z = rng.standard_normal(len(grades))
        each = jax.vmap(lambda g, s, e=effects: level(40.0, 3.5, e, g, s))(grades, jnp.asarray(z))
        assert abs(float(each.mean()) - 40.0) < 0.15
        assert abs(float(each.std()) - 3.5) < 0.15


def test_all_regions_are_drawn_and_truth_knows_them(scan_of):
    scan = scan_of(3)
    assert set(np.unique(scan.labels)) == {0, 1, 2, 3, 4, 5}
    for values in (scan.t1, scan.t1rho):
        assert np.all(np.isfinite(np.asarray(values)[drawn(scan)]))


def test_fields_stay_within_their_ranges(scan_of):
    for anatomy in (0.0, 1.0):
        scan = scan_of(2, anatomy=anatomy)
        assert 0.85 <= float(scan.b1.min()) <= float(scan.b1.max()) <= 1.15
        assert float(scan.b1.std()) > 0.03
        assert float(np.abs(scan.b0).max()) <= 80.0


def test_noise_is_the_one_asked_for(scan_of):
    noisy, silent = scan_of(0, snr_sd=0.0), scan_of(0, **SILENT)
    inside = drawn(silent)
    for name, first, snr in (("vfa", 1, 40.0), ("t1rho_weighted", 0, 40.0)):
        sigma = float(noisy.latent[f"{name.removesuffix('_weighted')}_sigma"])
        quiet = np.asarray(getattr(silent, name))
        assert abs(quiet[first][inside].mean() / sigma / snr - 1.0) < 0.01
        bright = quiet > 8 * sigma
        noise = (np.asarray(getattr(noisy, name)) - quiet)[bright]
        assert abs(noise.std() / sigma - 1.0) < 0.05
    assert noisy.afi.shape == (2, 32, 32, 8)
    sigma, quiet = float(noisy.latent["afi_sigma"]), np.asarray(silent.afi)
    noise = (np.asarray(noisy.afi) - quiet)[quiet > 8 * sigma]
    assert abs(noise.std() / sigma - 1.0) < 0.05


def test_a_repeat_is_the_same_tissue_scanned_anew(scan_of):
    first, second = (scan_of(0, repeat=r, pose=(0.0, 0.0)) for r in (0, 1))
    np.testing.assert_array_equal(first.t1, second.t1)
    np.testing.assert_array_equal(first.t1rho, second.t1rho)
    assert float(first.latent["t1_level"]) == float(second.latent["t1_level"])
    for name in ("vfa", "afi", "t1rho_weighted", "b1", "m0"):
        assert not np.array_equal(getattr(first, name), getattr(second, name))
    jax.tree.map(np.testing.assert_array_equal, first, scan_of(0, pose=(0.0, 0.0)))


def test_variants_are_settings_and_compile_nothing(study, scan_of):
    scan_of(0)
    before = scan_knee_ute._cache_size()
    for variant in (
        variants.UTE_DECORRELATED, variants.UTE_RANDOM_GAIN, variants.UTE_NO_ANATOMY,
    ):  # fmt: skip
        assert set(variant) <= set(numeric_settings(study))
        key = jax.random.key(0)
        scan_knee_ute(key, person(0, 0), study.changed(variant), key)
    assert scan_knee_ute._cache_size() == before


def test_what_has_moved_is_seen_where_it_went():
    grid = Grid((6, 8, 4), (1.0, 1.25, 3.0), (2.0, -3.0, 1.0), (2, 2, 2))
    samples = jnp.asarray(np.random.default_rng(0).random((8, 12, 16), np.float32))
    still = Pose(jnp.zeros(3), jnp.zeros(3))
    image = jax.jit(seen, static_argnums=1)
    before, coarse = grid.average(samples), halved(grid)
    np.testing.assert_allclose(image(samples, grid, still, still), before, atol=1e-5)
    moved = Pose(jnp.zeros(3), jnp.array([3.0, -1.0, 0.0]))  # a slice right, a row to the back
    found = image(samples, grid, moved, still)
    np.testing.assert_allclose(found[1:, 1:], before[:-1, :-1], atol=1e-5)
    np.testing.assert_allclose(coarse.refined().affine(), grid.refined().affine(), atol=1e-9)
    found = image(samples, coarse, still, still)
    np.testing.assert_allclose(found, coarse.average(samples), atol=1e-5)


def test_sixty_five_are_the_papers_cohort():
    everyone = [person(k, 0) for k in range(65)]
    rows = [participant(who) for who in everyone]
    assert Counter(row["kl_grade"] for row in rows) == GROUPS
    assert Counter(row["group"] for row in rows) == {
        "normal": 20, "doubtful-minimal": 29, "moderate-severe": 16,
    }  # fmt: skip
    assert Counter(row["sex"] for row in rows) == {"F": 33, "M": 32}
    assert Counter(row["side"] for row in rows) == {"L": 29, "R": 36}
    assert {row["side"] for row in rows[:8]} == {row["sex"] for row in rows[:8]} ^ set("FMLR")
    ages = np.array([AGES[grade] for grade, count in GROUPS.items() for _ in range(count)])
    assert abs(ages.mean() - 54.8) < 0.1
    assert abs(np.sqrt(ages.var() + 11.0**2) - 16.9) < 0.1
    assert person(7, 1) == person(7, 1) != person(7, 2)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "knees"
    return make_cohort("knee_ute", out, subjects=1, preset="smoke", seed=5)


def test_is_a_dataset_that_reads_back(cohort, study):
    who = {"sub": "01"}
    flips = bids.read_series(cohort, "VFA", who)
    np.testing.assert_allclose(flips.times, [5.0, 10.0, 20.0, 30.0])
    assert flips.repetition_time == 20.0
    assert flips.images.shape == (*study.grid.shape, 4)
    np.testing.assert_allclose(flips.affine, study.grid.affine(), atol=1e-4)

    afi = bids.read_series(cohort, "TB1AFI", who)
    np.testing.assert_allclose(afi.times, [20.0, 100.0])
    assert afi.flip_angle == 45.0
    assert afi.images.shape == (*halved(study.grid).shape, 2)
    ends = np.array([[-0.5, -0.5, -0.5, 1.0], [*(np.array(study.grid.shape) - 0.5), 1.0]]).T
    half = np.array([[-0.5, -0.5, -0.5, 1.0], [*(np.array(afi.images.shape[:3]) - 0.5), 1.0]]).T
    np.testing.assert_allclose(afi.affine @ half, flips.affine @ ends, atol=1e-3)

    (found,) = bids.find_series(cohort, "T1rhow")
    assert found == {"sub": "01", "acq": "adiab"}
    locked = bids.read_series(cohort, "T1rhow", found)
    np.testing.assert_allclose(locked.times, [0.0, 12.0, 24.0, 36.0, 48.0, 72.0, 96.0])
    fields = locked.metadata[1]
    assert fields["RepetitionTimePreparation"] == 500.0
    assert fields["RepetitionTimeExcitation"] == 5.0
    assert (fields["NumberShots"], fields["FlipAngle"]) == (25, 10.0)


def test_regions_truth_and_people_are_written(cohort):
    who = {"sub": "01"}
    labels = bids.read_labels(cohort, "manual", who)
    assert set(np.unique(labels.data)) == {0, 1, 2, 3, 4, 5}
    assert list(bids.find_label_names(labels.path).values())[-1] == "meniscus"
    truth = bids.map_folder(cohort, "truth")
    for suffix, unit in (("T1map", "ms"), ("T1rho", "ms"), ("M0map", "arbitrary"), ("B0map", "Hz")):
        found = bids.read_map(bids.find_image(truth, who, suffix))
        assert found.unit == unit
        assert np.all(np.isfinite(found.data[(labels.data > 0) & (labels.data < 5)]))
    (row,) = bids.read_participants(cohort)
    assert set(row) == {"participant_id", "age", "sex", "bmi", "kl_grade", "group", "side"}
    (latent,) = read_table(truth / "subjects.tsv")
    assert 700.0 < latent["t1_level"] < 1300.0
