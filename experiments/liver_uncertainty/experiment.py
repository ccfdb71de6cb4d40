"""The steps of the experiment, in order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from experiments import liver_uncertainty
from experiments import run as shared
from experiments.cohorts import Cohort
from experiments.folds import split_people
from experiments.kept_networks import End
from experiments.liver_uncertainty import report
from experiments.liver_uncertainty.doubt import Doubt, judge, rank_rows, thresholds_of
from experiments.liver_uncertainty.estimates import (
    Estimates,
    aside,
    learnt,
    scale_factor,
    scaled,
    untrained,
)
from experiments.liver_uncertainty.fits import fit_coarse, fit_target, noise_of
from experiments.liver_uncertainty.methods import ALL, RECIPES, SCALED
from experiments.liver_uncertainty.networks import Learner, OneTraining
from experiments.liver_uncertainty.paper import LBRU, LBUDR
from experiments.liver_uncertainty.patients import Study, read_study
from experiments.liver_uncertainty.plan import JOINING, MADE_FROM, NAME
from experiments.liver_uncertainty.results import (
    agreement_rows,
    comparison_rows,
    error_rows,
    participant_rows,
    reference_rows,
    trained_rows,
    unrun_rows,
)
from experiments.liver_uncertainty.settings import PRESETS, Settings
from experiments.liver_uncertainty.whole_liver import judge_whole_liver
from experiments.run import Command, Run
from experiments.several import carry_out_all
from experiments.trainings import refuse_odd_sizes
from jaxqmri.io import InputError
from jaxqmri.io.files import write_text
from jaxqmri.training import Point, Split

BALANCE = ("sex", "stage")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the experiment; the exit code."""
    command = shared.parse(NAME, liver_uncertainty.__doc__ or "", PRESETS, argv)
    return shared.execute(lambda: experiment(command))


def experiment(command: Command[Settings]) -> None:
    """Carry out the runs that a command asks for.

    Raises
    ------
    InputError
        If the command or the data cannot be used.
    """
    refuse_contradictions(command.settings)
    carry_out_all(command, JOINING, carry_out, "T1rhow")


def refuse_contradictions(settings: Settings) -> None:
    """Tell what cannot be done before a run folder is made.

    Raises
    ------
    InputError
        If settings contradict each other.
    """
    if settings.validation < 1:
        raise InputError(f"--validation {settings.validation}: expected at least one patient")
    if LBUDR in settings.methods and LBRU not in settings.methods:
        raise InputError(f"--methods has {LBUDR} without {LBRU}, whose doubt it is weighted by")


def carry_out(run: Run[Settings], cohort: Cohort) -> None:
    """Simulate or read, fit, learn, judge, report."""
    settings, seed = run.settings, run.command.seed
    if run.command.data is None:
        cohort.make("patient")
    study = read_study(run.data, settings.skip_incomplete)
    if settings.methods:
        refuse_odd_sizes(
            study.images.shape[1:3], settings.learning.size, len(settings.learning.features)
        )
    write_text(run.checkpoint(MADE_FROM), study.fingerprint)
    splits, folds = splits_of(study, settings, seed)
    target = fit_target(study, settings.cut_off)
    noise = noise_of(study)
    coarse = fit_coarse(study, settings.cut_off, noise)
    run.results = reference_rows(study, target, noise) + participant_rows(study)
    report.say_head(run.results, study)
    found = untrained(run, study, target, coarse, splits)
    for name in found:
        _add(run, study, target.t1rho, name, found[name])
    learner = Learner(run, study, splits, noise) if settings.methods else None
    ends = {} if learner is None else train_all(run, learner)
    networks = learnt(ends, splits, study)
    for name in networks:
        _add(run, study, target.t1rho, name, networks[name])
    found |= networks
    run.results += unrun_rows(found) + trained_rows(ends, settings.learning)
    found = {name: found[name] for name in ALL if name in found}
    for name, estimates in found.items():
        run.results += agreement_rows(study, target.t1rho, name, estimates, seed)
    run.results += comparison_rows(study, target.t1rho, found, seed)
    factors = {
        arm: scale_factor(study, target.t1rho, end, splits[arm.fold])
        for arm, end in ends.items()
        if arm.method == LBRU
    }
    doubting = {}
    for name, estimates in found.items():
        if estimates.uncertainty is not None:
            watched = [aside(name, ends, fold, coarse) for fold in range(len(splits))]
            doubting[name] = estimates, watched
        if name == LBRU:
            doubting[SCALED] = scaled(ends, splits, study, factors)
    doubts: dict[str, Doubt] = {}
    for name, (estimates, watched) in doubting.items():
        thresholds = thresholds_of(study, splits, watched)
        doubts[name], rows = judge(study, target, name, estimates, folds, thresholds, seed)
        run.results += rows
    run.results += rank_rows(doubts, seed)
    whole, rows = judge_whole_liver(
        study, noise, settings.cut_off, splits, folds, learner, list(ends), factors, seed
    )
    run.results += rows
    run.tick()
    if run.writes:
        report.write(run, study, target, found, ends, doubts, whole, splits)


def train_all(run: Run[Settings], learner: Learner) -> dict[OneTraining, End]:
    """Train every network that is asked for; those that need another's doubt come last."""
    from tqdm import tqdm

    settings = run.settings
    seeds = range(run.command.seed, run.command.seed + settings.seeds)
    arms = [
        OneTraining(method, fold, seed)
        for method in settings.methods
        for fold in range(settings.trained_folds)
        for seed in seeds
    ]
    ends: dict[OneTraining, End] = {}
    with tqdm(desc="train", unit="network", total=len(arms), dynamic_ncols=True) as bar:

        def said(arm: OneTraining, point: Point) -> None:
            told = f"fold {arm.fold + 1}, seed {arm.seed}: {point.metric:.3g}"
            bar.set_postfix_str(f"{arm.method}, {told}")

        def done() -> None:
            bar.update()
            run.tick()

        for weighted in (False, True):
            own = [arm for arm in arms if (RECIPES[arm.method].spatial > 0) == weighted]
            for arm, end in learner.learn(own, said, done, ends):
                ends[arm] = end
    return ends


def splits_of(
    study: Study, settings: Settings, seed: int
) -> tuple[list[Split], Int[np.ndarray, " p"]]:
    """Folds of patients, the same for everything that is compared, and the fold of each.

    Raises
    ------
    InputError
        If there are too few patients for them.
    """
    people = [dict(person) for person in study.participants]
    splits, folds = split_people(people, BALANCE, settings.folds, settings.validation, seed)
    if not 1 <= settings.trained_folds <= len(splits):
        raise InputError(
            f"--trained-folds {settings.trained_folds}: expected 1 to {len(splits)}, the folds"
        )
    return splits, folds


def _add(run: Run[Settings], study: Study, target: np.ndarray, name: str, found: Estimates) -> None:
    rows = error_rows(study, target, name, found, run.command.seed)
    run.results += rows
    report.say_method(rows)
    run.tick()
