"""The steps of the experiment, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from experiments import knee_t2
from experiments import run as shared
from experiments.cohorts import Cohort
from experiments.fingerprint import keep_fingerprint
from experiments.knee_t2 import report
from experiments.knee_t2.atlas import segment_by_atlas
from experiments.knee_t2.clusters import changes_of, cluster_rows
from experiments.knee_t2.cohort import KNEE, fingerprint, read_study
from experiments.knee_t2.comparisons import exceeding_rows, overlap_rows, region_rows
from experiments.knee_t2.fit_comparison import fit_rows
from experiments.knee_t2.maps import write_maps
from experiments.knee_t2.metrics import ATLAS, FOLDERS, READER_1
from experiments.knee_t2.networks import Learner
from experiments.knee_t2.participants import participant_rows, tissue_rows
from experiments.knee_t2.plan import JOINING, NAME
from experiments.knee_t2.reader_maps import confirmed, drawn_t2, reading_of
from experiments.knee_t2.readings import Reading, read
from experiments.knee_t2.search import Masks
from experiments.knee_t2.settings import PRESETS, Settings
from experiments.knee_t2.split import compared_visits, split_of
from experiments.knee_t2.study import Study
from experiments.knee_t2.t2_fits import OFFSET, TWO_PARAMETERS, t2_map
from experiments.knee_t2.trained import train_and_choose, trained_rows
from experiments.knee_t2.visits import read_echoes
from experiments.preparing import label_of
from experiments.run import Command, Run
from experiments.several import carry_out_all
from experiments.trainings import refuse_odd_sizes
from jaxqmri.analysis.cartilage import RULES, Rule
from jaxqmri.io import InputError
from jaxqmri.simulate import variants

HOW = {"offset": OFFSET, "two-parameters": TWO_PARAMETERS}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the experiment; the exit code."""
    command = shared.parse(NAME, knee_t2.__doc__ or "", PRESETS, argv)
    return shared.execute(lambda: experiment(command))


def experiment(command: Command[Settings]) -> None:
    """Carry out the runs that a command asks for.

    Raises
    ------
    InputError
        If the command or the data cannot be used.
    """
    refuse_nonsense(command.settings)
    carry_out_all(command, JOINING, carry_out, "MESE")


def refuse_nonsense(settings: Settings) -> None:
    """Tell what cannot be done before a run folder is made.

    Raises
    ------
    InputError
        If a setting makes no sense.
    """
    if settings.atlases < 0 or settings.repeated < 0 or settings.null < 0:
        raise InputError("--atlases, --repeated, --null: expected whole numbers, zero or above")
    if len(set(settings.choices)) < len(settings.choices):
        raise InputError("--search: expected changes of what is there already, each once")
    learning = settings.learning
    if min(learning.patience, learning.steps, learning.checks) < 1:
        raise InputError("--patience, --steps, --checks: expected whole numbers above zero")


def carry_out(run: Run[Settings], cohort: Cohort) -> None:
    """Simulate or read, fit, learn, divide, compare, report."""
    settings, seed = run.settings, run.command.seed
    if run.command.data is None:
        cohort.make(KNEE)
    else:
        keep_fingerprint(run, fingerprint)
    study = read_study(run, run.data)
    refuse_odd_sizes(
        study.slices.shape[1:3], settings.learning.size, len(settings.learning.features)
    )
    split = split_of(study.participants, run.data, seed)
    visits = compared_visits(study, split.test)
    rule, how = RULES[settings.rule], HOW[settings.fit]
    t2 = drawn_t2(study, how)
    drawn = {folder: confirmed(study, t2, folder) for folder in FOLDERS.values()}
    test = study.visits_of(split.test)
    readings: dict[str, Reading] = {
        reader: {
            v: read(study, v, drawn[folder][v], t2[v], rule) for v in test if v in drawn[folder]
        }
        for reader, folder in FOLDERS.items()
    }
    readings = {reader: own for reader, own in readings.items() if own}
    run.results = participant_rows(study, split)
    run.results += tissue_rows(readings[READER_1], visits, seed)
    report.say_head(run.results, study)
    cartilage = {
        folder: np.concatenate(
            [drawn[folder].get(v, np.zeros_like(one.inside)) for v, one in enumerate(study.visits)]
        )
        for folder in FOLDERS.values()
    }
    trained = train_and_choose(run, study, Learner(run, study, cartilage, split), drawn, how)
    for name, masks in trained.cartilage.items():
        said = trained.predicted[name]
        readings[name] = _reading(study, masks, {v: said[v].t2 for v in masks}, rule)
    if settings.atlases:
        train = np.intersect1d(study.visits_of(split.train), study.first_visits)
        masks = segment_by_atlas(run, study, drawn[FOLDERS[READER_1]], train, test)
        readings[ATLAS] = _atlas_reading(study, masks, rule, how)
        run.tick()
    run.results += overlap_rows(readings, visits, seed)
    regions = region_rows(readings, visits, seed)
    run.results += regions + exceeding_rows(readings, visits, regions)
    pairs = study.pairs(split.test)
    changes = {
        model: changes_of(own, pairs, settings.kathoma_sign) for model, own in readings.items()
    }
    null = _null_changes(run, cohort, rule, how)
    run.results += cluster_rows(changes, null, seed)
    run.results += _fit_rows(run, cohort, study, test, rule)
    run.results += trained_rows(trained)
    run.tick()
    if not run.writes:
        return
    write_maps(run, study, readings)
    report.write(run, study, readings, visits, changes, trained)


def _reading(study: Study, masks: Masks, t2: dict[int, np.ndarray], rule: Rule) -> Reading:
    """Cartilage that somebody else than a reader found; what cannot be divided is left out."""
    found = {}
    for v, inside in masks.items():
        try:
            found[v] = read(study, v, inside, t2[v], rule)
        except ValueError as error:
            shared.say(f"left out: {label_of(study.tasks[v].entities)}: {error}")
    return found


def _atlas_reading(study: Study, masks: Masks, rule: Rule, how: str) -> Reading:
    t2 = {}
    for v, inside in masks.items():
        echoes = read_echoes(study.tasks[v])
        t2[v] = t2_map(echoes.images, inside, echoes.times, study.visits[v].sigma, how)
    confirmed_masks = {v: inside & np.isfinite(t2[v]) for v, inside in masks.items()}
    return _reading(study, confirmed_masks, t2, rule)


def _null_changes(run: Run[Settings], cohort: Cohort, rule: Rule, how: str) -> list:
    """Changes by Reader 1 in simulated subjects whose tissue has not changed."""
    settings = run.settings
    if run.command.data is not None or not settings.null:
        return []
    own = replace(
        cohort, subjects=settings.null, settings={**cohort.settings, **variants.MESE_NULL}
    )
    study = read_study(run, own.make(KNEE))
    reading = reading_of(study, drawn_t2(study, how), FOLDERS[READER_1], rule)
    pairs = study.pairs(np.arange(len(study.participants)))
    return changes_of(reading, pairs, settings.kathoma_sign)


def _fit_rows(
    run: Run[Settings], cohort: Cohort, study: Study, test: np.ndarray, rule: Rule
) -> list:
    """Every fit, of subjects who are scanned twice where they are simulated, or of the tested."""
    settings, seed = run.settings, run.command.seed
    if run.command.data is not None or not settings.repeated:
        return fit_rows(study.only(test), None, rule, seed)
    once = study.only(study.visits_of(np.arange(settings.repeated)))
    repeated = replace(cohort, subjects=settings.repeated, repeat=1)
    return fit_rows(once, read_study(run, repeated.make(KNEE)), rule, seed)
