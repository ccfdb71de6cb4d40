"""What the paper claims, and what we add, as predictions.

A claim rests on numbers with 95 % intervals over the test subjects, or on paired differences over
the same subjects.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from experiments.knee_t2.clusters import NULL_COHORT
from experiments.knee_t2.metrics import (
    ATLAS,
    CHANGE,
    COVERAGE,
    DICE,
    ERROR,
    LARGEST,
    NETWORK,
    NETWORK_2,
    OVER_SUBREGIONS,
    READER_1,
    READER_2,
    SPEARMAN,
    SUBSET,
    VALUE,
    against,
    of,
)
from experiments.run import Result
from experiments.trainings import Arm
from jaxqmri import report
from jaxqmri.report import Claim, Criterion, Finding, Judged, Rows

LARGER, SMALLER = Criterion(above=0.0), Criterion(below=0.0)
ERRORS = of(VALUE, f"{ERROR}, {OVER_SUBREGIONS}")
NEAR = {VALUE: 2.0, CHANGE: 3.0}  # ms
HIGH = {VALUE: 0.85, CHANGE: 0.75}  # what rounds to less than the paper's lies below
FIRST, BOTH = against(READER_1), against(READER_1, SUBSET)
SECOND = against(READER_2, SUBSET)


def judge(results: Iterable[Result], short: Collection[Arm] = ()) -> tuple[Rows, list[Judged]]:
    """Hold every claim against the rows of a run.

    Parameters
    ----------
    results
        All rows.
    short
        Networks of which a training stopped short of its plateau, with what they are compared
        with.

    Returns
    -------
    rows, judged
        What claims rest on, and how they stand.
    """
    rows = Rows(
        [result.entry() for result in results],
        short=short,
        common={"visit": None, "region": None},
    )
    return rows, report.judge(CLAIMS, rows)


def overlap_as_reader(rows: Rows) -> list[Finding]:
    """Overlap of the network with Reader 1 less Reader 2's, the same visits."""
    return [rows.difference(LARGER, (NETWORK, BOTH), (READER_2, BOTH), DICE)]


def t2_as_reader(rows: Rows) -> list[Finding]:
    """Regional error of the network less Reader 2's, the same visits."""
    return [rows.difference(SMALLER, (NETWORK, BOTH), (READER_2, BOTH), ERRORS)]


def clusters_of_change(rows: Rows) -> list[Finding]:
    """Share of the plate in clusters less that without change."""
    return [rows.difference(LARGER, (READER_1, FIRST), (READER_1, NULL_COHORT), COVERAGE)]


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "as a second reader",
        "The network agrees with Reader 1 at least as closely as Reader 2 does, in overlap.",
        f"Dice, {NETWORK} minus {READER_2}, same visits: above 0",
        overlap_as_reader,
    ),
    Claim(
        "as a second reader, T2",
        "The network's regional T2 is as close to Reader 1's as Reader 2's is.",
        f"mean absolute error over the twelve subregions, {NETWORK} minus {READER_2}: below 0",
        t2_as_reader,
    ),
    Claim(
        "close everywhere",
        "Every subregion's T2 is within 2 ms of Reader 1's on average, its change within 3 ms.",
        "largest mean absolute error of the twelve: below 2 and 3 ms",
        lambda rows: [
            rows.value(Criterion(below=NEAR[q]), NETWORK, FIRST, of(q, f"{ERROR}, {LARGEST}"))
            for q in (VALUE, CHANGE)
        ],
    ),
    Claim(
        "ranks subjects",
        "Regional T2 and its change rank subjects as Reader 1's do.",
        "mean of Spearman's r over the twelve subregions: above 0.85 and 0.75",
        lambda rows: [
            rows.value(
                Criterion(above=HIGH[q]), NETWORK, FIRST, of(q, f"{SPEARMAN}, {OVER_SUBREGIONS}")
            )
            for q in (VALUE, CHANGE)
        ],
    ),
    Claim(
        "clusters",
        "The share of the plate in clusters of change ranks subjects as Reader 1's does.",
        "Spearman's r of the share: above 0",
        lambda rows: [rows.value(LARGER, NETWORK, FIRST, of(COVERAGE, SPEARMAN))],
    ),
    Claim(
        "clusters are change",
        "Clusters cover more of the plate than they do without any change.",
        f"share by Reader 1, less that of the cohort with {NULL_COHORT}: above 0",
        clusters_of_change,
        ours=True,
    ),
    Claim(
        "a network learns its reader",
        "Trained on Reader 2 it agrees with Reader 2 better than trained on Reader 1.",
        f"Dice with Reader 2, {NETWORK_2} minus {NETWORK}: above 0",
        lambda rows: [
            rows.difference(
                LARGER, (NETWORK_2, SECOND), (NETWORK, SECOND), DICE,
            )
        ],
        ours=True,
    ),
    Claim(
        "better than an atlas",
        "The network's regional T2 is closer to Reader 1's than that of an atlas.",
        f"mean absolute error over the twelve subregions, {NETWORK} minus {ATLAS}: below 0",
        lambda rows: [rows.difference(SMALLER, (NETWORK, FIRST), (ATLAS, FIRST), ERRORS)],
        ours=True,
    ),
)  # fmt: skip
