"""The steps of the experiment, in order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments import knee_rmq
from experiments import run as shared
from experiments.cohorts import Cohort
from experiments.fingerprint import keep_fingerprint
from experiments.kept_networks import End
from experiments.knee_rmq import report
from experiments.knee_rmq.cohort import KNEE, fingerprint, read_study
from experiments.knee_rmq.comparisons import comparison_rows, fall_rows
from experiments.knee_rmq.estimates import Estimates, Test, learnt, untrained
from experiments.knee_rmq.fits import fit_reference
from experiments.knee_rmq.maps import write_maps
from experiments.knee_rmq.networks import Learner, OneTraining
from experiments.knee_rmq.participants import participant_rows, protocol_rows
from experiments.knee_rmq.plan import JOINING, NAME
from experiments.knee_rmq.results import (
    agreement_rows,
    compression_rows,
    estimate_rows,
    segmentation_rows,
    trained_rows,
    unrun_rows,
)
from experiments.knee_rmq.settings import PRESETS, Settings
from experiments.knee_rmq.study import Study
from experiments.knee_rmq.target import reference_rows
from experiments.run import Command, Run
from experiments.several import carry_out_all
from experiments.trainings import Arm, learn_all, refuse_odd_sizes
from jaxqmri import training
from jaxqmri.io import InputError
from jaxqmri.training import Split

BALANCE = ("group", "sex")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the experiment; the exit code."""
    command = shared.parse(NAME, knee_rmq.__doc__ or "", PRESETS, argv)
    return shared.execute(lambda: experiment(command))


def experiment(command: Command[Settings]) -> None:
    """Carry out the runs that a command asks for.

    Raises
    ------
    InputError
        If the command or the data cannot be used.
    """
    refuse_nonsense(command.settings)
    carry_out_all(command, JOINING, carry_out, "VFA")


def refuse_nonsense(settings: Settings) -> None:
    """Tell what cannot be done before a run folder is made.

    Raises
    ------
    InputError
        If a setting makes no sense.
    """
    if any(not 0 <= weight < np.inf for weight in settings.physics):
        raise InputError(f"--physics {settings.physics}: expected weights, zero or above")
    if settings.smoothing < 0:
        raise InputError(f"--smoothing {settings.smoothing:g}: expected mm, zero or above")
    if len(set(settings.inputs)) < len(settings.inputs):
        raise InputError(f"--inputs {' '.join(settings.inputs)}: one of them is named twice")
    if not settings.inputs:
        raise InputError("--inputs: expected at least one")
    if len(set(settings.physics)) < len(settings.physics):
        raise InputError(f"--physics {settings.physics}: one of the weights is given twice")
    if not set(settings.physics_inputs) <= set(settings.inputs):
        raise InputError(
            f"--physics-inputs {' '.join(settings.physics_inputs)}: expected some of --inputs "
            f"{' '.join(settings.inputs)}"
        )
    learning = settings.learning
    if min(learning.period, learning.steps, learning.checks) < 1:
        raise InputError("--period, --steps, --checks: expected whole numbers above zero")
    if learning.margin < 0:
        raise InputError(f"--margin {learning.margin}: expected pixels, zero or above")
    if not 0 <= learning.cross_entropy <= 1:
        raise InputError(f"--cross-entropy {learning.cross_entropy:g}: expected 0 to 1")


def carry_out(run: Run[Settings], cohort: Cohort) -> None:
    """Simulate or read, register, fit, learn, judge, report."""
    settings, seed = run.settings, run.command.seed
    if run.command.data is None:
        cohort.make(KNEE)
    else:
        keep_fingerprint(run, fingerprint)
    study = read_study(run)
    if settings.physics:
        refuse_odd_sizes(
            study.label.shape[1:], settings.learning.size, len(settings.learning.features)
        )
    split = split_of(study, settings, seed)
    reference = fit_reference(study, settings)
    test = Test.of(study, reference, split)
    run.results = protocol_rows() + participant_rows(study, split)
    run.results += reference_rows(study, reference, test, seed)
    report.say_head(run.results, study)
    found = untrained(study, reference, split, settings)
    for arm, estimates in found.items():
        _add(run, test, arm, estimates)
    learner = Learner(run, study, reference, split) if settings.physics else None
    ends = {} if learner is None else train_all(run, learner)
    networks = learnt(ends)
    for arm, estimates in networks.items():
        _add(run, test, arm, estimates)
    found |= networks
    run.results += segmentation_rows(test, networks, seed)
    run.results += agreement_rows(study, test, found, seed)
    run.results += compression_rows(test, found, seed)
    run.results += fall_rows(test, found, seed) + comparison_rows(test, found, seed)
    run.results += unrun_rows(found) + trained_rows(ends)
    run.tick()
    if not run.writes:
        return
    write_maps(run, study, reference, split, found)
    report.write(run, study, reference, test, found, ends)


def split_of(study: Study, settings: Settings, seed: int) -> Split:
    """Training, validation and test subjects, the same for everything that is compared.

    A column ``fold`` is obeyed: those called ``test`` are for testing, or else its first fold.

    Raises
    ------
    InputError
        If there are too few subjects, or the table's folds make no sense.
    """
    people = [dict(person) for person in study.participants]
    balance = [column for column in BALANCE if any(column in person for person in people)]
    try:
        own = [person.get("fold") for person in people]
        if any(fold is not None for fold in own):
            first = "test" if "test" in own else sorted({str(fold) for fold in own})[0]
            testing = np.array([str(fold) == first for fold in own])
        else:
            parts = training.assign_folds(people, balance=balance, count=settings.parts, seed=seed)
            testing = parts < settings.test_parts
        outside = int(np.sum(~testing))
        wanted = settings.validation
        part = wanted if wanted < 1 else wanted / max(outside, 1)
        if not (testing.any() and 0 < part < 1):
            raise ValueError(
                f"{int(testing.sum())} test subjects, {outside} others: expected some to test on, "
                "and more of the others than watch the training"
            )
        # the test is the first of two folds
        splits = training.make_splits(
            people, np.where(testing, 0, 1), balance=balance, validation=part, seed=seed
        )
    except ValueError as error:
        raise InputError(
            f"--parts {settings.parts}, --test-parts {settings.test_parts}, "
            f"--validation {settings.validation:g}: {error}"
        ) from None
    return splits[0]


def train_all(run: Run[Settings], learner: Learner) -> dict[OneTraining, End]:
    """Train every network that is asked for."""
    settings = run.settings
    held = settings.physics_inputs or settings.inputs
    arms = [
        OneTraining(name, weight, seed)
        for seed in range(run.command.seed, run.command.seed + settings.seeds)
        for weight in settings.physics
        for name in settings.inputs
        if not weight or name in held
    ]
    return learn_all(run, arms, learner.learn, lambda arm: f"{arm.input}, physics {arm.physics:g}")


def _add(run: Run[Settings], test: Test, arm: Arm, found: Estimates) -> None:
    rows = estimate_rows(test, arm, found, run.command.seed)
    run.results += rows
    report.say_arm(arm, rows)
    run.tick()
