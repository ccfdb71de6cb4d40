"""Which simulated cohort: each has a folder of its own, made with what its description says."""

from __future__ import annotations

import pytest

from experiments.cohorts import Cohort, is_simulated
from jaxqmri.io.files import read_json

KNEE = ("knee_t1rho", "smoke", 1)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXQMRI_CACHE", str(tmp_path))


def test_every_cohort_has_its_own_folder():
    cohorts = [
        Cohort(*KNEE, 3),
        Cohort(*KNEE, 4),
        Cohort("knee_t1rho", "smoke", 2, 3),
        Cohort("knee_t1rho", "quick", 1, 3),
        Cohort("liver_t1rho", "smoke", 1, 3),
        Cohort(*KNEE, 3, repeat=1),
        Cohort(*KNEE, 3, {"pd_gain_sd": 0.3}),
        Cohort(*KNEE, 3, {"pd_gain_sd": 0.3}, repeat=1),
        Cohort(*KNEE, 3, {"motion": (0.1, 0.2)}),
        Cohort(*KNEE, 3, {"pd_gain_sd": 0.3, "pd_profile_sd": 0.0}),
    ]
    assert len({cohort.folder for cohort in cohorts}) == len(cohorts)
    turned = Cohort(*KNEE, 3, {"pd_profile_sd": 0.0, "pd_gain_sd": 0.3})
    assert turned.folder == cohorts[-1].folder


def test_a_cohort_is_made_with_its_settings():
    folder = Cohort(*KNEE, 3, {"pd_gain_sd": 0.3}, repeat=1).make("knee")
    made = read_json(folder / "dataset_description.json")["Simulation"]
    assert (made["Repeat"], made["Seed"], made["Settings"]["pd_gain_sd"]) == (1, 3, 0.3)
    assert is_simulated(folder)
