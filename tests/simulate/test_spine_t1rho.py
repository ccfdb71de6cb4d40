from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxqmri.io import bids
from jaxqmri.io.files import read_table
from jaxqmri.simulate import variants
from jaxqmri.simulate.anatomy.spine import TISSUES
from jaxqmri.simulate.anatomy.spine_shape import BODIES, LEVELS, LUMBAR, sample_spine, unworn
from jaxqmri.simulate.anatomy.spine_shape import SCORES as SHAPE
from jaxqmri.simulate.cohorts import STUDIES, make_cohort
from jaxqmri.simulate.spine_discs import Discs, grade
from jaxqmri.simulate.spine_people import patient
from jaxqmri.simulate.spine_scanner import truncated, with_noise
from jaxqmri.simulate.spine_t1rho import SpineScan, SpineT1rhoStudy, scan_spine, spine_discs
from jaxqmri.simulate.study import numeric_settings, session_key, subject_key

SEED = 3
EXACT = {"box_hand": 0.0, "region_hand": 0.0, "grade_hand": 0.0}
SILENT = {"t1w_snr": 1e6, "t1rho_snr": 1e6}
WORSE = Discs(jnp.array([1.0, 2.0, 3.0, 2.5, 3.0]), jnp.array([50.0] * 5))
BETTER = Discs(jnp.array([-2.0] * 5), jnp.array([160.0] * 5))


@pytest.fixture(scope="module")
def study() -> SpineT1rhoStudy:
    found = STUDIES["spine_t1rho"].at("smoke")
    assert isinstance(found, SpineT1rhoStudy)
    return found


@pytest.fixture(scope="module")
def scan_of(study):
    """Scan of one patient of the small study, some settings or all discs replaced."""

    def scan(k: int, repeat: int = 0, discs: Discs | None = None, **settings) -> SpineScan:
        key, who, changed = subject_key(SEED, k), patient(k, SEED), study.changed(settings)
        found = spine_discs(key, who, changed) if discs is None else discs
        return scan_spine(key, who, found, changed, session_key(key, repeat))

    return scan


def same(a, b) -> bool:
    return jax.tree.all(jax.tree.map(lambda x, y: np.array_equal(x, y, equal_nan=True), a, b))


@pytest.mark.parametrize("seed", range(4))
def test_a_spine_is_a_chain_with_discs_between_its_bodies(seed):
    z = np.random.default_rng(seed).standard_normal(SHAPE).clip(-2.5, 2.5)
    s = sample_spine(jnp.asarray(z, jnp.float32), 1.0, unworn())
    bodies, discs = (jax.tree.map(np.asarray, each) for each in (s.bodies, s.discs))
    assert np.all(np.diff(bodies.z) < -5.0)
    assert np.all((discs.z < bodies.z[:-1]) & (discs.z > bodies.z[1:]))
    heights = 2.0 * discs.height[LUMBAR]
    assert np.all((heights > 5.0) & (heights < 16.0))
    first, sacral = BODIES.index("L1"), BODIES.index("S1")
    lordosis = np.rad2deg(bodies.tilt[sacral] - bodies.tilt[first])
    assert 25.0 < lordosis < 75.0


def test_men_are_taller():
    women, men = (sample_spine(jnp.zeros(SHAPE), sex, unworn()) for sex in (0.0, 1.0))
    assert float(men.bodies.z[0] / women.bodies.z[0]) == pytest.approx(1.04 / 0.96, rel=0.02)


def test_all_discs_and_the_sacrum_are_in_view(scan_of, study):
    size = study.plane.matrix
    for k in range(6):
        scan = scan_of(k, **EXACT)
        boxes = np.asarray(scan.readings[0].boxes)
        disc, tissue = np.asarray(scan.disc), np.asarray(scan.tissue)
        assert boxes.min() > 1.0
        assert boxes.max() < size - 1.0
        assert np.all(np.diff(boxes[:, 1]) > 0)
        for label, (x1, y1, x2, y2) in enumerate(boxes, start=1):
            x, y = np.nonzero(disc == label)
            assert x1 - 0.6 <= x.min() < x.max() + 1 <= x2 + 0.6
            assert y1 - 0.6 <= y.min() < y.max() + 1 <= y2 + 0.6
            assert 0.1 < len(x) / ((x2 - x1) * (y2 - y1)) <= 1.0
        below = tissue[:, int(boxes[-1, 3]) :] == TISSUES.index("marrow")
        assert below.sum() * (288.0 / size) ** 2 > 200.0


def test_the_field_of_view_moves_by_up_to_a_vertebra(scan_of):
    middles = [np.asarray(scan_of(0, repeat).readings[0].boxes)[2, 1] for repeat in range(8)]
    assert 20.0 < np.ptp(middles) * 3.0 < 60.0


def test_without_coupling_a_t1w_image_knows_nothing_of_degeneration(scan_of):
    """Other discs in the same patient: the T1-weighted image, boxes and places do not change."""
    one, other = (
        scan_of(0, discs=discs, **variants.SPINE_NO_COUPLING) for discs in (WORSE, BETTER)
    )
    np.testing.assert_array_equal(one.t1w, other.t1w)
    np.testing.assert_array_equal(one.disc, other.disc)
    for a, b in zip(one.readings, other.readings, strict=True):
        np.testing.assert_array_equal(a.boxes, b.boxes)
        np.testing.assert_array_equal(a.regions, b.regions)
    for name in ("t2w", "t1rho", "true_t1rho"):
        assert not np.array_equal(getattr(one, name), getattr(other, name))


def test_with_coupling_degeneration_shows_but_not_the_rest_of_t1rho(scan_of):
    worse, better = (scan_of(0, discs=discs) for discs in (WORSE, BETTER))
    assert not np.array_equal(worse.t1w, better.t1w)
    other = scan_of(0, discs=WORSE._replace(t1rho=jnp.array([120.0] * 5)))
    np.testing.assert_array_equal(worse.t1w, other.t1w)
    assert not np.array_equal(worse.t1rho, other.t1rho)


def test_regions_hold_the_nucleus_and_decay_with_its_t1rho(scan_of, study):
    scan = scan_of(1, discs=BETTER, **EXACT, **SILENT)
    times, images = np.array(study.spin_lock_times), np.asarray(scan.t1rho)
    region, truth = np.asarray(scan.readings[0].regions)[0], np.asarray(scan.true_t1rho)
    for label in range(1, 6):
        inside = region == label
        assert 4 <= inside.sum() <= 16  # 1 cm^2 in pixels of 9 mm^2
        slope = np.polyfit(times, np.log(images[:, inside].mean(axis=1)), 1)[0]
        assert 105.0 < -1.0 / slope < 165.0
    assert abs(np.nanmedian(truth) - 160.0) < 12.0


def test_readers_differ_in_their_hands_and_agree_on_most(scan_of):
    grades = np.array([[r.grades for r in scan_of(k).readings] for k in range(8)])
    assert np.mean(grades[:, 0] == grades[:, 1]) > 0.7
    assert np.abs(np.diff(grades.astype(int), axis=1)).max() <= 1
    scan, exact = scan_of(0), scan_of(0, **EXACT)
    first, second = (np.asarray(r.boxes) for r in scan.readings)
    assert 0.1 < np.std(first - second) < 3.0
    true = np.asarray(jnp.round(grade(BETTER.degeneration)))
    np.testing.assert_array_equal(scan_of(0, discs=BETTER, **EXACT).readings[1].grades, true)
    assert same(exact.readings[0], exact.readings[1])
    regions = np.asarray(scan.readings[0].regions)
    assert not np.array_equal(regions[0], regions[1])


def test_same_seed_same_scan_and_a_repeat_is_of_the_same_patient(scan_of, study):
    assert same(scan_of(0), scan_of(0))
    again = scan_of(0, 1)
    assert float(again.latent["marrow_fat"]) == float(scan_of(0).latent["marrow_fat"])
    assert not np.array_equal(again.t1w, scan_of(0).t1w)
    assert not np.array_equal(scan_of(1).t1w, scan_of(0).t1w)


def test_variants_are_settings_and_compile_nothing(study, scan_of):
    scan_of(0)
    before = scan_spine._cache_size()
    for coupling in variants.SPINE_COUPLINGS:
        scan_of(0, coupling=coupling)
    assert set(variants.SPINE_NO_COUPLING) <= set(numeric_settings(study))
    assert scan_spine._cache_size() == before


def test_the_middle_of_k_space_is_what_an_image_shows():
    """A wave that the image can hold comes out as it is, moved; a finer one is lost."""
    at = (np.arange(24) + 0.5) / 24.0
    coarse = (np.arange(8) + 0.5) / 8.0
    slow, fast = (np.cos(2 * np.pi * n * at)[:, None] + np.zeros(24) for n in (2, 9))
    raster = jnp.asarray(np.stack([slow, slow + fast]), jnp.float32)
    moved = jnp.array([[3.0, 0.0], [0.0, 0.0]])
    images = np.asarray(truncated(raster, 8, moved))
    expected = np.stack([np.cos(2 * np.pi * 2 * (coarse - 3.0 / 24.0)), np.cos(4 * np.pi * coarse)])
    np.testing.assert_allclose(images, np.repeat(expected[:, :, None], 8, axis=2), atol=1e-5)


def test_magnitudes_have_the_noise_asked_for():
    noise = jax.random.normal(jax.random.key(0), (2, 1, 128, 128))
    seen = np.asarray(with_noise(jnp.full((1, 128, 128), 100.0), noise, jnp.array([2.0])))
    assert abs(seen.std() / 2.0 - 1.0) < 0.03


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "spines"
    return make_cohort("spine_t1rho", out, subjects=2, preset="smoke", seed=5)


def test_is_a_dataset_that_reads_back(cohort, study):
    series = bids.read_series(cohort, "T1rhow", {"sub": "01"})
    np.testing.assert_allclose(series.times, [2.0, 15.0, 30.0, 45.0])
    assert series.images.shape == (96, 96, 1, 4)
    assert series.metadata[0]["MagneticFieldStrength"] == 1.5
    assert series.metadata[0]["SpinLockFrequency"] == 250
    for suffix in ("T1w", "T2w"):
        image = bids.read_anat(cohort, {"sub": "01"}, suffix)
        np.testing.assert_allclose(image.affine, study.plane.grid(96).affine(), atol=1e-4)
    for reader in study.readers:
        for reading in (1, 2, 3):
            drawn = bids.read_labels(cohort, reader, {"sub": "01", "desc": f"reading{reading}"})
            assert set(np.unique(drawn.data)) == {0, 1, 2, 3, 4, 5}
            assert list(bids.find_label_names(drawn.path).values()) == list(LEVELS)
    people = bids.read_participants(cohort)
    assert set(people[0]) == {"participant_id", "age", "sex", "fold"}


def test_tables_have_a_row_for_each_disc(cohort):
    for reader in ("reader1", "reader2"):
        rows = read_table(bids.map_folder(cohort, reader) / "discs.tsv")
        assert [(row["participant_id"], row["level"]) for row in rows] == [
            (f"sub-0{k}", level) for k in (1, 2) for level in LEVELS
        ]
        assert all(row["x1"] < row["x2"] and row["y1"] < row["y2"] for row in rows)
        assert {row["pfirrmann"] for row in rows} <= {1, 2, 3, 4, 5}
    truth = read_table(bids.map_folder(cohort, "truth") / "discs.tsv")
    assert list(truth[0]) == ["participant_id", "level", "degeneration", "grade", "t1rho"]


def test_a_subject_does_not_depend_on_how_many_there_are(cohort, study):
    record = study.record(1, 5, 0)
    image = bids.read_anat(cohort, {"sub": "02"}, "T1w")
    np.testing.assert_allclose(image.data, record.images[0].data, atol=0.1)
