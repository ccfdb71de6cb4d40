"""How well phases are told: rows of one model in one evaluation, and what lies between two."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from experiments.disc_phases import paper
from experiments.disc_phases.metrics import (
    ACCURACY,
    AUC,
    CORRELATION,
    ERROR,
    F1,
    FOLD_AUC,
    MACRO,
    MICRO,
    NETWORK,
    PARTS,
    PRECISION,
    RECALL,
    TEST,
    WEIGHTED,
    average,
    row,
)
from experiments.disc_phases.phases import PHASES
from experiments.disc_phases.study import Study
from experiments.run import Result
from experiments.trainings import Arm
from jaxqmri.analysis import (
    Estimate,
    Interval,
    area_difference,
    area_under_curve,
    classification_scores,
    resampling,
)
from jaxqmri.report import compared

AVERAGES = (MACRO, WEIGHTED)
Numbers = Int[np.ndarray, " d"]
Probabilities = Float[np.ndarray, "d 3"]


def phase_rows(
    model: str,
    source: str,
    study: Study,
    probabilities: Probabilities,
    part: Numbers | None,
    seed: int,
) -> list[Result]:
    """Areas under ROC curves, precision, recall, F1 and accuracy; none where no disc was tested.

    Parameters
    ----------
    model, source
        Names of the rows.
    study
        Measured phases, and patients, whom intervals resample.
    probabilities
        Predicted; not a number where a disc was not tested.
    part
        Which of several classifiers told each disc's: areas compare discs of one alone.
    seed
        Of the resampling.
    """
    tested = np.isfinite(probabilities).all(axis=1)
    if not tested.any():
        return []
    truth, told, whose = study.phases[tested], probabilities[tested], study.owner[tested]
    stratum = None if part is None else part[tested]
    areas = area_under_curve(truth, told, owner=whose, stratum=stratum, seed=seed)
    scores = classification_scores(truth, told.argmax(axis=1), len(PHASES), owner=whose, seed=seed)
    beside = model == NETWORK and source.endswith(TEST)
    rows = []
    for name, area in zip(
        (*PHASES, *AVERAGES, MICRO), (*areas.classes, areas.macro, areas.weighted, areas.micro),
        strict=True,
    ):  # fmt: skip
        printed = paper.AUC.get("average" if name == MACRO else name) if beside else None
        rows.append(
            row(model, source, *_named(AUC, name), _interval(area), n=truth.size, sd=area.sd,
                paper=printed.value if printed else None)
        )  # fmt: skip
    for name, own in zip(
        (*PHASES, *AVERAGES), (*scores.classes, scores.macro, scores.weighted), strict=True
    ):
        for metric, found, printed in (
            (PRECISION, own.precision, paper.PRECISION),
            (RECALL, own.recall, paper.RECALL),
            (F1, own.f1, paper.F1),
        ):
            rows.append(
                row(model, source, *_named(metric, name), _interval(found), n=own.support,
                    sd=found.sd, paper=printed[name] if beside else None)
            )  # fmt: skip
    rows.append(
        row(model, source, ACCURACY, None, "", _interval(scores.accuracy), n=truth.size,
            sd=scores.accuracy.sd, paper=paper.ACCURACY if beside else None)
    )  # fmt: skip
    return rows


def fold_rows(
    model: str, source: str, phases: Numbers, probabilities: Probabilities, part: Numbers
) -> list[Result]:
    """Area of each fold, mean over the phases, and the mean of the folds."""
    found = []
    for fold in range(int(part.max()) + 1):
        own = part == fold
        found.append(area_under_curve(phases[own], probabilities[own]).macro.value)
    beside = model == NETWORK and len(found) == len(paper.FOLD_AUC)
    rows = [
        row(model, source, AUC, f"fold {fold + 1}", "", value) for fold, value in enumerate(found)
    ]
    spread = float(np.nanstd(found, ddof=1)) if len(found) > 1 else None
    return [
        *rows,
        row(model, source, FOLD_AUC, None, "", float(np.nanmean(found)), n=len(found), sd=spread,
            paper=paper.FOLD_AUC_MEAN if beside else None),
    ]  # fmt: skip


def difference_row(
    arms: tuple[Arm, Arm],
    study: Study,
    probabilities: tuple[Probabilities, Probabilities],
    parts: tuple[Numbers, Numbers],
    seed: int,
) -> list[Result]:
    """Mean area of one model in one evaluation less another's, over the discs that both tested."""
    tested = np.isfinite(np.concatenate(probabilities, axis=1)).all(axis=1)
    if not tested.any():
        return []
    first, second = (one[tested] for one in probabilities)
    found = area_difference(
        study.phases[tested],
        first,
        second,
        owner=study.owner[tested],
        stratum=parts[0][tested],
        second_stratum=parts[1][tested],
        seed=seed,
    )
    model, source = compared(*arms)
    return [
        row(model, source, average(AUC, MACRO), None, "", _interval(found),
            n=int(tested.sum()), sd=found.sd)
    ]  # fmt: skip


def t1rho_rows(
    source: str,
    measured: Float[np.ndarray, "d 3"],
    predicted: Float[np.ndarray, "d 3"],
    owner: Numbers,
    seed: int,
) -> list[Result]:
    """Error and correlation of the predicted maximum, minimum and mean."""
    tested = np.isfinite(predicted).all(axis=1)
    rows: list[Result] = []
    if not tested.any():
        return rows
    for k, part in enumerate(PARTS):
        truth, told = measured[tested, k], predicted[tested, k]
        rows.append(
            row(NETWORK, source, ERROR, part, "ms",
                _mean_over(owner[tested], np.abs(told - truth), seed), n=truth.size)
        )  # fmt: skip
        r = float(np.corrcoef(truth, told)[0, 1]) if truth.size > 2 else np.nan
        rows.append(row(NETWORK, source, CORRELATION, part, "", r, n=truth.size))
    return rows


def _named(metric: str, name: str) -> tuple[str, str | None, str]:
    """Metric, region and unit of a phase, or of an average over them."""
    return (metric, name, "") if name in PHASES else (average(metric, name), None, "")


def _mean_over(owner: Numbers, values: Float[np.ndarray, " d"], seed: int) -> Interval:
    """Mean over discs, with its interval over patients."""
    sums, counts = np.bincount(owner, weights=values), np.bincount(owner)
    return resampling.ratio(sums, counts, seed=seed)[0]


def _interval(found: Estimate) -> Interval:
    return Interval(found.value, found.low, found.high)
