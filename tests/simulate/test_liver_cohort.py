from __future__ import annotations

import numpy as np
import pytest

from jaxqmri.io import bids
from jaxqmri.io.files import read_json
from jaxqmri.simulate.cohorts import STUDIES, make_cohort
from jaxqmri.simulate.liver_t1rho import LiverT1rhoStudy

WHO = {"sub": "01"}


@pytest.fixture(scope="module")
def study() -> LiverT1rhoStudy:
    found = STUDIES["liver_t1rho"].at("smoke")
    assert isinstance(found, LiverT1rhoStudy)
    return found


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "livers"
    return make_cohort("liver_t1rho", out, subjects=2, preset="smoke", seed=5)


def test_is_a_dataset_that_reads_back(cohort, study):
    assert [found["sub"] for found in bids.find_series(cohort, "T1rhow")] == ["01", "02"]
    series = bids.read_series(cohort, "T1rhow", WHO)
    np.testing.assert_allclose(series.times, [0.0, 10.0, 30.0, 50.0])
    assert series.images.shape == (64, 64, 3, 4)
    np.testing.assert_allclose(series.affine, study.slices.affine(), atol=1e-4)
    assert series.metadata[1]["SpinLockFrequency"] == 400
    assert series.metadata[1]["SliceThickness"] == 7
    labels = bids.read_labels(cohort, "manual", WHO)
    assert set(np.unique(labels.data)) == {0, 1, 2}
    assert list(bids.find_label_names(labels.path).values()) == list(study.regions)
    np.testing.assert_allclose(labels.affine, series.affine, atol=1e-4)
    description = read_json(cohort / "dataset_description.json")
    assert "Simulated" in description["Name"]


def test_participants(cohort):
    rows = bids.read_participants(cohort)
    assert set(rows[0]) == {"participant_id", "age", "sex", "stage"}
    assert {row["stage"] for row in rows} <= {"F0", "F1", "F2"}


def test_truth_is_known_in_the_liver(cohort):
    labels = bids.read_labels(cohort, "manual", WHO).data
    truth = bids.map_folder(cohort, "truth")
    for desc in ("effective", "long"):
        found = bids.read_map(bids.find_image(truth, {**WHO, "desc": desc}, "T1rho"))
        assert found.unit == "ms"
        np.testing.assert_array_equal(np.isfinite(found.data), labels > 0)
