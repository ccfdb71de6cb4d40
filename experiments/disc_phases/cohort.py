"""Which patients there are: simulated or given, all read."""

from __future__ import annotations

from pathlib import Path

from experiments.cohorts import TRUE_MAPS, Cohort, is_simulated
from experiments.disc_phases.patients import READERS, Task, prepare
from experiments.disc_phases.settings import Settings
from experiments.disc_phases.study import Study
from experiments.fingerprint import dataset_fingerprint
from experiments.preparing import prepare_all
from experiments.run import Run
from experiments.several.plan import OfStudy
from experiments.subjects import people_of
from jaxqmri.io.maps import find_maps

PATIENT = "patient"  # what a progress bar counts


def cohort_of(settings: Settings, seed: int, study: OfStudy) -> Cohort:
    """The digital patients of a run; ``study`` are settings of the simulation."""
    return Cohort("spine_t1rho", settings.simulated_grid, settings.simulated_patients, seed, study)


def read_study(run: Run[Settings], data: Path) -> Study:
    """Read every patient of a dataset.

    Raises
    ------
    InputError
        If a patient lacks something and incomplete ones are not to be skipped, or patients cannot
        be put together.
    """
    window, skip = run.settings.window, run.settings.skip_incomplete
    tasks = [Task(data, entities, window) for entities, _ in find_maps(data, "T1w")]
    tasks, patients = prepare_all(
        run, tasks, prepare, unit=PATIENT, skip_incomplete=skip, doing="read"
    )
    people = people_of(data, [task.entities for task in tasks])
    return Study.of(data, people, patients, is_simulated(data))


def fingerprint(data: Path) -> str:
    """Of all that a run reads."""
    return dataset_fingerprint(data, (*READERS, TRUE_MAPS))
