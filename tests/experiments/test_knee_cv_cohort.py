"""Which simulated cohort: each has a folder of its own, made with what its description says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from experiments.command import Command
from experiments.knee_cv.cohort import simulate, simulated_folder
from experiments.knee_cv.settings import PRESETS, Cohort
from jaxqmri.io.files import read_json


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXQMRI_CACHE", str(tmp_path))
    settings = replace(PRESETS["smoke"], simulated_subjects=1)
    return Command(settings, "smoke", None, None, 3)


def test_every_cohort_has_its_own_folder(command):
    cohorts = [
        Cohort(),
        Cohort(repeat=1),
        Cohort({"pd_gain_sd": 0.3}),
        Cohort({"pd_gain_sd": 0.3}, repeat=1),
        Cohort({"pd_gain_sd": 0.3, "pd_profile_sd": 0.0}),
        Cohort({"motion": (0.1, 0.2)}),
    ]
    folders = [simulated_folder(command, cohort) for cohort in cohorts]
    assert len(set(folders)) == len(folders)
    assert folders[0] == simulated_folder(command)
    turned = Cohort({"pd_profile_sd": 0.0, "pd_gain_sd": 0.3})
    assert simulated_folder(command, turned) == folders[4]


def test_a_cohort_is_made_with_its_settings(command):
    cohort = Cohort({"pd_gain_sd": 0.3}, repeat=1)
    folder = simulated_folder(command, cohort)
    simulate(command, folder, cohort)
    made = read_json(folder / "dataset_description.json")["Simulation"]
    assert (made["Repeat"], made["Seed"], made["Settings"]["pd_gain_sd"]) == (1, 3, 0.3)
