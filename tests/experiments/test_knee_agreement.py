"""Differences between groups of subjects, by the reference and by a method."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.knee_cv.agreement import DIFFERENCE, RETAINED, agreement_rows
from experiments.knee_cv.results import ALL_TIMES, REFERENCE, Maps

GROUPS = ("patient", "patient", "patient", "volunteer", "volunteer", "volunteer")
MEANS = np.array([50.0, 52.0, 54.0, 40.0, 42.0, 44.0])
VOXELS = 5


def rows_of(people, means):
    ends = np.arange(len(people) + 1) * VOXELS
    slices = [slice(a, b) for a, b in pairwise(ends)]
    study = SimpleNamespace(participants=people, slices=slices)
    reference = Maps(np.repeat(means, VOXELS), np.ones(means.size * VOXELS, np.uint8))
    halved = reference._replace(t1rho=45.0 + 0.5 * (reference.t1rho - 45.0))
    rows = agreement_rows(study, reference, {("MLP", "PD+50"): halved}, seed=0)
    return {(row.model, row.input, row.metric): row for row in rows}


def test_the_reference_has_its_own_difference_between_the_groups():
    rows = rows_of([{"group": group} for group in GROUPS], MEANS)
    own = rows[REFERENCE, ALL_TIMES, DIFFERENCE]
    assert own.ours == pytest.approx(10.0)
    assert own.low < 10.0 < own.high
    assert own.n == 6
    assert rows["MLP", "PD+50", DIFFERENCE].ours == pytest.approx(5.0)
    assert rows["MLP", "PD+50", RETAINED].ours == pytest.approx(0.5)


def test_who_is_in_no_group_counts_in_none():
    people = [{"group": group} for group in GROUPS]
    strangers = [{"group": "n/a"}, {"group": None}, {}]
    rows = rows_of(people + strangers, np.append(MEANS, [90.0, 95.0, 100.0]))
    assert rows[REFERENCE, ALL_TIMES, DIFFERENCE].ours == pytest.approx(10.0)
    assert rows["MLP", "PD+50", DIFFERENCE].n == 6
    patients_alone = rows_of([{"group": "patient"}] * 3 + strangers, MEANS)
    assert not [key for key in patients_alone if key[2] in (DIFFERENCE, RETAINED)]
