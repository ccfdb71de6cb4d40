from __future__ import annotations

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from jaxqmri.io import InputError, bids
from jaxqmri.io.files import read_json, read_table
from jaxqmri.simulate.anatomy.knee import REGIONS
from jaxqmri.simulate.cohorts import STUDIES, make_cohort
from jaxqmri.simulate.tissue import TABLE


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".jaxqmri" not in path.parts
    }


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    seen = []
    out = tmp_path_factory.mktemp("made") / "cohort"
    make_cohort(
        "knee_t1rho", out, subjects=2, preset="smoke", seed=5,
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert seen == [(1, 2), (2, 2)]
    return out


def test_is_a_dataset_that_reads_back(cohort, study):
    assert [found["sub"] for found in bids.find_series(cohort, "T1rhow")] == ["01", "02"]
    series = bids.read_series(cohort, "T1rhow", {"sub": "01"})
    np.testing.assert_allclose(series.times, [0.0, 10.0, 30.0, 50.0])
    assert series.images.shape == (*study.t1rho_grid.shape, 4)
    np.testing.assert_allclose(series.affine, study.t1rho_grid.affine(), atol=1e-4)
    assert series.metadata[1]["SpinLockFrequency"] == 300
    pd = bids.read_anat(cohort, {"sub": "01"}, "PDw")
    assert pd.data.shape == study.pd_grid.shape
    labels = bids.read_labels(cohort, "manual", {"sub": "01"})
    assert set(np.unique(labels.data)) == {0, 1, 2, 3, 4}
    names = bids.find_label_names(labels.path)
    assert list(names.values()) == [f"{name} cartilage" for name in REGIONS]


def test_truth_is_in_milliseconds_once_read(cohort):
    (path,) = (cohort / "derivatives" / "truth" / "sub-01").rglob("*_T1rho.nii.gz")
    truth = bids.read_map(path)
    assert truth.unit == "ms"
    assert 25 < np.nanmean(truth.data) < 65


def test_muscle_is_drawn_well_inside_muscle(cohort):
    series = bids.read_series(cohort, "T1rhow", {"sub": "01"})
    manual = bids.map_folder(cohort, "manual")
    muscle = bids.read_map(bids.find_image(manual, {"sub": "01", "desc": "muscle"}, "mask"))
    np.testing.assert_allclose(muscle.affine, series.affine, atol=1e-4)
    assert set(np.unique(muscle.data)) == {0, 1}
    assert np.all(bids.read_labels(cohort, "manual", {"sub": "01"}).data[muscle.data > 0] == 0)
    mean = series.images[muscle.data > 0].mean(axis=0)
    decay = -np.polyfit(series.times, np.log(mean), 1)[0]
    assert abs(1 / decay - TABLE["muscle"].t1rho) < 2.0


def test_participants(cohort):
    rows = bids.read_participants(cohort)
    assert [row["participant_id"] for row in rows] == ["sub-01", "sub-02"]
    assert {"age", "sex", "bmi", "kl_grade", "group"} <= set(rows[0])


def test_images_are_scaled_integers_as_a_scanner_writes_them(cohort):
    image = nib.load(cohort / "sub-01" / "anat" / "sub-01_tsl-1_T1rhow.nii.gz")
    assert image.get_data_dtype() == np.int16
    assert 0 < image.dataobj.slope < 0.05  # far below the noise, whose SD is about 25


def test_subjects_do_not_depend_on_how_many_there_are(cohort, tmp_path):
    make_cohort("knee_t1rho", tmp_path / "one", subjects=1, preset="smoke", seed=5)
    one, two = contents(tmp_path / "one"), contents(cohort)
    images = [name for name in one if "sub-01" in name]
    assert len(images) > 10
    for name in images:
        assert one[name] == two[name], name


def test_another_seed_is_another_cohort(cohort, tmp_path):
    make_cohort("knee_t1rho", tmp_path / "other", subjects=1, preset="smoke", seed=6)
    name = "sub-01/anat/sub-01_PDw.nii.gz"
    assert contents(tmp_path / "other")[name] != contents(cohort)[name]


def test_appears_whole_or_not_at_all(tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_cohort("knee_t1rho", tmp_path / "out", subjects=2, preset="smoke", progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_made_once(cohort):
    before = contents(cohort)
    make_cohort(
        "knee_t1rho", cohort, subjects=2, preset="smoke", seed=5,
        progress=lambda *_: pytest.fail("simulated again"),
    )  # fmt: skip
    assert contents(cohort) == before


def test_refuses_a_folder_made_with_other_settings(cohort):
    other = replace(STUDIES["knee_t1rho"], pd_gain_sd=0.0)
    with pytest.raises(InputError, match="other settings"):
        make_cohort(other, cohort, subjects=2, preset="smoke", seed=5)


def test_scanned_again_it_is_the_same_subjects_in_other_images(cohort, tmp_path):
    again = make_cohort("knee_t1rho", tmp_path / "b", subjects=2, preset="smoke", seed=5, repeat=1)
    assert bids.read_participants(again) == bids.read_participants(cohort)
    levels = [
        [row["t1rho_level"] for row in read_table(root / "derivatives/truth/subjects.tsv")]
        for root in (cohort, again)
    ]
    assert levels[0] == levels[1]
    same, other = contents(cohort), contents(again)
    images = [name for name in same if name.endswith(("T1rhow.nii.gz", "PDw.nii.gz"))]
    assert len(images) == 10
    assert all(same[name] != other[name] for name in images)
    with pytest.raises(InputError, match="repeat"):
        make_cohort("knee_t1rho", again, subjects=2, preset="smoke", seed=5, repeat=2)


def test_settings_by_name_are_obeyed_and_recorded(tmp_path):
    given = {"pd_gain_sd": 0.0, "motion": (0.1, 0.2)}
    out = make_cohort("knee_t1rho", tmp_path / "a", subjects=1, preset="smoke", settings=given)
    recorded = read_json(out / "dataset_description.json")["Simulation"]
    assert recorded["Preset"] == "smoke"
    assert recorded["Repeat"] == recorded["Seed"] == 0
    assert recorded["Settings"]["pd_gain_sd"] == 0.0
    assert recorded["Settings"]["motion"] == [0.1, 0.2]
    assert recorded["Settings"]["snr"] == 20.0
    (row,) = read_table(out / "derivatives/truth/subjects.tsv")
    assert row["pd_gain"] == 0.65


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"study": "ankle"}, "unknown study"),
        ({"preset": "tiny"}, "unknown preset"),
        ({"subjects": 0}, "at least one"),
        ({"repeat": -1}, "repeat -1"),
        ({"settings": {"pd_gain_ds": 0.1}}, "pd_gain_ds.*pd_gain_sd"),
    ],
)
def test_says_what_it_does_not_know(tmp_path, arguments, words):
    given = {"study": "knee_t1rho", "preset": "smoke", "subjects": 1} | arguments
    with pytest.raises(ValueError, match=words):
        make_cohort(given.pop("study"), tmp_path / "out", **given)
    assert list(tmp_path.iterdir()) == []
