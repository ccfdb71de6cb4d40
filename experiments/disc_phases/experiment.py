"""The steps of the experiment, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from experiments import disc_phases
from experiments import run as shared
from experiments.cohorts import Cohort
from experiments.disc_phases import figures, report
from experiments.disc_phases.cohort import PATIENT, fingerprint, read_study
from experiments.disc_phases.column import Column
from experiments.disc_phases.couplings import coupling_rows, null_rows
from experiments.disc_phases.detections import IN_COLUMN, all_detection_rows, best_boxes
from experiments.disc_phases.detector import Detector
from experiments.disc_phases.folds import patients_of
from experiments.disc_phases.metrics import (
    DETECTOR,
    FIVE_FOLDS,
    FRESH,
    LEARNT,
    LEVELS,
    NETWORK,
    PATIENTS,
    TEST,
    TEXT,
    evaluated,
)
from experiments.disc_phases.participants import participant_rows, reliability_rows
from experiments.disc_phases.plan import JOINING, NAME
from experiments.disc_phases.rungs import LEVEL_AGE, SHAPE
from experiments.disc_phases.scores import difference_row, fold_rows, phase_rows, t1rho_rows
from experiments.disc_phases.second_stage import (
    Found,
    Probabilities,
    deal,
    ladder_of,
    tell_phases,
    training_summary,
)
from experiments.disc_phases.settings import PRESETS, Settings
from experiments.disc_phases.study import Study
from experiments.fingerprint import keep_fingerprint
from experiments.run import Command, Result, Run
from experiments.several import carry_out_all
from experiments.trainings import training_rows
from jaxqmri.io import InputError

BOTH = 2  # contrasts: T1-weighted and T2-weighted
ANOTHER = 1_000  # added to the seed of the cohort that only the detector is tried on


def main(argv: Sequence[str] | None = None) -> int:
    """Run the experiment; the exit code."""
    command = shared.parse(NAME, disc_phases.__doc__ or "", PRESETS, argv)
    return shared.execute(lambda: experiment(command))


def experiment(command: Command[Settings]) -> None:
    """Carry out the runs that a command asks for.

    Raises
    ------
    InputError
        If the command or the data cannot be used.
    """
    refuse_nonsense(command.settings)
    carry_out_all(command, JOINING, carry_out, None)


def refuse_nonsense(settings: Settings) -> None:
    """Tell what cannot be done before a run folder is made.

    Raises
    ------
    InputError
        If a setting makes no sense.
    """
    if settings.folds < 3:
        raise InputError(f"--folds {settings.folds}: expected 3 at least, two are left out at once")
    if settings.seeds != 1:
        raise InputError(
            f"--seeds {settings.seeds}: expected 1, other trainings take another --seed"
        )
    if min(settings.fresh, settings.null_cohorts, *settings.couplings) < 0:
        raise InputError("--fresh, --couplings, --null-cohorts: expected numbers, zero or above")
    if settings.null_cohorts == 1:
        raise InputError("--null-cohorts 1: expected none, or two at least")
    if settings.window and (len(settings.window) != 2 or settings.window[0] <= 0):
        raise InputError("--window: expected a width above 0 and a level")
    if not 0 < settings.aside < 1:
        raise InputError(f"--aside {settings.aside:g}: expected a part, above 0 and below 1")
    if settings.detection.size % 32:
        raise InputError(f"--size {settings.detection.size}: expected a multiple of 32")


def carry_out(run: Run[Settings], cohort: Cohort) -> None:
    """Simulate or read, find discs, tell phases, climb the rungs, report."""
    settings, seed = run.settings, run.command.seed
    if run.command.data is None:
        cohort.make(PATIENT)
    else:
        keep_fingerprint(run, fingerprint)
    study = read_study(run, run.data)
    channels = BOTH if settings.use_t2w else 1
    if study.images.shape[-1] < channels:
        raise InputError(
            f"{run.data}: no T2w image of every patient, which the networks are to see"
        )
    train, test = patients_of(study.people, run.data, seed)
    run.results = participant_rows(study, train, test) + reliability_rows(study, seed)
    report.say_head(study)
    dealt = deal(study, train, run)

    detector = _detector(run, study, channels, train, test)
    column = Column.of(study.boxes[train])
    found = detector.detect(study.seen(channels)[test])
    run.results += all_detection_rows(found, column, study.boxes[test], TEST, beside=True)
    run.results += training_rows(
        (DETECTOR, TEST), [detector.end.curve], [detector.end.settled], unit=""
    )
    run.results += _fresh_rows(run, cohort, detector, column, channels)
    boxes = np.full_like(study.boxes, np.nan)
    boxes[test] = best_boxes(column.choose(found), test.size, IN_COLUMN)
    run.tick()

    # test patients are seen about the boxes that were found, training patients about those drawn
    seen = np.where(np.isfinite(boxes), boxes, study.boxes)
    stages = tell_phases(run, study, dealt, study.crops(channels, settings.regression.crop, seen))
    stages = _less_what_was_missed(stages, boxes, test)
    run.results += _network_rows(study, stages, seed)
    ladders = ladder_of(study, dealt, seed, smote=settings.smote, boxes=seen)
    run.results += _rung_rows(study, stages, ladders, seed)
    run.results += training_summary(stages.ends.values(), evaluated(PATIENTS, FIVE_FOLDS))
    run.results += coupling_rows(run, cohort, channels)
    run.results += null_rows(run, cohort, channels)
    run.tick()
    if not run.writes:
        return
    drawn = figures.draw_all(study, stages.judged, boxes, _ends(detector, stages), run.results)
    report.write(run, study, drawn)


def _detector(
    run: Run[Settings],
    study: Study,
    channels: int,
    train: Int[np.ndarray, " _"],
    test: Int[np.ndarray, " _"],
) -> Detector:
    """The detector, watched on a part of the training patients."""
    count = max(1, round(run.settings.aside * train.size))
    aside = np.random.default_rng(run.command.seed).permutation(train)[:count]
    described = {
        "test_subjects": [study.people[p]["participant_id"] for p in test],
        "simulated": study.simulated,
    }
    left = np.setdiff1d(train, aside)
    return Detector(run, study.seen(channels), study.boxes, left, aside, described)


def _fresh_rows(
    run: Run[Settings], cohort: Cohort, detector: Detector, column: Column, channels: int
) -> list[Result]:
    """Detection in simulated patients of another seed, of whom there are more."""
    if run.command.data is not None or not run.settings.fresh:
        return []
    own = replace(cohort, subjects=run.settings.fresh, seed=cohort.seed + ANOTHER)
    study = read_study(run, own.make(PATIENT))
    found = detector.detect(study.seen(channels))
    return all_detection_rows(found, column, study.boxes, FRESH)


def _less_what_was_missed(
    stages: Found, boxes: Float[np.ndarray, "p 5 4"], test: Int[np.ndarray, " _"]
) -> Found:
    """Discs of test patients that the detector did not find have no prediction."""
    lost = np.zeros(boxes.shape[:2], bool)
    lost[test] = ~np.isfinite(boxes[test]).all(axis=-1)
    missed = lost.reshape(len(boxes) * len(LEVELS), 1)
    judged = {
        source: one._replace(
            t1rho=np.where(missed, np.nan, one.t1rho),
            probabilities=np.where(missed, np.nan, one.probabilities),
        )
        for source, one in stages.judged.items()
    }
    learnt = {source: np.where(missed, np.nan, one) for source, one in stages.learnt.items()}
    return stages._replace(judged=judged, learnt=learnt)


def _network_rows(study: Study, stages: Found, seed: int) -> list[Result]:
    rows = []
    for source, one in stages.judged.items():
        rows += phase_rows(NETWORK, source, study, one.probabilities, one.part, seed)
        rows += t1rho_rows(source, study.t1rho, one.t1rho, study.owner, seed)
        if source.endswith(FIVE_FOLDS):
            rows += fold_rows(NETWORK, source, study.phases, one.probabilities, one.part)
    return rows


def _rung_rows(
    study: Study, stages: Found, ladders: Mapping[str, Mapping[str, Probabilities]], seed: int
) -> list[Result]:
    """What the rungs reach, and what networks do beyond two of them and beyond their own folds."""
    judged, rows = stages.judged, []
    for which, ladder in ladders.items():
        source = evaluated(PATIENTS, which)
        known, part = {**ladder, LEARNT: stages.learnt[source]}, judged[source].part
        for name, told in known.items():
            rows += phase_rows(name, source, study, told, part, seed)
        known[NETWORK] = judged[source].probabilities
        for first, second in ((NETWORK, LEVEL_AGE), (NETWORK, SHAPE), (LEARNT, LEVEL_AGE)):
            rows += difference_row(
                ((first, source), (second, source)),
                study,
                (known[first], known[second]),
                (part, part),
                seed,
            )
    text, apart = (evaluated(how, FIVE_FOLDS) for how in (TEXT, PATIENTS))
    return rows + difference_row(
        ((NETWORK, text), (NETWORK, apart)),
        study,
        (judged[text].probabilities, judged[apart].probabilities),
        (judged[text].part, judged[apart].part),
        seed,
    )


def _ends(detector: Detector, stages: Found) -> dict[str, dict]:
    return {
        DETECTOR: {DETECTOR: detector.end},
        "second stage": {arm.label: end for arm, end in stages.ends.items()},
    }
