"""What the paper claims, and what we add, as predictions.

A claim rests on numbers with 95 % intervals over patients, on paired differences over the same
discs, or, of detections, on average precision by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from experiments.disc_phases.metrics import (
    ACCURACY,
    AP,
    AUC,
    COLUMN,
    DETECTOR,
    FIVE_FOLDS,
    FRESH,
    LEARNT,
    LOWEST,
    MACRO,
    NETWORK,
    NULL,
    PATIENTS,
    SHUFFLED,
    TEST,
    TEXT,
    average,
    evaluated,
)
from experiments.disc_phases.phases import PHASES
from experiments.disc_phases.rungs import LEVEL_AGE, SHAPE
from experiments.run import Result
from experiments.trainings import Arm
from jaxqmri import report
from jaxqmri.report import Claim, Criterion, Finding, Judged, Rows

LARGER, CHANCE = Criterion(above=0.0), Criterion(above=0.5)
FOUND = Criterion(above=0.99)
MEAN_AREA = average(AUC, MACRO)
TREATED = PHASES[1]
APART, AS_TOLD = evaluated(PATIENTS, FIVE_FOLDS), evaluated(TEXT, FIVE_FOLDS)


def judge(results: Iterable[Result], short: Collection[Arm] = ()) -> tuple[Rows, list[Judged]]:
    """Hold every claim against the rows of a run.

    Parameters
    ----------
    results
        All rows.
    short
        Networks of which a training stopped short of its plateau, with what they are judged in.

    Returns
    -------
    rows, judged
        What claims rest on, and how they stand.
    """
    entries = [result.entry() for result in results]
    treated = [
        {**entry, "metric": of_phase_2(entry["metric"]), "region": None}
        for entry in entries
        if entry["region"] == TREATED
    ]
    rows = Rows(
        [*entries, *treated],
        short=short,
        common={"visit": None, "region": None},
    )
    return rows, report.judge(CLAIMS, rows)


def of_phase_2(metric: str) -> str:
    """A measure of phase 2 alone, as a number of no region."""
    return f"{metric}, {TREATED}"


def beats_level_and_age(rows: Rows) -> list[Finding]:
    """What networks add to level and age, and their own mean area less that of both."""
    return [
        rows.difference(LARGER, (model, APART), (LEVEL_AGE, APART), MEAN_AREA)
        for model in (LEARNT, NETWORK)
    ]


def beats_shape(rows: Rows) -> list[Finding]:
    """Mean area of the networks less that of hand-made features, patients apart."""
    return [rows.difference(LARGER, (NETWORK, APART), (SHAPE, APART), MEAN_AREA)]


def flattered(rows: Rows) -> list[Finding]:
    """Mean area as the text allows less that with patients apart, the same discs."""
    return [rows.difference(LARGER, (NETWORK, AS_TOLD), (NETWORK, APART), MEAN_AREA)]


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "finds and names discs",
        "A detector finds the five lumbar discs and names their levels.",
        f"{AP}, {LOWEST}, test and fresh patients: above 0.99",
        lambda rows: [
            rows.value(FOUND, model, source, f"{AP}, {LOWEST}")
            for model, source in ((DETECTOR, TEST), (COLUMN, TEST), (COLUMN, FRESH))
        ],
    ),
    Claim(
        "tells phases",
        "Phases of T1rho can be told from T1-weighted images.",
        "mean area under the ROC curves: above 0.5",
        lambda rows: [
            rows.value(CHANCE, NETWORK, evaluated(how, which), MEAN_AREA)
            for how in (PATIENTS, TEXT)
            for which in (TEST, FIVE_FOLDS)
        ],
    ),
    Claim(
        "the phase to treat",
        "Phase 2, in which treatment may still help, can be told from the two others.",
        "area under the ROC curve of phase 2: above 0.5",
        lambda rows: [
            rows.value(CHANCE, NETWORK, evaluated(how, which), of_phase_2(AUC))
            for how in (PATIENTS, TEXT)
            for which in (TEST, FIVE_FOLDS)
        ],
    ),
    Claim(
        "accurate",
        "More than four of five discs are put into the right phase.",
        "accuracy: above 0.8",
        lambda rows: [
            rows.value(Criterion(above=0.8), NETWORK, evaluated(how, TEST), ACCURACY)
            for how in (PATIENTS, TEXT)
        ],
    ),
    Claim(
        "beyond level and age",
        "Networks see more than a disc's level and its patient's age tell.",
        f"mean area, {LEARNT} and {NETWORK} minus {LEVEL_AGE}, patients apart: above 0",
        beats_level_and_age,
        ours=True,
    ),
    Claim(
        "beyond shape",
        "Networks see more than a dozen hand-made numbers tell.",
        f"mean area, {NETWORK} minus {SHAPE}, patients apart: above 0",
        beats_shape,
        ours=True,
    ),
    Claim(
        "discs are not patients",
        "Folds of discs, and a classifier trained on what networks say of discs that they have "
        "learnt, flatter.",
        "mean area, as the text allows minus patients apart: above 0",
        flattered,
        ours=True,
    ),
    Claim(
        "nothing without coupling",
        "Where degeneration does not show in the images networks add nothing to level and age.",
        f"mean area at coupling 0, mean of cohorts, {LEARNT} minus {LEVEL_AGE}, and minus "
        f"{SHUFFLED}: below 0.01",
        lambda rows: [
            rows.difference(Criterion(below=0.01), (LEARNT, NULL), (other, NULL), MEAN_AREA)
            for other in (LEVEL_AGE, SHUFFLED)
        ],
        ours=True,
    ),
)
