"""The steps of the experiment, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from experiments import knee_cv
from experiments import run as shared
from experiments.knee_cv import report
from experiments.knee_cv.agreement import agreement_rows
from experiments.knee_cv.arms import learn_all, splits_of
from experiments.knee_cv.cohort import (
    people,
    prepare_all,
    refuse_changed_data,
    scan_twice,
    simulate,
    simulated_folder,
    subject_tasks,
)
from experiments.knee_cv.comparisons import Arm, comparison_rows
from experiments.knee_cv.fits import fit_input, fit_reference
from experiments.knee_cv.maps import write_maps
from experiments.knee_cv.paper import INPUTS, NLLS
from experiments.knee_cv.participants import participant_rows
from experiments.knee_cv.results import (
    Maps,
    Study,
    errors_of,
    input_rows,
    network_rows,
    reference_rows,
    registration_rows,
)
from experiments.knee_cv.retest import retest_rows
from experiments.knee_cv.settings import PRESETS, Cohort, Settings
from experiments.run import Command, Run
from jaxqmri.io import InputError, bids
from jaxqmri.io.files import write_text

NAME = "knee_cv"


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
    write_text(run.checkpoint("people"), people(data))
    tasks, subjects = prepare_all(run, subject_tasks(run, data))
    study = Study.of(data, [task.entities for task in tasks], subjects)

    bounds, splits = settings.t1rho_bounds, splits_of(study, settings, command.seed)
    reference, sigma = fit_reference(study, bounds)
    run.results = reference_rows(study, reference, command.seed)
    report.say_reference(run.results, study)
    found: dict[Arm, Maps] = {}
    for name in INPUTS:
        found[NLLS, name] = fit_input(study, name, bounds)
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
            lambda study, name: fit_input(study, name, bounds),
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
