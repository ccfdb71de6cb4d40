"""Which subjects there are: simulated or given, all visits read."""

from __future__ import annotations

from pathlib import Path

from experiments.cohorts import TRUE_MAPS, Cohort, is_simulated
from experiments.fingerprint import dataset_fingerprint
from experiments.knee_t2.settings import Settings
from experiments.knee_t2.study import Study
from experiments.knee_t2.visits import READERS, Task, prepare
from experiments.preparing import prepare_all
from experiments.run import Run
from experiments.several.plan import OfStudy
from experiments.subjects import people_of
from jaxqmri.io import bids

KNEE = "knee"  # what a progress bar counts


def cohort_of(settings: Settings, seed: int, study: OfStudy) -> Cohort:
    """The digital subjects of a run; ``study`` are settings of the simulation."""
    return Cohort("knee_mese", settings.simulated_grid, settings.simulated_subjects, seed, study)


def read_study(run: Run[Settings], data: Path) -> Study:
    """Read every visit of a dataset.

    Raises
    ------
    InputError
        If a visit lacks something and incomplete ones are not to be skipped, or visits cannot be
        put together.
    """
    tasks = [Task(data, entities) for entities in bids.find_series(data, "MESE")]
    skip = run.settings.skip_incomplete
    tasks, visits = prepare_all(
        run, tasks, prepare, unit="visit", skip_incomplete=skip, doing="read"
    )
    people = people_of(data, [task.entities for task in tasks])
    return Study.of(data, tasks, visits, people, is_simulated(data))


def fingerprint(data: Path) -> str:
    """Of all that a run reads."""
    return dataset_fingerprint(data, (*READERS, TRUE_MAPS))
