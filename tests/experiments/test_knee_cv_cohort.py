"""Which simulated cohort: each has a folder of its own, made with what its description says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from experiments.knee_cv.cohort import simulate, simulated_folder
from experiments.knee_cv.settings import PRESETS, Cohort
from jaxqmri.io.files import read_json


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXQMRI_CACHE", str(tmp_path))
    return replace(PRESETS["smoke"], simulated_subjects=1)


def test_every_cohort_has_its_own_folder(settings):
    cohorts = [
        Cohort(3),
        Cohort(4),
        Cohort(3, repeat=1),
        Cohort(3, {"pd_gain_sd": 0.3}),
        Cohort(3, {"pd_gain_sd": 0.3}, repeat=1),
        Cohort(3, {"pd_gain_sd": 0.3, "pd_profile_sd": 0.0}),
        Cohort(3, {"motion": (0.1, 0.2)}),
    ]
    folders = [simulated_folder(settings, cohort) for cohort in cohorts]
    assert len(set(folders)) == len(folders)
    turned = Cohort(3, {"pd_profile_sd": 0.0, "pd_gain_sd": 0.3})
    assert simulated_folder(settings, turned) == folders[5]


def test_a_cohort_is_made_with_its_settings(settings):
    cohort = Cohort(3, {"pd_gain_sd": 0.3}, repeat=1)
    folder = simulated_folder(settings, cohort)
    simulate(settings, folder, cohort)
    made = read_json(folder / "dataset_description.json")["Simulation"]
    assert (made["Repeat"], made["Seed"], made["Settings"]["pd_gain_sd"]) == (1, 3, 0.3)
