"""The simulate command: a dataset that the fit command reads."""

import nibabel as nib
import numpy as np

from jaxqmri.cli.main import main
from jaxqmri.cli.simulate import Preset, StudyName
from jaxqmri.simulate.cohorts import PRESETS, STUDIES


def test_simulated_cohort_can_be_fitted(tmp_path, capfd):
    root = tmp_path / "knees"
    words = ["simulate", "knee_t1rho", "--out", str(root), "--subjects", "1", "--preset", "smoke"]
    assert main(words) == 0
    assert "simulated" in capfd.readouterr().out
    assert main(["fit", "t1rho", str(root), "--mask", "manual", "--no-quality"]) == 0
    (fitted,) = (root / "derivatives" / "jaxqmri").rglob("*_T1rho.nii.gz")
    (true,) = (root / "derivatives" / "truth").rglob("*_T1rho.nii.gz")
    estimates, truth = (np.asarray(nib.load(path).dataobj) for path in (fitted, true))
    inside = np.isfinite(estimates) & (truth > 0)
    assert inside.sum() > 100
    # single voxels at SNR 20 scatter, the middle of a knee's cartilage does not
    assert abs(np.median(estimates[inside]) / np.median(truth[inside]) - 1) < 0.1
    assert main([*words, "--seed", "1"]) == 2
    assert "seed" in capfd.readouterr().err


def test_every_study_and_preset_is_offered():
    assert set(StudyName.__args__) == set(STUDIES)
    assert set(Preset.__args__) == set(PRESETS)
