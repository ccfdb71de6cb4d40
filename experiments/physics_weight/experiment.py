"""The steps of the experiment, in order."""

from __future__ import annotations

from collections.abc import Sequence

from experiments import physics_weight
from experiments import run as shared
from experiments.fingerprint import changed_since, keep_fingerprint
from experiments.physics_weight import report
from experiments.physics_weight.arms import arms_of, columns_of, points_of
from experiments.physics_weight.settings import PRESETS, Settings
from experiments.physics_weight.split import split
from experiments.physics_weight.study import cohort_of, fingerprint, read_study
from experiments.run import Command, Run
from experiments.subjects import refuse_changed
from experiments.together import begin
from experiments.trainings import learn_all
from jaxqmri.cli.together import first_goes_first
from jaxqmri.io import InputError, bids

NAME = "physics_weight"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the experiment; the exit code."""
    command = shared.parse(NAME, physics_weight.__doc__ or "", PRESETS, argv)
    return shared.execute(lambda: experiment(command))


def experiment(command: Command[Settings]) -> None:
    """Carry out the run that a command asks for.

    Raises
    ------
    InputError
        If the command or the data cannot be used.
    """
    refuse_nonsense(command.settings)
    if not begin(command, f"experiments.{NAME}"):
        return
    cohort = cohort_of(command.settings, command.seed)
    if command.data is not None:
        bids.find_series(command.data, "T1rhow")
    with first_goes_first():
        run = Run(NAME, command, command.data or cohort.folder)
        complete = run.complete
    if complete:
        refuse_changed(run.folder, changed_since(run, fingerprint))
        shared.say(f"{run.folder}: complete; --overwrite makes it again\n")
        shared.say((run.folder / "tables.md").read_text("utf-8"))
        return
    if command.data is None:
        cohort.make(command.settings.organ)
    else:
        keep_fingerprint(run, fingerprint)
    carry_out(run)


def refuse_nonsense(settings: Settings) -> None:
    """Tell what cannot be done before a run folder is made.

    Raises
    ------
    InputError
        If a setting makes no sense.
    """
    weights, counts = settings.weights, settings.subjects
    if len(weights) < 2 or weights[0] != 0 or sorted(set(weights)) != list(weights):
        raise InputError("--weights: expected 0 and then others, each larger than the one before")
    if not counts or min(counts) < 1 or sorted(set(counts)) != list(counts):
        raise InputError("--subjects: expected numbers from 1 on, each larger than the one before")
    if not 1 <= settings.base_subjects <= max(counts):
        raise InputError(
            f"--base-subjects {settings.base_subjects}: expected 1 to {max(counts)}, the most of "
            "--subjects"
        )
    if min(settings.validation_subjects, settings.test_subjects, settings.seeds) < 1:
        raise InputError("--validation-subjects, --test-subjects, --seeds: expected 1 or more")
    if settings.label_noise and (
        min(settings.label_noise) <= 0 or len(set(settings.label_noise)) < len(settings.label_noise)
    ):
        raise InputError("--label-noise: expected different numbers above 0")
    if settings.offset <= 0 or settings.b1 <= 0 or settings.b1_sd < 0:
        raise InputError("--offset, --b1: expected numbers above 0; --b1-sd: 0 or above")


def carry_out(run: Run[Settings]) -> None:
    """Read, fit, train every arm, compare, report."""
    from experiments.physics_weight.networks import Learner
    from experiments.physics_weight.results import all_rows

    settings, seed = run.settings, run.command.seed
    study = read_study(run)
    parts = split(study, settings, seed)
    run.tick()
    columns = columns_of(settings, has_pd=study.pd is not None)
    points, seeds = points_of(columns), range(seed, seed + settings.seeds)
    learner = Learner(run, study, parts)
    for point in points:
        learner.tested(point.condition.equation)  # refused before anything is learnt
    arms = arms_of(columns, settings.weights, seeds)
    ends = learn_all(run, arms, learner.learn, lambda arm: arm.label)
    run.results = all_rows(points, ends, settings.weights, seeds, learner)
    if not run.writes:
        return
    for point in points:
        report.say_point(point, run.results, settings.weights)
    report.write(run, study, columns)
