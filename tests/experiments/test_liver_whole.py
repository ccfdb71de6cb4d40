"""Doubt over the whole liver: which pixels count, and whose predictions they are held against."""

import numpy as np
import pytest

from experiments.liver_uncertainty.methods import SCALED, SELF_SUPERVISED
from experiments.liver_uncertainty.networks import OneTraining
from experiments.liver_uncertainty.paper import COARSE, LBRU
from experiments.liver_uncertainty.patients import DRAWN, REST, Patient, Study
from experiments.liver_uncertainty.whole_liver import ERROR, judge_whole_liver, named
from experiments.spin_lock import SPIN_LOCK_TIMES
from jaxqmri.training import Split

CUT_OFF = (25.0, 65.0)
PATIENTS, SHAPE = 6, (2, 12, 12)
SPLITS = [
    Split(np.array([2, 3, 4]), np.array([5]), np.array([0, 1])),
    Split(np.array([0, 1, 4]), np.array([5]), np.array([2, 3])),
]
FOLDS = np.array([0, 0, 1, 1, 1, 1])


def study_of(rest=REST):
    """Patients without noise, whose T1rho reaches beyond the cut-off."""
    rng = np.random.default_rng(0)
    patients, maps = [], []
    for k in range(PATIENTS):
        t1rho = rng.uniform(20, 70, SHAPE)
        images = 500 * np.exp(-np.array(SPIN_LOCK_TIMES) / t1rho[..., None])
        label = np.zeros(SHAPE, int)
        label[:, 2:10, 2:10], label[:, 4:8, 4:8] = rest, DRAWN
        patients.append(
            Patient({"sub": f"{k}"}, images, label, np.full(SHAPE, np.nan), np.eye(4), 2)
        )
        maps.append(t1rho)
    return Study(patients, [{}] * PATIENTS, simulated=False), np.stack(maps)


class Constant:
    """Predicts 40 + seed ms everywhere, and asks for slices of test patients alone."""

    def __init__(self, study):
        self.study, self.asked = study, []

    def apply(self, one, slices):
        assert set(self.study.owner[slices]) == set(SPLITS[one.fold].test)
        self.asked.append(one)
        found = np.empty((slices.size, *SHAPE[1:], 2), np.float32)
        found[..., 0], found[..., 1] = 40.0 + one.seed, np.log(2.0)
        return found


@pytest.fixture(scope="module")
def judged():
    study, maps = study_of()
    learner = Constant(study)
    trained = [OneTraining(LBRU, fold, seed) for fold in (0, 1) for seed in (3, 4)]
    trained += [OneTraining("LBR", 0, 3)]
    factors = {one: 0.5 for one in trained if one.method == LBRU}
    found = judge_whole_liver(
        study, np.full(PATIENTS, 2.0), CUT_OFF, SPLITS, FOLDS, learner, trained, factors, 0
    )
    return (*found, study, maps, learner)


def test_errors_are_of_all_the_liver_that_is_not_cut_off(judged):
    _, rows, study, maps, _ = judged
    (error,) = [r for r in rows if (r.model, r.metric) == (LBRU, named(ERROR))]
    by_patient = []
    for k in range(4):  # those that a fold tested
        t1rho = maps[k][study.patients[k].label > 0]
        inside = t1rho[(t1rho > CUT_OFF[0]) & (t1rho < CUT_OFF[1])]
        by_patient.append(np.mean(np.abs(inside - 43.0)))
    assert error.ours == pytest.approx(np.mean(by_patient), rel=1e-4)
    assert error.region == "whole liver"
    assert error.paper is None


def test_only_the_first_seed_of_what_doubts_is_asked(judged):
    doubts, _, _, _, learner = judged
    assert set(doubts) == {COARSE, LBRU, SCALED}
    assert learner.asked == [OneTraining(LBRU, 0, 3), OneTraining(LBRU, 1, 3)]
    assert SELF_SUPERVISED not in doubts


def test_two_points_without_noise_are_right(judged):
    _, rows, *_ = judged
    (error,) = [r for r in rows if (r.model, r.metric) == (COARSE, named(ERROR))]
    assert error.ours < 0.01


def test_where_only_a_region_is_drawn_there_is_nothing_to_add():
    study, _ = study_of(rest=0)
    nothing = judge_whole_liver(study, np.ones(PATIENTS), CUT_OFF, SPLITS, FOLDS, None, [], {}, 0)
    assert nothing == ({}, [])
