from __future__ import annotations

from dataclasses import replace
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxqmri import physics
from jaxqmri.io import bids
from jaxqmri.io.files import read_json, read_table
from jaxqmri.simulate import variants
from jaxqmri.simulate.anatomy.distance import Point
from jaxqmri.simulate.cohorts import STUDIES, make_cohort
from jaxqmri.simulate.geometry import Pose
from jaxqmri.simulate.knee_mese import KneeMeseStudy, MeseScan, scan_knee_mese
from jaxqmri.simulate.mese_images import recorded, within_slices
from jaxqmri.simulate.mese_people import is_high, person
from jaxqmri.simulate.mese_readers import Convention, draw
from jaxqmri.simulate.mese_scanner import B1_MIDDLE, B1_RANGE, NODES, EchoTrain, mixing, train
from jaxqmri.simulate.mese_tissue import angle_of
from jaxqmri.simulate.study import numeric_settings, session_key, subject_key
from jaxqmri.simulate.tissue import FAT, TABLE

SEED = 3
STILL = {"reposition": (0.0, 0.0)}
SILENT = {"snr": 1e6, "snr_sd": 0.0}


@pytest.fixture(scope="module")
def study() -> KneeMeseStudy:
    found = STUDIES["knee_mese"].at("smoke")
    assert isinstance(found, KneeMeseStudy)
    return found


@pytest.fixture(scope="module")
def scan_of(study):
    """Scan of one subject of the small study at a visit, some settings replaced."""

    def scan(k: int, visit: int = 0, **settings) -> MeseScan:
        key, who = subject_key(SEED, k), person(k, SEED)
        changed = study.changed(settings)
        return scan_knee_mese(
            key, who, is_high(who), changed, session_key(key, visit), float(visit)
        )

    return scan


def pure(scan: MeseScan) -> np.ndarray:
    """Voxels of femoral cartilage alone."""
    return np.asarray(scan.femoral) > 0.98


def dice(a, b) -> float:
    a, b = np.asarray(a) > 0, np.asarray(b) > 0
    return 2.0 * (a & b).sum() / (a.sum() + b.sum())


def test_echoes_are_those_of_the_models():
    protocol = EchoTrain()
    t1, t2 = 1000.0, 52.0
    recovered = 1.0 - np.exp(-2630.0 / t1)
    graph = physics.MultiEchoSpinEcho(protocol.times(), 150.0)
    decay = physics.T2Decay(protocol.times())
    echoes = jax.jit(train, static_argnums=0)
    for b1 in (0.85, 1.0, 1.1):
        expected = eqx.filter_jit(graph)(graph.Params(s0=recovered, t2=t2, b1=b1, t1=t1))
        np.testing.assert_allclose(echoes(protocol, 150.0, b1, t1, t2), expected, rtol=1e-5)
        plain = decay(decay.Params(s0=recovered * np.sin(0.5 * np.pi * b1), t2=t2))
        np.testing.assert_allclose(echoes(protocol, 180.0, b1, t1, t2), plain, rtol=1e-5)


@pytest.mark.parametrize("angle", [180.0, 150.0])
def test_polynomials_in_b1_are_the_echoes(angle):
    protocol, tissues = EchoTrain(), [*TABLE.values(), FAT]
    t1, t2 = (jnp.array([getattr(t, name) for t in tissues]) for name in ("t1", "t2"))
    coefficients = jax.jit(mixing, static_argnums=0)(protocol, angle).reshape(NODES, 7, -1)
    echoes = jax.jit(jax.vmap(partial(train, protocol, angle), (None, 0, 0), 1))
    for x in np.linspace(-1.0, 1.0, 9):
        near = np.polynomial.polynomial.polyval(x, coefficients)
        exact = echoes(jnp.asarray(B1_MIDDLE + B1_RANGE * x), t1, t2)
        np.testing.assert_allclose(near, exact, atol=1e-3)


def test_lines_not_measured_are_lost_and_noise_is_the_one_asked_for():
    measured = jax.jit(recorded, static_argnums=3)
    images = np.random.default_rng(0).random((2, 8, 64, 6)).astype(np.float32) + 2.0
    spectrum = np.fft.fft(images, axis=2)
    spectrum[:, :, 23:42] = 0.0
    expected = np.abs(np.fft.ifft(spectrum, axis=2))
    key = jax.random.key(0)
    np.testing.assert_allclose(measured(key, jnp.asarray(images), 0.0, 45), expected, atol=1e-5)
    noisy = np.asarray(measured(key, jnp.asarray(100.0 * images), 2.0, 45))
    assert abs((noisy - 100.0 * expected).std() / 2.0 - 1.0) < 0.05
    neighbours = (noisy - 100.0 * expected)[:, :, :-1], (noisy - 100.0 * expected)[:, :, 1:]
    assert 0.1 < np.corrcoef(*(n.ravel() for n in neighbours))[0, 1] < 0.5


def test_samples_fill_the_slices_and_leave_the_gaps(study):
    grid = replace(study, grid=study.grid._replace(samples=(1, 1, 7))).grid
    right = np.asarray(grid.refined().points())[0, 0]
    found = np.asarray(within_slices(jnp.asarray(right), grid, 3.0))
    centres = np.repeat(np.asarray(grid.points())[0, 0, :, 0], 7)
    np.testing.assert_allclose(np.abs(found[:, 0] - centres).max(), 3.0 * 3.0 / 7.0, rtol=1e-4)
    np.testing.assert_allclose(found[:, 1:], right[:, 1:])


def test_a_reader_stays_within_the_borders_by_the_convention():
    distance = jnp.broadcast_to(jnp.linspace(-1.0, 3.0, 401)[:, None, None], (401, 4, 4))
    at = jnp.zeros((401, 4, 4, 3))
    convention = Convention(0.2, 0.6, 0.0)
    drawn = jax.jit(draw)(distance, distance - 2.0, at, jnp.zeros((2, 4, 4)), convention)
    inside = np.asarray(distance)[np.asarray(drawn) > 0]
    np.testing.assert_allclose([inside.min(), inside.max()], [0.2, 1.4], atol=0.011)


def test_a_pure_voxels_echoes_decay_with_its_true_t2(scan_of, study):
    scan = scan_of(0, **SILENT, point_sd=0.0)
    inside = pure(scan) & (np.asarray(scan.femoral) > 0.999)
    times = np.array(study.protocol.times())
    echoes = np.asarray(scan.echoes)[:, inside]
    slope = np.polyfit(times, np.log(echoes), 1)[0]
    difference = -1.0 / slope / np.asarray(scan.t2)[inside] - 1.0
    assert inside.sum() > 50
    assert abs(np.median(difference)) < 0.02


def test_truth_is_ordered_as_published(scan_of):
    """Of 6 subjects: longer at the surface, longest in front on the medial side."""
    deep, surface, places = [], [], []
    for k in range(6):
        scan = scan_of(k, **STILL, point_sd=0.0, place_sd=0.0)
        who, grid = person(k, SEED), KneeMeseStudy().at("smoke").grid
        at = Pose(jnp.zeros(3), jnp.zeros(3)).to_knee(grid.points(), who.left)
        p = Point(*np.moveaxis(np.asarray(at), -1, 0))
        angle, inside = np.asarray(angle_of(p)), np.asarray(scan.reader1) > 0
        t2 = np.asarray(scan.t2)
        away = np.hypot(p.y + 0.7, p.z - 31.0)
        for low in range(-90, 90, 10):
            here = inside & (angle >= low) & (angle < low + 10) & (np.abs(p.x) > 12.0)
            outer = away > np.median(away[here])
            deep.append(np.nanmean(t2[here & ~outer]))
            surface.append(np.nanmean(t2[here & outer]))
        places.append(
            [
                np.nanmean(t2[inside & (sign * p.x > 8.0) & (angle > a) & (angle < a + 60.0)])
                for sign in (1, -1)
                for a in (-90.0, -30.0, 30.0)
            ]
        )
    assert 1.5 < np.mean(surface) - np.mean(deep) < 8.0
    means = np.mean(places, axis=0)
    assert np.argmax(means) == 3
    assert means[3:].mean() > means[:3].mean()


def test_visits_share_the_knee_and_differ_in_the_rest(scan_of):
    first, second = (scan_of(0, visit, **STILL, **variants.MESE_NULL) for visit in (0, 1))
    np.testing.assert_array_equal(first.femoral, second.femoral)
    np.testing.assert_array_equal(first.t2, second.t2)
    assert not np.any(second.lesion)
    assert float(second.latent["drift"]) == 0.0
    for name in ("echoes", "reader1", "reader2", "b1"):
        assert not np.array_equal(getattr(first, name), getattr(second, name))
    jax.tree.map(np.testing.assert_array_equal, first, scan_of(0, **STILL, **variants.MESE_NULL))
    moved = scan_of(0)
    assert not np.array_equal(moved.femoral, first.femoral)


def test_four_years_change_t2_by_drift_places_and_lesions(scan_of):
    def change(**settings):
        first, second = (scan_of(0, visit, **STILL, **settings) for visit in (0, 1))
        assert not np.any(first.lesion)
        inside = pure(first)
        return second, (np.asarray(second.t2) - np.asarray(first.t2))[inside], inside

    none = {"drift_sd": 0.0, "change_sd": 0.0, "lesion_share": 0.0}
    second, by_drift, _ = change(**none)
    assert abs(float(second.latent["drift"]) + 3.0) < 1e-3
    assert -4.5 < by_drift.mean() < -1.5
    second, by_lesions, inside = change(**none | {"drift": 0.0, "lesion_share": 1.0})
    assert 1 <= float(second.latent["lesions"]) <= 3
    lesion = np.asarray(second.lesion)[inside] > 0
    assert by_lesions.min() > -1e-2
    assert by_lesions.max() < 15.1
    if lesion.any():
        assert by_lesions[lesion].mean() > 3.0 > by_lesions[~lesion].mean()
    _, by_places, _ = change(**none | {"drift": 0.0, "change_sd": 2.5})
    assert 0.3 < by_places.std() < 5.0


def test_imperfect_refocusing_lowers_odd_echoes_against_even_ones(scan_of):
    """Stimulated echoes reach all but the first, and the second most."""
    plain, graph = (
        np.asarray(scan_of(1, **SILENT, **settings).echoes)
        for settings in ({}, variants.MESE_PHASE_GRAPH)
    )
    inside = pure(scan_of(1, **SILENT))
    ratio = (graph / plain)[:, inside].mean(axis=1)
    assert ratio[0] < 0.97
    assert ratio[1] > ratio[0] + 0.03
    assert ratio[1] > ratio[2] < ratio[3]


def test_two_readers_agree_as_published(scan_of):
    scans = [scan_of(k, visit) for k in range(4) for visit in (0, 1)]
    found = [dice(scan.reader1, scan.reader2) for scan in scans]
    assert abs(np.mean(found) - 0.741) < 0.04
    for scan in scans:
        true = np.asarray(scan.femoral) > 0.5
        assert dice(scan.reader1, true) > dice(scan.reader2, true) + 0.1
        assert np.sum(scan.reader2) < np.sum(scan.reader1)


def test_b1_and_snr_are_in_their_ranges(scan_of):
    for k in range(3):
        noisy, silent = scan_of(k), scan_of(k, **SILENT)
        assert 0.85 <= float(noisy.b1.min()) < float(noisy.b1.max()) <= 1.10
        sigma, quiet = float(noisy.latent["sigma"]), np.asarray(silent.echoes)
        bright = quiet > 8 * sigma
        noise = (np.asarray(noisy.echoes) - quiet)[bright]
        assert abs(noise.std() / sigma - 1.0) < 0.05
        assert 18.0 <= float(noisy.latent["snr"]) <= 98.0


def test_variants_are_settings_and_compile_nothing(study, scan_of):
    scan_of(0)
    before = scan_knee_mese._cache_size()
    for variant in (variants.MESE_NO_DRIFT, variants.MESE_NULL, variants.MESE_PHASE_GRAPH):
        assert set(variant) <= set(numeric_settings(study))
        scan_of(0, **variant)
    assert scan_knee_mese._cache_size() == before


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "knees"
    return make_cohort("knee_mese", out, subjects=2, preset="smoke", seed=5)


def test_is_a_dataset_of_two_visits_that_reads_back(cohort, study):
    found = bids.find_series(cohort, "MESE")
    assert found == [{"sub": f"0{k}", "ses": f"0{visit}"} for k in (1, 2) for visit in (1, 2)]
    series = bids.read_series(cohort, "MESE", found[1])
    np.testing.assert_allclose(series.times, np.arange(10.0, 71.0, 10.0))
    assert series.repetition_time == 2700.0
    assert series.images.shape == (*study.grid.shape, 7)
    np.testing.assert_allclose(series.affine, study.grid.affine(), atol=1e-4)
    fields = series.metadata[0]
    assert (fields["SliceThickness"], fields["SpacingBetweenSlices"]) == (3.0, 3.5)
    assert "Simulated" in read_json(cohort / "dataset_description.json")["Name"]


def test_readers_truth_and_people_are_written(cohort):
    assert not (cohort / "derivatives" / "manual").exists()
    for who in bids.find_series(cohort, "MESE"):
        drawn = [bids.read_labels(cohort, reader, who) for reader in ("reader1", "reader2")]
        assert all(set(np.unique(one.data)) == {0, 1} for one in drawn)
        assert list(bids.find_label_names(drawn[0].path).values()) == ["femoral cartilage"]
        truth = bids.map_folder(cohort, "truth")
        t2 = bids.read_map(bids.find_image(truth, who, "T2map"))
        assert t2.unit == "ms"
        assert 40.0 < np.nanmean(t2.data[drawn[0].data > 0]) < 65.0
        share = bids.read_map(bids.find_image(truth, {**who, "desc": "femoral"}, "probseg"))
        assert 0.0 <= share.data.min() <= share.data.max() <= 1.0 + 1e-5
        lesion = bids.read_map(bids.find_image(truth, {**who, "desc": "lesion"}, "mask"))
        assert who["ses"] == "02" or not np.any(lesion.data)
    people = bids.read_participants(cohort)
    assert [row["participant_id"] for row in people] == ["sub-01", "sub-02"]
    assert {"age", "sex", "bmi", "kl_grade", "group", "side", "fold"} <= set(people[0])
    latents = read_table(truth / "subjects.tsv")
    assert [(row["participant_id"], row["session_id"]) for row in latents] == [
        (f"sub-0{k}", f"ses-0{visit}") for k in (1, 2) for visit in (1, 2)
    ]
    assert {"drift", "lesions", "snr"} <= set(latents[0])


def test_a_subject_does_not_depend_on_how_many_there_are(cohort, study):
    record = study.visit(1, 5, 0, 1)
    series = bids.read_series(cohort, "MESE", {"sub": "02", "ses": "02"})
    np.testing.assert_allclose(series.images, record.series[0].images, atol=0.1)
    drawn = bids.read_labels(cohort, "reader2", {"sub": "02", "ses": "02"})
    expected = next(one for one in record.maps if one.pipeline == "reader2")
    np.testing.assert_array_equal(drawn.data, expected.data)
