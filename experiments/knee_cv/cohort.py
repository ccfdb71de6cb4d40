"""Which subjects there are: simulated or given, read and registered, some of them scanned twice."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from experiments import preparing
from experiments import run as shared
from experiments.cohorts import Cohort
from experiments.knee_cv.results import Study
from experiments.knee_cv.retest import Scan
from experiments.knee_cv.settings import Settings
from experiments.knee_cv.subjects import Subject, Task, has_changed, prepare, read
from experiments.preparing import label_of
from experiments.run import Run
from experiments.several.plan import OfStudy
from experiments.subjects import find_subjects, person_of
from jaxqmri.io import bids

KNEE = "knee"  # what a progress bar counts
NEW_PEOPLE = 1000  # added to the seed for subjects that no network has seen


def cohort_of(settings: Settings, seed: int, study: OfStudy) -> Cohort:
    """The digital subjects of a run; ``study`` are settings of the simulation."""
    grid, count = settings.simulated_grid, settings.simulated_subjects
    return Cohort("knee_t1rho", grid, count, seed, study)


def scan_twice(run: Run[Settings], cohort: Cohort) -> tuple[Scan, Scan]:
    """New digital subjects, each scanned twice."""
    count, scans = run.settings.retest_subjects, []
    for repeat in (0, 1):
        people = replace(cohort, subjects=count, seed=cohort.seed + NEW_PEOPLE, repeat=repeat)
        data = people.make(KNEE)
        tasks, subjects = prepare_all(run, subject_tasks(run, data, f"retest-{repeat}"))
        scans.append(Scan(Study.of(data, [task.entities for task in tasks], subjects), tasks))
    return scans[0], scans[1]


def subject_tasks(run: Run[Settings], data: Path, part: str = "") -> list[Task]:
    """What there is to prepare, in the order of the dataset.

    Parameters
    ----------
    run
        Where it is kept.
    data
        The dataset.
    part
        Folder of subjects that are not the experiment's own.

    Raises
    ------
    InputError
        If a subject has more than one series: subjects are what is counted and resampled.
    """
    found = find_subjects(data, run.settings.skip_incomplete)
    registered = run.checkpoint(part) if part else run.folder / "maps"
    return [
        Task(
            data=data,
            entities=entities,
            kept=run.checkpoint(f"subjects/{part}{label_of(entities)}.npz"),
            registered=registered / bids.map_name(person_of(entities), "PDw", "registered"),
            transforms=shared.cache_folder() / "registrations",
            match_resolution=run.settings.match_resolution,
            registration=run.settings.registration,
        )
        for entities in found
    ]


def changed_since(run: Run[Settings]) -> str | None:
    """What of its data is no longer what a complete run was made from, in words.

    A simulated cohort cannot change: its folder is named after all that it is made with.
    """
    if run.command.data is None:
        return None
    kept = run.checkpoint("people")
    if not kept.exists() or kept.read_text("utf-8") != people(run.data):
        return f"the subjects of {run.data} or its participants.tsv"
    for task in subject_tasks(run, run.data):
        if has_changed(task):
            return f"the files of {label_of(task.entities)} in {run.data}"
    return None


def people(data: Path) -> str:
    """Fingerprint of who is in a dataset, and of what its table says of them."""
    table = data / "participants.tsv"
    digest = hashlib.blake2b(table.read_bytes() if table.exists() else b"", digest_size=16)
    digest.update(repr(sorted(path.name for path in data.glob("sub-*"))).encode())
    return digest.hexdigest()


def prepare_all(run: Run[Settings], tasks: Sequence[Task]) -> tuple[list[Task], list[Subject]]:
    """Read and register every subject; what is kept is not done again.

    Returns
    -------
    tasks, subjects
        Those that are complete.

    Raises
    ------
    InputError
        If a subject lacks something and incomplete ones are not to be skipped, or none is left.
    """
    skip = run.settings.skip_incomplete
    complete, kept = preparing.prepare_all(run, tasks, prepare, unit=KNEE, skip_incomplete=skip)
    subjects = [read(path) for path in kept]
    return complete, [subject for subject in subjects if subject is not None]
