"""Competitors on signals whose T1rho is known, and what they may learn from."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.knee_cv import arms, competitors
from experiments.knee_cv.comparisons import CALIBRATED, CONSTANT, LOOKUP
from experiments.knee_cv.paper import INPUTS
from experiments.knee_cv.results import Study
from experiments.knee_cv.subjects import Subject
from experiments.spin_lock import SPIN_LOCK_TIMES
from jaxqmri.training import Split

TIMES = np.array(SPIN_LOCK_TIMES)
GAINS = np.array([0.7, 0.85, 1.0, 1.2, 0.6, 0.9])  # of each subject's PD-weighted scan
MUSCLE = 0.3  # what its own decay adds to the logarithm of the gain
VOXELS = 150
SPLITS = [
    Split(np.array([2, 3]), np.array([4, 5]), np.array([0, 1])),
    Split(np.array([0, 4]), np.array([1, 5]), np.array([2, 3])),
    Split(np.array([0, 1]), np.array([2, 3]), np.array([4, 5])),
]


def decay(t1rho, amplitude):
    return amplitude[:, None] * np.exp(-TIMES / t1rho[:, None])


@pytest.fixture(scope="module")
def study():
    """Six subjects without noise, each with a gain of its own."""
    rng = np.random.default_rng(0)
    subjects = []
    for gain in GAINS:
        t1rho, amplitude = rng.uniform(30, 60, VOXELS), rng.uniform(80, 120, VOXELS)
        signals = decay(t1rho, amplitude).astype(np.float32)
        subjects.append(
            Subject(
                spin_lock=signals,
                pd=(gain * amplitude).astype(np.float32),
                label=np.ones(VOXELS, np.int16),
                truth=t1rho.astype(np.float32),
                position=np.arange(VOXELS),
                shape=np.array([VOXELS, 1, 1]),
                affine=np.eye(4),
                similarity=np.ones(2),
                motion=np.zeros(2),
                muscle=np.full(3, np.log(gain) + MUSCLE),
            )
        )
    entities = [{"sub": f"{k + 1:02d}"} for k in range(len(GAINS))]
    return Study(entities, subjects, [{} for _ in GAINS], simulated=True)


@pytest.fixture
def compete(study):
    """Run the competitors on some targets."""
    return lambda targets, study=study: arms.compete(study, targets, SPLITS)


def test_the_constant_is_the_mean_of_what_is_known():
    assert competitors.constant(np.array([40.0, np.nan, 50.0])) == 45.0


@pytest.mark.parametrize("scale", [1.0, 250.0])
def test_the_lookup_recovers_a_monotone_function(scale):
    rng = np.random.default_rng(1)
    t1rho, amplitude = rng.uniform(30, 60, (2, 20000))
    signals = scale * decay(t1rho, amplitude)[:, [0, 3]]
    lookup = competitors.median_lookup(signals[::2], t1rho[::2])
    error = np.abs(lookup(signals[1::2]) - t1rho[1::2])
    # forty bins of equal counts over 30 ms are 0.75 ms wide: 0.19 ms to the median on average
    assert error.mean() < 0.25
    assert np.percentile(error, 99) < 1.5


def test_the_lookup_has_no_answer_for_signals_that_are_not_above_zero():
    rng = np.random.default_rng(2)
    t1rho, amplitude = rng.uniform(30, 60, (2, 500))
    signals = decay(t1rho, amplitude)[:, [0, 3]]
    lookup = competitors.median_lookup(signals, t1rho)
    odd = np.array([[0.0, 5.0], [40.0, 0.0], [-3.0, 5.0], [40.0, -5.0], [np.nan, 5.0]])
    assert np.isnan(lookup(odd)).all()
    assert np.isfinite(lookup(signals)).all()


def test_the_lookup_learns_nothing_from_voxels_without_signal_or_target():
    rng = np.random.default_rng(3)
    t1rho, amplitude = rng.uniform(30, 60, (2, 500))
    signals = decay(t1rho, amplitude)[:, [0, 3]]
    with_others = competitors.median_lookup(
        np.concatenate([signals, [[0.0, 9.0], [30.0, -1.0], [50.0, 20.0]]]),
        np.concatenate([t1rho, [9.0, 9.0, np.nan]]),
    )
    np.testing.assert_array_equal(
        with_others(signals), competitors.median_lookup(signals, t1rho)(signals)
    )


def test_an_empty_bin_takes_the_median_of_its_ratio():
    """The brighter half has the longer T1rho only, so half of the table stays empty."""
    t1rho = np.concatenate([np.linspace(30, 40, 400), np.linspace(50, 60, 400)])
    amplitude = np.where(t1rho < 45, 50.0, 100.0) * np.tile([0.9, 1.0, 1.1, 1.2], 200)
    signals = decay(t1rho, amplitude)[:, [0, 3]]
    lookup = competitors.median_lookup(signals, t1rho)
    unseen = decay(np.array([35.0, 55.0]), np.array([110.0, 48.0]))[:, [0, 3]]
    np.testing.assert_allclose(lookup(unseen), [35, 55], atol=0.6)


def test_calibration_recovers_each_subjects_gain(study):
    signals, owner = study.images("PD+50").astype(float), study.owner
    muscle = 1.7 * np.log(GAINS) + 0.4  # the gain in muscle need not be that in cartilage
    training = np.isin(owner, [0, 1, 2, 3])
    gain = competitors.calibrate_gain(
        signals[training], study.truth[training].astype(float), owner[training], muscle, 50.0
    )
    np.testing.assert_allclose(gain(muscle), GAINS, rtol=1e-5)


def test_calibration_leaves_out_subjects_without_muscle(study):
    signals, owner = study.images("PD+30").astype(float), study.owner
    muscle = np.where(np.arange(len(GAINS)) == 2, np.nan, np.log(GAINS))
    gain = competitors.calibrate_gain(signals, study.truth.astype(float), owner, muscle, 30.0)
    assert (gain.slope, gain.intercept) == (pytest.approx(1, rel=1e-4), pytest.approx(0, abs=1e-5))


def test_two_points_are_right_once_the_gain_is_known(study, compete):
    """What the darker image took from the fit, calibration gives back to subjects not seen."""
    found = compete(study.truth)
    for name in INPUTS:
        assert ((CALIBRATED, name) in found) == name.startswith("PD")
    for time in (10, 30, 50):
        maps = found[CALIBRATED, f"PD+{time}"]
        np.testing.assert_allclose(maps.t1rho, study.truth, rtol=2e-3)
    wrong = found[LOOKUP, "PD+50"].t1rho - study.truth
    assert np.abs(wrong).mean() > 2  # the gain differs between subjects, and it does not know


def test_no_calibration_unless_every_muscle_is_drawn(study, compete):
    last = study.subjects[-1]._replace(muscle=np.full(3, np.nan))
    found = compete(study.truth, replace(study, subjects=[*study.subjects[:-1], last]))
    assert not any(model == CALIBRATED for model, _ in found)
    assert {(CONSTANT, name) for name in INPUTS} < set(found)


def test_a_subjects_own_reference_is_not_in_its_prediction(study, compete):
    """Another reference for one subject changes what the other folds are given, not its own."""
    own = study.slices[3]
    changed = study.truth.copy()
    changed[own] += 8.0
    before, after = (compete(t) for t in (study.truth, changed))
    test = np.isin(study.owner, SPLITS[1].test)  # subject 3 is tested in the second fold
    for arm, maps in before.items():
        np.testing.assert_array_equal(after[arm].t1rho[test], maps.t1rho[test], err_msg=str(arm))
    for arm in ((CONSTANT, "PD+10"), (CALIBRATED, "PD+10"), (LOOKUP, "0+50")):
        assert not np.array_equal(after[arm].t1rho[~test], before[arm].t1rho[~test]), arm


def test_the_constant_of_a_fold_is_of_its_training_and_validation(study, compete):
    found = compete(study.truth)[CONSTANT, "0+50"].t1rho
    for split in SPLITS:
        seen = np.isin(study.owner, [*split.train, *split.validation])
        for k in split.test:
            np.testing.assert_allclose(
                found[study.slices[k]], study.truth[seen].mean(dtype=float), rtol=1e-6
            )
