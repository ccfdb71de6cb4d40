"""What each fit makes of the same echoes: T2, voxels without one, and how well it repeats."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from experiments.knee_t2.comparisons import SUBREGIONS
from experiments.knee_t2.metrics import MS, PERCENT, READER_1, row
from experiments.knee_t2.reader_maps import drawn_t2, reading_of
from experiments.knee_t2.readings import NAMES, means_of, usual_voxels
from experiments.knee_t2.study import Study
from experiments.knee_t2.t2_fits import FITS
from experiments.run import Result, progress
from jaxqmri import analysis
from jaxqmri.analysis import resampling
from jaxqmri.analysis.cartilage import Rule

LEVELS = ("all", "D", "S")
KEPT = "drawn voxels with a T2"
LEVEL, OFF, REPEATS = "T2", "T2 less the true one", "CV of a repeated scan"
REPEATS_SUBREGIONS = f"{REPEATS}, mean over the twelve subregions"


def fit_rows(study: Study, again: Study | None, rule: Rule, seed: int) -> list[Result]:
    """Every fit in Reader 1's cartilage of the first visits.

    Parameters
    ----------
    study
        Visits of some subjects.
    again
        The same subjects scanned once more; None where nobody was.
    rule
        By which subregions are told.
    seed
        Of the resampling of subjects.
    """
    rows: list[Result] = []
    first = study.first_visits
    for how in progress(list(FITS), "fits", "fit", len(FITS)):
        maps = drawn_t2(study, how, first)
        reading = reading_of(study, maps, "reader1", rule)
        usual = usual_voxels(reading)
        means = means_of(reading, first, usual)
        for region in LEVELS:
            own = means[:, NAMES.index(region)]
            rows.append(
                row(how, READER_1, LEVEL, MS, resampling.mean(own, seed=seed), region=region,
                    n=own.size, sd=float(np.nanstd(own)))
            )  # fmt: skip
        kept = [_kept(study, maps[v], v) for v in first]
        rows.append(row(how, READER_1, KEPT, PERCENT, resampling.mean(kept, seed=seed)))
        off = [_off_truth(study, maps[v], v) for v in first]
        if np.isfinite(off).any():
            rows.append(row(how, READER_1, OFF, MS, resampling.mean(off, seed=seed)))
        if again is not None:
            rows += _repeat_rows(how, study, again, means, usual, rule, seed)
    return rows


def _repeat_rows(
    how: str,
    study: Study,
    again: Study,
    means: Float[np.ndarray, "v 27"],
    usual: Float[np.ndarray, " 27"],
    rule: Rule,
    seed: int,
) -> list[Result]:
    """Coefficient of variation of a scan and its repetition, each with its own drawing."""
    first = again.first_visits
    maps = drawn_t2(again, how, first)
    repeated = means_of(reading_of(again, maps, "reader1", rule), first, usual)
    count = min(len(repeated), len(means))
    each = [
        analysis.pair_repeatability(means[:count, k], repeated[:count, k], seed=seed).cv
        for k in range(len(NAMES))
    ]
    rows = [
        row(how, READER_1, REPEATS, PERCENT, each[NAMES.index(region)], region=region, n=count)
        for region in LEVELS
    ]
    over = float(np.nanmean([each[k].value for k in SUBREGIONS]))
    return [*rows, row(how, READER_1, REPEATS_SUBREGIONS, PERCENT, over, n=count)]


def _kept(study: Study, t2: np.ndarray, visit: int) -> float:
    return 100.0 * float(np.isfinite(t2[study.visits[visit].drawn["reader1"]]).mean())


def _off_truth(study: Study, t2: np.ndarray, visit: int) -> float:
    """Mean over voxels of T2 less the true one; NaN where that is not known."""
    own = study.visits[visit]
    if own.truth is None:
        return np.nan
    difference = t2[own.inside] - own.truth
    difference = difference[own.drawn["reader1"][own.inside]]
    return float(np.nanmean(difference)) if np.isfinite(difference).any() else np.nan
