"""The steps of the experiment, in order."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from experiments import knee_cv
from experiments import run as shared
from experiments.knee_cv import report, summary
from experiments.knee_cv.agreement import agreement_rows
from experiments.knee_cv.arms import learn_all, splits_of
from experiments.knee_cv.cohort import (
    KNEE,
    changed_since,
    people,
    prepare_all,
    scan_twice,
    subject_tasks,
)
from experiments.knee_cv.comparisons import Arm, comparison_rows
from experiments.knee_cv.fits import fit_input, fit_reference
from experiments.knee_cv.maps import write_maps
from experiments.knee_cv.paper import INPUTS, NLLS
from experiments.knee_cv.participants import participant_rows
from experiments.knee_cv.plan import NAME, Planned, asked, summary_folder
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
from experiments.knee_cv.settings import PRESETS, Settings
from experiments.run import Command, Run
from experiments.subjects import refuse_changed
from jaxqmri.io import InputError, bids
from jaxqmri.io.files import write_text


def main(argv: Sequence[str] | None = None) -> int:
    """Run the experiment; the exit code."""
    command = shared.parse(NAME, knee_cv.__doc__ or "", PRESETS, argv)
    return shared.execute(lambda: experiment(command))


def experiment(command: Command[Settings]) -> None:
    """Carry out the runs that are asked for; where there are several, join those complete.

    Raises
    ------
    InputError
        If the command or the data cannot be used. Of several runs the others are carried out
        first.
    """
    shared.configure_jax()
    planned = asked(command)
    if command.data is not None:
        bids.find_series(command.data, "T1rhow")  # told before a run folder is made
    if len(planned) == 1:
        if not carry_out(planned[0]):
            shared.say((planned[0].folder / "tables.md").read_text("utf-8"))
        return
    summary.claim_folder(command)
    failed = []
    for number, one in enumerate(planned, start=1):
        shared.say(f"{one.name}, {number} of {len(planned)} runs: {one.folder}")
        made = False
        try:
            made = carry_out(one)
        except InputError as error:
            if one is planned[0]:  # nothing to compare the others with
                raise
            failed.append(one.name)
            print(f"{one.name}: {error}", file=sys.stderr)
        if made or one is planned[-1]:
            summary.write(command)
    shared.say(f"Report: {summary_folder(command) / 'report.html'}")
    if failed:
        raise InputError(f"{len(failed)} of {len(planned)} runs failed: {', '.join(failed)}")


def carry_out(planned: Planned) -> bool:
    """Prepare the subjects, fit, learn, compare, report; whether there was anything to do."""
    run = Run(NAME, planned.command, planned.data)
    if run.complete:
        refuse_changed(run.folder, changed_since(run))
        shared.say(f"{run.folder}: complete; --overwrite makes it again\n")
        return False
    settings, seed, simulated = run.settings, run.command.seed, run.command.data is None
    if simulated:
        planned.cohort.make(KNEE)
    write_text(run.checkpoint("people"), people(run.data))
    tasks, subjects = prepare_all(run, subject_tasks(run, run.data))
    study = Study.of(run.data, [task.entities for task in tasks], subjects)

    bounds, splits = settings.t1rho_bounds, splits_of(study, settings, seed)
    reference, sigma = fit_reference(study, bounds)
    run.results = reference_rows(study, reference, seed)
    report.say_reference(run.results, study)
    found: dict[Arm, Maps] = {}
    for name in INPUTS:
        found[NLLS, name] = fit_input(study, name, bounds)
        rows = input_rows(study, reference, found[NLLS, name], NLLS, name, seed)
        run.results += rows
        report.say_arm(rows)
    run.tick()
    learnt = learn_all(run, study, tasks, splits, reference.t1rho, sigma)
    found |= learnt.maps
    for model, name in learnt.maps:
        rows = input_rows(study, reference, found[model, name], model, name, seed)
        run.results += rows
        report.say_arm(rows)
    run.results += learnt.rows + network_rows(set(found))
    if simulated and settings.retest_subjects:
        run.results += retest_rows(
            scan_twice(run, planned.cohort),
            lambda study, name: fit_input(study, name, bounds),
            learnt.learner,
            learnt.curves,
            seed,
        )
    run.results += agreement_rows(study, reference, found, seed)
    run.results += comparison_rows(errors_of(study, reference, found), seed)
    run.results += registration_rows(study, seed) + participant_rows(study.participants)
    run.tick()
    write_maps(run, study, reference, found)
    report.write(run, study, reference, found, tasks, learnt)
    return True
