"""The steps of the experiment, in order."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

import jaxqmri
from experiments import knee_cv
from experiments import run as shared
from experiments.knee_cv import report
from experiments.knee_cv.agreement import agreement_rows
from experiments.knee_cv.arms import learn_all, splits_of
from experiments.knee_cv.comparisons import COMPETITORS, Arm, comparison_rows
from experiments.knee_cv.paper import INPUTS, NLLS
from experiments.knee_cv.participants import participant_rows
from experiments.knee_cv.results import (
    ALL_TIMES,
    REFERENCE,
    Maps,
    Study,
    errors_of,
    input_rows,
    network_rows,
    reference_rows,
    registration_rows,
)
from experiments.knee_cv.retest import Scan, retest_rows
from experiments.knee_cv.settings import AS_CALIBRATED, PRESETS, Cohort, Settings
from experiments.knee_cv.subjects import Subject, Task, has_changed, prepare, read
from experiments.run import Command, Run
from experiments.surroundings import available_cores
from jaxqmri.io import InputError, bids

NAME = "knee_cv"
STUDY = "knee_t1rho"
NEW_PEOPLE = 1000  # added to the seed for subjects that no network has seen


def main(argv: Sequence[str] | None = None) -> int:
    """Run the experiment; the exit code."""
    command = shared.parse(NAME, knee_cv.__doc__ or "", PRESETS, argv)
    return shared.execute(lambda: experiment(command))


def experiment(command: Command[Settings]) -> None:
    """Prepare the subjects, fit, learn, compare, report."""
    shared.use_all_cores()
    settings, cohort = command.settings.ablated()
    if settings.ablation != "none":
        command = replace(command, out=command.out or ablation_folder(command))
    command = replace(command, settings=settings)
    data = simulated_folder(command, cohort) if command.data is None else command.data
    if command.data is not None:
        bids.find_series(data, "T1rhow")  # a wrong folder is told before a run folder is made
        refuse_simulated_settings(command, cohort)
    run = Run(NAME, command, data)
    if run.complete:
        refuse_changed_data(run)
        shared.say(f"{run.folder}: complete; --overwrite makes it again\n")
        shared.say((run.folder / "tables.md").read_text("utf-8"))
        return
    if command.data is None:
        simulate(command, data, cohort)
    tasks, subjects = prepare_all(run, subject_tasks(run, data))
    study = Study.of(data, [task.entities for task in tasks], subjects)

    splits = splits_of(study, settings, command.seed)
    reference, sigma = fit_reference(study, settings)
    run.results = reference_rows(study, reference, command.seed)
    report.say_reference(run.results, study)
    found: dict[Arm, Maps] = {}
    for name in INPUTS:
        found[NLLS, name] = fit(study, name, settings)
        rows = input_rows(study, reference, found[NLLS, name], NLLS, name, command.seed)
        run.results += rows
        report.say_arm(rows)
    run.tick()
    learnt = learn_all(run, study, tasks, splits, reference.t1rho, sigma)
    found |= learnt.maps
    for model, name in learnt.maps:
        rows = input_rows(study, reference, found[model, name], model, name, command.seed)
        run.results += rows
        report.say_arm(rows)
    run.results += learnt.rows + network_rows(set(found))
    if command.data is None and settings.retest_subjects:
        scans = scan_twice(run, command, cohort)
        run.results += retest_rows(
            scans,
            lambda study, name: fit(study, name, settings),
            learnt.learner,
            learnt.curves,
            command.seed,
        )
    run.results += agreement_rows(study, reference, found, command.seed)
    run.results += comparison_rows(errors_of(study, reference, found), command.seed)
    run.results += registration_rows(study, command.seed) + participant_rows(study.participants)
    run.tick()
    write_maps(run, study, reference, found)
    report.write(run, study, reference, found, tasks, learnt)


def ablation_folder(command: Command[Settings]) -> Path:
    """An ablation's run folder, beside that of the experiment itself."""
    return Path("runs") / f"{NAME}-{command.preset}-{command.settings.ablation}"


def refuse_simulated_settings(command: Command[Settings], cohort: Cohort) -> None:
    """An ablation of the simulation cannot be had with a given folder.

    Raises
    ------
    InputError
        If the ablation changes how subjects are simulated.
    """
    if cohort.settings:
        raise InputError(
            f"--ablation {command.settings.ablation} changes the simulated study, and --data "
            f"{command.data} is not simulated by this run: leave one of them out"
        )


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


def scan_twice(run: Run[Settings], command: Command[Settings], cohort: Cohort) -> tuple[Scan, Scan]:
    """New digital subjects, each scanned twice."""
    settings = replace(command.settings, simulated_subjects=command.settings.retest_subjects)
    others = replace(command, settings=settings, seed=command.seed + NEW_PEOPLE)
    scans = []
    for repeat in (0, 1):
        again = replace(cohort, repeat=repeat)
        data = simulated_folder(others, again)
        simulate(others, data, again)
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
    found = bids.find_series(data, "T1rhow")
    for before, after in pairwise(found):
        if before["sub"] == after["sub"]:
            raise InputError(
                f"{data}: sub-{after['sub']} has more than one T1rhow series, expected one"
            )
    registered = run.checkpoint(part) if part else run.folder / "maps"
    return [
        Task(
            data=data,
            entities=entities,
            kept=run.checkpoint(f"subjects/{part}{_label(entities)}.npz"),
            registered=registered / bids.map_name(_own(entities), "PDw", "registered"),
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
    for task in subject_tasks(run, run.data):
        if has_changed(task):
            raise InputError(
                f"{run.folder}: made before the files of {_label(task.entities)} in {run.data} "
                "changed; give another --out, or --overwrite"
            )


def prepare_all(run: Run[Settings], tasks: Sequence[Task]) -> tuple[list[Task], list[Subject]]:
    """Read and register every subject, several side by side; what is kept is not done again.

    Returns
    -------
    tasks, subjects
        Those that are complete.

    Raises
    ------
    InputError
        If a subject lacks something and incomplete ones are not to be skipped, or none is left.
    """
    workers = min(available_cores(), len(tasks))
    refused: dict[int, InputError] = {}
    # processes start afresh: a fork would inherit a JAX that has started its threads
    pool = (
        ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))
        if workers > 1
        else ThreadPoolExecutor(1)
    )
    try:
        pending = {pool.submit(prepare, task): number for number, task in enumerate(tasks)}
        for done in shared.progress(as_completed(pending), "register", "knee", len(tasks)):
            error = done.exception()
            if isinstance(error, InputError):
                refused[pending[done]] = error
                told = f"{_label(tasks[pending[done]].entities)}: {error}"
                if not run.settings.skip_incomplete:
                    raise InputError(f"{told} (--skip-incomplete goes on without it)")
                shared.say(f"left out: {told}")
            elif error is not None:
                raise error
            run.tick()
    finally:
        pool.shutdown(cancel_futures=True)
    complete = [task for number, task in enumerate(tasks) if number not in refused]
    if not complete:
        raise InputError(f"{run.data}: no subject is complete")
    subjects = [read(task.kept) for task in complete]
    return complete, [subject for subject in subjects if subject is not None]


def fit_reference(study: Study, settings: Settings) -> tuple[Maps, float]:
    """T1rho of every cartilage voxel from all spin-lock times, and the noise of the images."""
    from jaxqmri.physics import T1rhoDecay

    result = jaxqmri.fit(
        T1rhoDecay(spin_lock_times=np.array(study.times(ALL_TIMES))),
        study.images(ALL_TIMES),
        bounds={"t1rho": settings.t1rho_bounds},
    )
    maps = Maps(np.asarray(result.params.t1rho), np.asarray(result.status))
    return maps, float(np.asarray(result.sigma))


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


def write_maps(
    run: Run[Settings], study: Study, reference: Maps, found: Mapping[Arm, Maps]
) -> None:
    """Write every subject's maps, each file whole: NaN outside the cartilage."""
    root = run.folder / "maps"
    bids.write_dataset_description(root, f"T1rho maps of {NAME}", "derivative", [str(run.data)])
    kept = {arm: maps for arm, maps in found.items() if arm[0] not in COMPETITORS}

    def write_one(step: tuple[Mapping[str, str], Subject, slice]) -> None:
        entities, subject, part = step
        for (model, name), maps in {(REFERENCE, ALL_TIMES): reference, **kept}.items():
            volume = np.full(tuple(subject.shape), np.nan, np.float32)
            volume.flat[subject.position] = maps.t1rho[part]
            bids.write_map_file(
                root / bids.map_name(_own(entities), "T1rho", _described(model, name)),
                volume,
                subject.affine,
                {
                    "Description": f"T1rho of cartilage, {model} of {name}",
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


def _described(model: str, name: str) -> str | None:
    """The desc entity of a map: none for the reference, the input for NLLS, then the model."""
    if model == REFERENCE:
        return None
    return name if model == NLLS else f"{model.replace('-', '').replace(' ', '')}{name}"


def _own(entities: Mapping[str, str]) -> dict[str, str]:
    """Entities that name a subject and visit."""
    return {key: value for key, value in entities.items() if key in ("sub", "ses")}


def _label(entities: Mapping[str, str]) -> str:
    return "_".join(f"{key}-{value}" for key, value in entities.items())
