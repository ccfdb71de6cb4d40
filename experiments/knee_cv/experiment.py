"""The steps of the experiment, in order."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

import jaxqmri
from experiments import knee_cv
from experiments import run as shared
from experiments.knee_cv import report
from experiments.knee_cv.paper import INPUTS
from experiments.knee_cv.participants import participant_rows
from experiments.knee_cv.results import (
    ALL_TIMES,
    Maps,
    Study,
    input_rows,
    network_rows,
    reference_rows,
    registration_rows,
)
from experiments.knee_cv.subjects import Registering, Subject, Task, has_changed, prepare, read
from experiments.run import Command, Preset, Run
from experiments.surroundings import available_cores
from jaxqmri.io import InputError, bids

NAME = "knee_cv"
STUDY = "knee_t1rho"


@dataclass(frozen=True)
class Settings:
    """Settings of the experiment.

    Attributes
    ----------
    simulated_subjects
        Digital subjects; a folder given by --data is used whole.
    simulated_grid
        Resolution of the simulated scans.
    t1rho_bounds
        Of every fit, ms.
    match_resolution
        Average the PD-weighted image over each voxel of the T1rho grid rather than read it at
        the voxel's centre.
    registration
        Last stage of the PD-weighted image's registration: rigid, affine, then deformable, as in
        the paper; none leaves it where the scanner put it.
    """

    simulated_subjects: int = 40
    simulated_grid: Preset = "quick"
    t1rho_bounds: tuple[float, float] = (1.0, 100.0)
    match_resolution: bool = True
    registration: Registering = "deformable"


@dataclass(frozen=True)
class Cohort:
    """Which simulated cohort: the study's own unless told otherwise.

    Attributes
    ----------
    settings
        Settings of the simulated study by name, such as ``{"pd_gain_sd": 0.3}``.
    repeat
        Which scan of the same subjects; 0 the first.
    """

    settings: Mapping[str, float | tuple[float, ...]] = field(default_factory=dict)
    repeat: int = 0

    def name(self) -> str:
        """Empty for the study's own; what differs from it otherwise."""
        words = [f"repeat{self.repeat}"] if self.repeat else []
        words += [f"{key}={value}".replace(" ", "") for key, value in sorted(self.settings.items())]
        return "".join(f"-{word}" for word in words)


AS_CALIBRATED = Cohort()


PRESETS: dict[Preset, Settings] = {
    "smoke": Settings(simulated_subjects=6, simulated_grid="smoke"),
    "quick": Settings(),
    "full": Settings(simulated_grid="full"),
    "paper": Settings(simulated_grid="paper"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the experiment; the exit code."""
    command = shared.parse(NAME, knee_cv.__doc__ or "", PRESETS, argv)
    return shared.execute(lambda: experiment(command))


def experiment(command: Command[Settings]) -> None:
    """Prepare the subjects, fit, compare, report."""
    shared.use_all_cores()
    data = simulated_folder(command) if command.data is None else command.data
    if command.data is not None:
        bids.find_series(data, "T1rhow")  # a wrong folder is told before a run folder is made
    run = Run(NAME, command, data)
    if run.complete:
        if command.data is not None:
            refuse_changed_data(run)
        shared.say(f"{run.folder}: complete; --overwrite makes it again\n")
        shared.say((run.folder / "tables.md").read_text("utf-8"))
        return
    if command.data is None:
        simulate(command, data)
    tasks = subject_tasks(run)
    subjects = prepare_all(run, tasks)
    study = Study.of(data, [task.entities for task in tasks], subjects)

    reference = fit(study, ALL_TIMES, command.settings)
    run.results = reference_rows(study, reference, command.seed)
    report.say_reference(run.results, study)
    found: dict[str, Maps] = {}
    for name in INPUTS:
        found[name] = fit(study, name, command.settings)
        rows = input_rows(study, reference, found[name], name, command.seed)
        run.results += rows
        report.say_input(rows, name)
    run.results += network_rows() + registration_rows(study, command.seed)
    run.results += participant_rows(study.participants)
    run.tick()
    write_maps(run, study, {ALL_TIMES: reference, **found})
    report.write(run, study, reference, found, tasks)


def simulated_folder(command: Command[Settings], cohort: Cohort = AS_CALIBRATED) -> Path:
    """Where the simulated cohort is kept: another simulator or other settings, another folder."""
    settings = command.settings
    source = hashlib.blake2b(digest_size=6)
    package = Path(jaxqmri.__file__).parent
    for part in ("physics", "simulate"):
        for path in sorted((package / part).rglob("*.py")):
            source.update(path.read_bytes())
    name = f"{STUDY}-{settings.simulated_grid}-{settings.simulated_subjects}-seed{command.seed}"
    return shared.cache_folder() / "cohorts" / f"{name}{cohort.name()}-{source.hexdigest()}"


def simulate(command: Command[Settings], folder: Path, cohort: Cohort = AS_CALIBRATED) -> None:
    """Make the cohort, unless it is there."""
    from tqdm import tqdm

    from jaxqmri.simulate.cohorts import make_cohort

    count = command.settings.simulated_subjects
    with tqdm(desc="simulate", unit="knee", total=count, dynamic_ncols=True) as bar:

        def advance(done: int, _: int) -> None:
            bar.update(done - bar.n)

        make_cohort(
            STUDY,
            folder,
            subjects=count,
            preset=command.settings.simulated_grid,
            seed=command.seed,
            settings=cohort.settings,
            repeat=cohort.repeat,
            progress=advance,
        )


def subject_tasks(run: Run[Settings]) -> list[Task]:
    """What there is to prepare, in the order of the dataset.

    Raises
    ------
    InputError
        If a subject has more than one series: subjects are what is counted and resampled.
    """
    found = bids.find_series(run.data, "T1rhow")
    for before, after in pairwise(found):
        if before["sub"] == after["sub"]:
            raise InputError(
                f"{run.data}: sub-{after['sub']} has more than one T1rhow series, expected one"
            )
    return [
        Task(
            data=run.data,
            entities=entities,
            kept=run.checkpoint(f"subjects/{_label(entities)}.npz"),
            registered=run.folder / "maps" / bids.map_name(_own(entities), "PDw", "registered"),
            transforms=shared.cache_folder() / "registrations",
            match_resolution=run.settings.match_resolution,
            registration=run.settings.registration,
        )
        for entities in found
    ]


def refuse_changed_data(run: Run[Settings]) -> None:
    """Do not pass off a complete run as one of images or regions that have changed since.

    Raises
    ------
    InputError
        If a subject's files are not those that it was made from.
    """
    for task in subject_tasks(run):
        if has_changed(task):
            raise InputError(
                f"{run.folder}: made before the files of {_label(task.entities)} in {run.data} "
                "changed; give another --out, or --overwrite"
            )


def prepare_all(run: Run[Settings], tasks: Sequence[Task]) -> list[Subject]:
    """Read and register every subject, several side by side; what is kept is not done again."""
    workers = min(available_cores(), len(tasks))
    if workers == 1:
        for task in shared.progress(tasks, "register", "knee", len(tasks)):
            prepare(task)
            run.tick()
    else:
        # processes start afresh: a fork would inherit a JAX that has started its threads
        pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))
        try:
            pending = [pool.submit(prepare, task) for task in tasks]
            for done in shared.progress(as_completed(pending), "register", "knee", len(tasks)):
                done.result()
                run.tick()
        finally:
            pool.shutdown(cancel_futures=True)
    subjects = [read(task.kept) for task in tasks]
    return [subject for subject in subjects if subject is not None]


def fit(study: Study, name: str, settings: Settings) -> Maps:
    """T1rho of every cartilage voxel from one input, by non-linear least squares."""
    from jaxqmri.physics import T1rhoDecay

    result = jaxqmri.fit(
        T1rhoDecay(spin_lock_times=np.array(study.times(name))),
        study.images(name),
        bounds={"t1rho": settings.t1rho_bounds},
        quality=False,
    )
    return Maps(np.asarray(result.params.t1rho), np.asarray(result.status))


def write_maps(run: Run[Settings], study: Study, found: Mapping[str, Maps]) -> None:
    """Write every subject's maps, each file whole: NaN outside the cartilage."""
    root = run.folder / "maps"
    bids.write_dataset_description(root, f"T1rho maps of {NAME}", "derivative", [str(run.data)])

    def write_one(step: tuple[Mapping[str, str], Subject, slice]) -> None:
        entities, subject, part = step
        for name, maps in found.items():
            volume = np.full(tuple(subject.shape), np.nan, np.float32)
            volume.flat[subject.position] = maps.t1rho[part]
            desc = None if name == ALL_TIMES else name
            bids.write_map_file(
                root / bids.map_name(_own(entities), "T1rho", desc),
                volume,
                subject.affine,
                {
                    "Description": f"T1rho of cartilage, two-parameter fit to {name}",
                    "Units": "ms",
                    "SpinLockTimes": [time / 1e3 for time in study.times(name)],
                    "Simulated": study.simulated,
                },
                units="s",
            )

    steps = list(zip(study.entities, study.subjects, study.slices, strict=True))
    with ThreadPoolExecutor(available_cores()) as writers:
        written = writers.map(write_one, steps)
        for _ in shared.progress(written, "write maps", "knee", len(steps)):
            pass


def _own(entities: Mapping[str, str]) -> dict[str, str]:
    """Entities that name a subject and visit."""
    return {key: value for key, value in entities.items() if key in ("sub", "ses")}


def _label(entities: Mapping[str, str]) -> str:
    return "_".join(f"{key}-{value}" for key, value in entities.items())
