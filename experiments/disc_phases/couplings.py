"""The second stage on cohorts in which degeneration shows more, less, or not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import stats

from experiments.cohorts import Cohort
from experiments.disc_phases.cohort import PATIENT, read_study
from experiments.disc_phases.evaluations import Dealt
from experiments.disc_phases.folds import patients_of
from experiments.disc_phases.metrics import (
    AUC,
    FIVE_FOLDS,
    LEARNT,
    MACRO,
    NETWORK,
    NULL,
    PATIENTS,
    SHUFFLED,
    average,
    coupled,
    evaluated,
    row,
)
from experiments.disc_phases.rungs import LEVEL_AGE, SHAPE
from experiments.disc_phases.scores import difference_row, phase_rows
from experiments.disc_phases.second_stage import (
    Found,
    deal,
    ladder_of,
    tell_phases,
    training_summary,
)
from experiments.disc_phases.settings import Settings
from experiments.disc_phases.study import Study
from experiments.kept_networks import End
from experiments.run import Result, Run
from jaxqmri.analysis import Interval, area_under_curve
from jaxqmri.report import compared

HOW = evaluated(PATIENTS, FIVE_FOLDS)
COMPARED = (
    (NETWORK, LEVEL_AGE),
    (LEARNT, LEVEL_AGE),
    (SHUFFLED, LEVEL_AGE),
    (LEARNT, SHUFFLED),
)  # over cohorts without coupling
NULL_FOLDS = 3  # six networks a cohort rather than fifteen


def coupling_rows(run: Run[Settings], cohort: Cohort, channels: int) -> list[Result]:
    """Networks and two rungs on one cohort of every other coupling, patients apart."""
    if not _varied(run, cohort):
        return []
    rows, seed = [], run.command.seed
    for coupling in run.settings.couplings:
        other = replace(cohort, settings={"coupling": coupling})
        study, dealt, stages = _second_stage(run, other, channels, f"coupling-{coupling:g}_")
        source, ladder = (
            coupled(coupling),
            ladder_of(study, dealt, seed, smote=run.settings.smote)[FIVE_FOLDS],
        )
        part = stages.judged[HOW].part
        known = {
            NETWORK: stages.judged[HOW].probabilities,
            LEARNT: stages.learnt[HOW],
            LEVEL_AGE: ladder[LEVEL_AGE],
            SHAPE: ladder[SHAPE],
        }
        for name, told in known.items():
            rows += phase_rows(name, source, study, told, part, seed)
        for name in (NETWORK, LEARNT):
            rows += difference_row(
                ((name, source), (LEVEL_AGE, source)),
                study,
                (known[name], known[LEVEL_AGE]),
                (part, part),
                seed,
            )
        rows += training_summary(stages.ends.values(), source)
    return rows


def null_rows(run: Run[Settings], cohort: Cohort, channels: int) -> list[Result]:
    """Mean gain over level and age, over cohorts in which degeneration does not show.

    The interval is Student's, over cohorts: each has patients, networks and three folds of its own.
    """
    count = run.settings.null_cohorts
    if not count or not _varied(run, cohort):
        return []
    areas: dict[str, list[float]] = {n: [] for n in (NETWORK, LEARNT, SHUFFLED, LEVEL_AGE)}
    ends: list[End] = []
    for number in range(1, count + 1):
        seed = cohort.seed + number
        other = replace(cohort, grid="quick", seed=seed, settings={"coupling": 0.0})
        study, dealt, stages = _second_stage(run, other, channels, f"null-{number}_", NULL_FOLDS)
        ladder = ladder_of(study, dealt, run.command.seed, smote=run.settings.smote)[FIVE_FOLDS]
        one = stages.judged[HOW]
        for name, told in (
            (NETWORK, one.probabilities),
            (LEARNT, stages.learnt[HOW]),
            (SHUFFLED, stages.shuffled[HOW]),
            (LEVEL_AGE, ladder[LEVEL_AGE]),
        ):
            areas[name].append(_area(study, told, one.part))
        ends += stages.ends.values()
    rows = training_summary(ends, NULL)
    for first, second in COMPARED:
        gain = np.subtract(areas[first], areas[second])
        between = stats.ttest_1samp(gain, 0.0).confidence_interval()
        model, _ = compared((first, NULL), (second, NULL))
        found = Interval(float(gain.mean()), float(between.low), float(between.high))
        spread = float(np.std(gain, ddof=1))
        rows.append(row(model, NULL, average(AUC, MACRO), None, "", found, n=count, sd=spread))
    return rows


def _varied(run: Run[Settings], cohort: Cohort) -> bool:
    """Whether there are cohorts of other couplings.

    Not of data given, nor of a variant of the study; nor with T2-weighted images, which show
    degeneration whatever the coupling is.
    """
    given = run.command.data is not None or bool(cohort.settings)
    return not given and not run.settings.use_t2w


def _second_stage(
    run: Run[Settings], cohort: Cohort, channels: int, name: str, folds: int | None = None
) -> tuple[Study, Dealt, Found]:
    """Networks and classifiers of a cohort, patients apart."""
    study = read_study(run, cohort.make(PATIENT))
    train, _ = patients_of(study.people, run.data, run.command.seed)
    dealt = deal(study, train, run, folds)
    crops = study.crops(channels, run.settings.regression.crop)
    return study, dealt, tell_phases(run, study, dealt, crops, whole=False, name=name)


def _area(study: Study, probabilities: np.ndarray, part: np.ndarray) -> float:
    """Mean area of the three phases over the discs that were tested."""
    tested = np.isfinite(probabilities).all(axis=1)
    truth, told = study.phases[tested], probabilities[tested]
    return area_under_curve(truth, told, stratum=part[tested]).macro.value
