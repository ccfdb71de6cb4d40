"""The liver experiment's ablations change what they say, and are joined."""

import json
from dataclasses import replace
from typing import get_args

import pytest

from experiments.liver_uncertainty.methods import CALIBRATED, ENSEMBLE, SCALED
from experiments.liver_uncertainty.paper import COARSE, INPUT, LBR, LBRU, LBUDR
from experiments.liver_uncertainty.plan import JOINING, NAME, PLAN
from experiments.liver_uncertainty.predictions import PREDICTIONS
from experiments.liver_uncertainty.results import RMRE, ROI
from experiments.liver_uncertainty.settings import (
    ABLATIONS,
    CALIBRATIONS,
    GROUPS,
    PRESETS,
    Ablation,
    Group,
)
from experiments.run import Command, Result, identity, write_metrics
from experiments.several import page
from experiments.several.collect import collect
from experiments.trainings import SETTLED
from jaxqmri.io.files import write_json
from jaxqmri.simulate.cohorts import STUDIES
from jaxqmri.simulate.variants import LIVER_CALIBRATED


def asking(out, *ablations):
    return Command(replace(PRESETS["quick"], ablation=ablations), "quick", None, out / "mine")


def test_every_ablation_has_a_name_a_folder_and_a_cohort(tmp_path):
    assert set(get_args(Ablation)) == set(ABLATIONS)
    assert set(get_args(Group)) == set(GROUPS)
    made = JOINING.plan.asked(asking(tmp_path, "all"))
    assert [one.name for one in made] == ["headline", *ABLATIONS]
    for one in made:
        STUDIES["liver_t1rho"].changed(one.cohort.settings)  # refuses what is no setting
    assert len({one.folder for one in made}) == len(made)
    assert len({(one.data, repr(one.command.settings)) for one in made}) == len(made)


def test_the_nearest_calibration_is_the_study_itself():
    study = STUDIES["liver_t1rho"]
    nearest = next(iter(LIVER_CALIBRATED.values()))
    assert study.changed(nearest) == study
    assert len(CALIBRATIONS) == len(LIVER_CALIBRATED) - 1


def test_what_is_expected_is_of_ablations_that_there_are():
    for prediction in PREDICTIONS:
        assert set(prediction.fates) <= set(ABLATIONS)


def test_what_changes_the_training_alone_leaves_the_data_calibrated(tmp_path):
    for name, calibrated in {
        "no-cut-off": True,
        "noise-alone": False,
        "snr50-short0.2": True,
    }.items():
        assert PLAN.is_calibrated(asking(tmp_path, name).settings) == calibrated
    assert PLAN.is_calibrated(asking(tmp_path).settings)


def rows_of(shift, settled=100.0):
    difference = f"{LBR} minus {CALIBRATED}"
    return [
        Result(LBR, RMRE, "%", INPUT, ROI, ours=2.0 + shift, paper=2.71),
        Result(CALIBRATED, RMRE, "%", INPUT, ROI, ours=2.1 + shift),
        Result(difference, RMRE, "%", INPUT, ROI, ours=-0.1 + shift, low=-0.2 + shift, high=shift),
        Result(LBRU, SETTLED, "%", INPUT, ours=settled),
        Result(COARSE, "another metric", "%", INPUT, ROI, ours=99.0),
    ]


@pytest.fixture
def kept(tmp_path):
    """The experiment and all calibrations but one."""
    command = asking(tmp_path, "calibrated")
    *there, _ = JOINING.plan.asked(command)
    for number, one in enumerate(there):
        write_json(one.folder / "config.json", identity(NAME, one.command, one.data))
        write_metrics(one.folder, NAME, "quick", 60.0, rows_of(0.25 * number, 100.0 - number))
    return command


def test_calibrations_are_a_range(kept):
    page.write(JOINING, kept)
    folder = JOINING.plan.summary_folder(kept)
    rows = {
        (r["model"], r["metric"]): r["ours"]
        for r in json.loads((folder / "metrics.json").read_text())["results"]
    }
    assert rows[LBR, RMRE] == 2.0
    assert rows[LBR, f"{RMRE}, lowest of the calibrations"] == 2.0
    assert rows[LBR, f"{RMRE}, highest of the calibrations"] == 2.75
    assert not any("another" in metric for _, metric in rows)
    text = (folder / "tables.md").read_text("utf-8")
    assert "2.00 (2.00 to 2.75) [2.71]" in text
    assert f"{[*CALIBRATIONS][-1]} (not run)" in text
    assert "Training seeds" not in text


def test_what_rests_on_a_network_short_of_its_plateau_is_short_too(kept):
    runs = collect(JOINING, kept).runs
    assert not runs["headline"].judging.short
    other = runs[next(iter(CALIBRATIONS))].judging.short
    assert {model for model, _ in other} == {LBRU, LBUDR, ENSEMBLE, SCALED}
