"""Which subjects there are: simulated or given, all images read and registered."""

from __future__ import annotations

from pathlib import Path

from experiments import run as shared
from experiments.cohorts import TRUE_MAPS, Cohort, is_simulated
from experiments.fingerprint import dataset_fingerprint
from experiments.knee_rmq.settings import Settings
from experiments.knee_rmq.study import Study
from experiments.knee_rmq.subjects import READER, Task, prepare
from experiments.preparing import prepare_all
from experiments.run import Run
from experiments.several.plan import OfStudy
from experiments.subjects import find_subjects, people_of

KNEE = "knee"  # what a progress bar counts


def cohort_of(settings: Settings, seed: int, study: OfStudy) -> Cohort:
    """The digital subjects of a run; ``study`` are settings of the simulation."""
    grid, count = settings.simulated_grid, settings.simulated_subjects
    return Cohort("knee_ute", grid, count, seed, study)


def read_study(run: Run[Settings]) -> Study:
    """Read and register every subject.

    Raises
    ------
    InputError
        If a subject lacks something and incomplete ones are not to be skipped, or subjects
        cannot be put together.
    """
    settings = run.settings
    tasks = [
        Task(run.data, entities, shared.cache_folder() / "registrations", settings.registration)
        for entities in find_subjects(run.data, settings.skip_incomplete, "VFA")
    ]
    skip = settings.skip_incomplete
    tasks, subjects = prepare_all(run, tasks, prepare, unit=KNEE, skip_incomplete=skip)
    people = people_of(run.data, [task.entities for task in tasks])
    return Study.of(run.data, subjects, people, is_simulated(run.data))


def fingerprint(data: Path) -> str:
    """Of all that a run reads."""
    return dataset_fingerprint(data, (READER, TRUE_MAPS))
