"""The simulate command: a dataset that the other commands read."""

import json

import nibabel as nib
import numpy as np
import pytest

import jaxqmri
from jaxqmri import physics
from jaxqmri.cli.main import main
from jaxqmri.cli.simulate import Preset, StudyName
from jaxqmri.io import bids
from jaxqmri.io.files import read_table
from jaxqmri.simulate.cohorts import PRESETS, STUDIES


def test_simulated_cohort_can_be_fitted(tmp_path, capfd):
    root = tmp_path / "knees"
    words = ["simulate", "knee_t1rho", "--out", str(root), "--subjects", "1", "--preset", "smoke"]
    assert main(words) == 0
    assert "simulated" in capfd.readouterr().out
    assert main(["fit", "t1rho", str(root), "--mask", "manual", "--no-quality"]) == 0
    series = bids.read_series(root, "T1rhow", {"sub": "01"})
    labels = bids.read_labels(root, "manual", {"sub": "01"}).data
    assert set(np.unique(labels)) == {0, 1, 2, 3, 4}
    result = jaxqmri.fit(physics.T1rhoDecay(series.times), series.images, mask=labels)
    path = root / "derivatives" / "jaxqmri" / "sub-01" / "anat" / "sub-01_T1rho.nii.gz"
    written = np.asarray(nib.load(path).dataobj)
    np.testing.assert_allclose(written, result.params.t1rho / 1e3, rtol=1e-5)
    assert np.isfinite(written[labels > 0]).mean() > 0.95
    assert main([*words, "--seed", "1"]) == 2
    assert "seed" in capfd.readouterr().err
    assert main([*words, "--repeat", "1"]) == 2
    assert "repeat" in capfd.readouterr().err


def test_settings_and_repeat_are_obeyed_and_recorded(tmp_path, capfd):
    words = ["simulate", "knee_t1rho", "--subjects", "1", "--preset", "smoke"]
    root = tmp_path / "knees"
    more = ["--repeat", "2", "--set", "pd_gain_sd=0", "motion=0.2,0.1"]
    assert main([*words, "--out", str(root), *more]) == 0
    recorded = json.loads((root / "dataset_description.json").read_text())["Simulation"]
    assert recorded["Repeat"] == 2
    assert recorded["Settings"]["pd_gain_sd"] == 0
    assert recorded["Settings"]["motion"] == [0.2, 0.1]
    (row,) = read_table(root / "derivatives" / "truth" / "subjects.tsv")
    assert row["pd_gain"] == 0.65


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--set", "pd_gain_ds=0.3"], "pd_gain_sd"),  # all names there are
        (["--set", "pd_gain_sd"], "NAME=NUMBER"),
        (["--set", "pd_gain_sd=wide"], "NAME=NUMBER"),
        (["--set", "pd_gain_sd=0.1,0.2"], "one number"),
        (["--set", "motion=0.1"], "two numbers"),
        (["--set", "snr=-3"], "zero or above"),
        (["--set", "snr=0"], "above zero"),
        (["--set", "snr=nan"], "zero or above"),
        (["--set", "snr=3", "snr=4"], "twice"),
        (["--set", "subjects=3"], "no setting"),
        (["--repeat", "-1"], "zero or above"),
    ],
)
def test_refuses_what_is_no_setting(tmp_path, capfd, words, told):
    out = ["--out", str(tmp_path / "out")]
    assert main(["simulate", "knee_t1rho", *out, "--subjects", "1", *words]) == 2
    message = capfd.readouterr().err
    assert told in message
    assert message.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_every_study_and_preset_is_offered():
    assert set(StudyName.__args__) == set(STUDIES)
    assert set(Preset.__args__) == set(PRESETS)
