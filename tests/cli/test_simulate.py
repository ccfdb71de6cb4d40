"""The simulate command: a dataset that the other commands read."""

import nibabel as nib
import numpy as np

import jaxqmri
from jaxqmri import physics
from jaxqmri.cli.main import main
from jaxqmri.cli.simulate import Preset, StudyName
from jaxqmri.io import bids
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


def test_every_study_and_preset_is_offered():
    assert set(StudyName.__args__) == set(STUDIES)
    assert set(Preset.__args__) == set(PRESETS)
