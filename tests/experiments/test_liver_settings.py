"""The liver experiment's ablations change what they say."""

from typing import get_args

from experiments.liver_uncertainty.experiment import asked
from experiments.liver_uncertainty.settings import ABLATIONS, PRESETS, Ablation
from experiments.run import Command
from jaxqmri.simulate.cohorts import STUDIES
from jaxqmri.simulate.variants import LIVER_CALIBRATED


def test_every_ablation_has_a_name_a_folder_and_a_cohort():
    assert set(get_args(Ablation)) == set(ABLATIONS)
    made = []
    for name in (None, *ABLATIONS):
        settings = PRESETS["smoke"].__class__(ablation=name)
        command, cohort = asked(Command(settings=settings))
        STUDIES["liver_t1rho"].changed(cohort.settings)  # refuses what is no setting
        made.append((str(command.out), cohort.folder.name, command.settings))
    assert len({out for out, _, _ in made}) == len(made)
    assert len({(folder, repr(settings)) for _, folder, settings in made}) == len(made)


def test_the_nearest_calibration_is_the_study_itself():
    study = STUDIES["liver_t1rho"]
    nearest = next(iter(LIVER_CALIBRATED.values()))
    assert study.changed(nearest) == study
