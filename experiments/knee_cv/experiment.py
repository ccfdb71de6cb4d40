"""The steps of the experiment, in order."""

from __future__ import annotations

from collections.abc import Sequence

from experiments import knee_cv
from experiments import run as shared
from experiments.cohorts import Cohort
from experiments.knee_cv import report
from experiments.knee_cv.agreement import agreement_rows
from experiments.knee_cv.arms import learn_all, splits_of
from experiments.knee_cv.cohort import (
    KNEE,
    people,
    prepare_all,
    scan_twice,
    subject_tasks,
)
from experiments.knee_cv.comparisons import comparison_rows
from experiments.knee_cv.fits import fit_input, fit_reference
from experiments.knee_cv.maps import write_maps
from experiments.knee_cv.paper import INPUTS, NLLS
from experiments.knee_cv.participants import participant_rows
from experiments.knee_cv.plan import JOINING, NAME
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
from experiments.run import Run
from experiments.several import carry_out_all
from experiments.trainings import Arm
from jaxqmri.io.files import write_text


def main(argv: Sequence[str] | None = None) -> int:
    """Run the experiment; the exit code."""
    command = shared.parse(NAME, knee_cv.__doc__ or "", PRESETS, argv)
    return shared.execute(lambda: carry_out_all(command, JOINING, carry_out, "T1rhow"))


def carry_out(run: Run[Settings], cohort: Cohort) -> None:
    """Prepare the subjects, fit, learn, compare, report."""
    settings, seed, simulated = run.settings, run.command.seed, run.command.data is None
    if simulated:
        cohort.make(KNEE)
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
            scan_twice(run, cohort),
            lambda study, name: fit_input(study, name, bounds),
            learnt.learner,
            learnt.curves,
            seed,
        )
    run.results += agreement_rows(study, reference, found, seed)
    run.results += comparison_rows(errors_of(study, reference, found), seed)
    run.results += registration_rows(study, seed) + participant_rows(study.participants)
    run.tick()
    if not run.writes:
        return
    write_maps(run, study, reference, found)
    report.write(run, study, reference, found, tasks, learnt)
