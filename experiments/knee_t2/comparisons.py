"""Readings against each other: overlap, T2 and its change by region, what is better than what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.knee_t2 import paper
from experiments.knee_t2.agreement import Agreement, agreement
from experiments.knee_t2.masks import dice
from experiments.knee_t2.metrics import (
    ATLAS,
    BIAS,
    CHANGE,
    CV,
    DICE,
    ERROR,
    EXCEEDING,
    JACCARD,
    LARGEST,
    LIMITS_HIGH,
    LIMITS_LOW,
    MS,
    NETWORK,
    NETWORK_2,
    OVER_SUBREGIONS,
    PEARSON,
    PERCENT,
    READER_1,
    READER_2,
    RMS_CV,
    SPEARMAN,
    SUBSET,
    TEST,
    VALUE,
    P,
    against,
    of,
    row,
)
from experiments.knee_t2.readings import NAMES, Reading, means_of, usual_voxels
from experiments.run import Result
from jaxqmri import analysis
from jaxqmri.analysis import resampling
from jaxqmri.report import compared

SUBREGIONS = [NAMES.index(name) for name in paper.SUBREGIONS]
VALUES: Sequence[tuple[str, str, str]] = (
    (NETWORK, READER_1, TEST),
    (NETWORK, READER_1, SUBSET),
    (READER_2, READER_1, SUBSET),
    (NETWORK, READER_2, SUBSET),
    (NETWORK_2, READER_2, SUBSET),
    (NETWORK_2, READER_1, SUBSET),
    (ATLAS, READER_1, TEST),
)
CHANGES: Sequence[tuple[str, str]] = (
    (NETWORK, READER_1), (READER_2, READER_1), (ATLAS, READER_1), (NETWORK_2, READER_2),
)  # fmt: skip
OVERLAPS = {
    (NETWORK, READER_1, TEST): ("model", "reader 1", "all"),
    (NETWORK, READER_1, SUBSET): ("model", "reader 1", "subset"),
    (READER_2, READER_1, SUBSET): ("reader 2", "reader 1", "subset"),
    (NETWORK, READER_2, SUBSET): ("model", "reader 2", "subset"),
}


class Visits(NamedTuple):
    """Which visits are compared, a row for each test subject; -1 where there is none.

    Attributes
    ----------
    test
        Both visits.
    subset
        The one that both readers read.
    """

    test: np.ndarray
    subset: np.ndarray

    def of(self, which: str) -> np.ndarray:
        """The visits that a comparison is over."""
        return self.test if which == TEST else self.subset


def overlap_rows(readings: Mapping[str, Reading], visits: Visits, seed: int) -> list[Result]:
    """Table 2, and differences of overlap."""
    rows, found = [], {}
    for model, reader, which in VALUES:
        each = _overlaps(readings, model, reader, visits.of(which))
        if not np.isfinite(each).any():
            continue
        found[model, against(reader, which)] = each
        printed = paper.OVERLAP.get(OVERLAPS.get((model, reader, which), ("", "", "")))
        for metric, values, told in (
            (DICE, each, printed and (printed.dice, printed.dice_sd)),
            (JACCARD, each / (2.0 - each), printed and (printed.jaccard, printed.jaccard_sd)),
        ):
            over, (mean, sd) = _over_visits(values, seed), told or (None, None)
            rows.append(
                row(model, against(reader, which), metric, "", over,
                    n=int(np.isfinite(values).sum()), sd=float(np.nanstd(values)),
                    paper=mean, paper_sd=sd)
            )  # fmt: skip
    for first, second in (
        ((NETWORK, against(READER_1, SUBSET)), (READER_2, against(READER_1, SUBSET))),
        ((NETWORK_2, against(READER_2, SUBSET)), (NETWORK, against(READER_2, SUBSET))),
        ((NETWORK, against(READER_1)), (ATLAS, against(READER_1))),
    ):
        if first in found and second in found:
            paired = _over_visits(found[first] - found[second], seed)
            rows.append(row(*compared(first, second), DICE, "", paired, n=len(found[first])))
    return rows


def region_rows(readings: Mapping[str, Reading], visits: Visits, seed: int) -> list[Result]:
    """Agreement on T2 and on its change in all regions, and means over the twelve subregions."""
    usual = usual_voxels(readings[READER_1])
    rows: list[Result] = []
    errors: dict[tuple[str, str], Float[np.ndarray, " p"]] = {}
    for model, reader, which in VALUES:
        if model not in readings or reader not in readings:
            continue
        y, p = (_means(readings[who], visits.of(which), usual) for who in (reader, model))
        own = _rows_of(VALUE, model, against(reader, which), y, p, seed)
        rows += own
        if own:
            each = np.abs(p - y)[..., SUBREGIONS]
            errors[model, against(reader, which)] = _mean_of(each, (1, 2))
    for model, reader in CHANGES:
        if model not in readings or reader not in readings:
            continue
        y, p = (_change(_means(readings[who], visits.test, usual)) for who in (reader, model))
        rows += _rows_of(CHANGE, model, against(reader), y, p, seed)
    metric = of(VALUE, f"{ERROR}, {OVER_SUBREGIONS}")
    for first, second in (
        ((NETWORK, against(READER_1, SUBSET)), (READER_2, against(READER_1, SUBSET))),
        ((NETWORK, against(READER_1)), (ATLAS, against(READER_1))),
    ):
        if first in errors and second in errors:
            paired = resampling.mean(errors[first] - errors[second], seed=seed)
            n = int(np.isfinite(errors[first] - errors[second]).sum())
            rows.append(row(*compared(first, second), metric, MS, paired, n=n))
    return rows


def exceeding_rows(
    readings: Mapping[str, Reading], visits: Visits, rows: Sequence[Result]
) -> list[Result]:
    """How many subjects change by more than a method errs, by side of the joint."""
    usual = usual_voxels(readings[READER_1])
    change = _change(_means(readings[READER_1], visits.test, usual))[:, 0]
    errors = {
        (one.model, one.region): one.ours
        for one in rows
        if one.metric == of(VALUE, ERROR)
        and one.input in (against(READER_1), against(READER_1, SUBSET))
    }
    found = []
    for (model, region), error in errors.items():
        if region not in paper.SIDE_MAE or error is None:
            continue
        own = change[:, NAMES.index(region)]
        known = np.isfinite(own)
        count = float(np.sum(np.abs(own[known]) > error))
        printed = paper.EXCEEDING.get((model, region))
        found.append(
            row(model, against(READER_1), EXCEEDING, "subjects", count, region=region,
                n=int(known.sum()), paper=printed)
        )  # fmt: skip
    return found


def lost_regions(reading: Reading) -> list[tuple[int, str]]:
    """Visits and subregions of which next to nothing is left, and which have no mean."""
    usual, found = usual_voxels(reading), []
    for visit in reading:
        means = means_of(reading, [visit], usual)[0]
        found += [(visit, NAMES[k]) for k in SUBREGIONS if np.isnan(means[k])]
    return found


def _rows_of(
    quantity: str, model: str, source: str, y: np.ndarray, p: np.ndarray, seed: int
) -> list[Result]:
    """Every region's agreement; ``y`` and ``p`` are ``(subjects, visits, 27)``."""
    each = [agreement(y[..., k], p[..., k], seed=seed) for k in range(len(NAMES))]
    if not any(one.n for one in each):
        return []
    rows: list[Result] = []
    printed_here = model == NETWORK and source == against(READER_1)
    for name, one in zip(NAMES, each, strict=True):
        printed = _printed(quantity, name) if printed_here else {}
        rows += [
            row(model, source, of(quantity, metric), unit, value, region=name, n=one.n, sd=sd,
                paper=printed.get(metric))
            for metric, unit, value, sd in _measures(one)
        ]  # fmt: skip
    twelve = [each[k] for k in SUBREGIONS]
    told = _printed_means(quantity) if printed_here else {}
    for metric, unit, values in (
        (SPEARMAN, "", [one.spearman.value for one in twelve]),
        (ERROR, MS, [one.error.value for one in twelve]),
    ):
        rows.append(
            row(model, source, of(quantity, f"{metric}, {OVER_SUBREGIONS}"), unit,
                float(np.nanmean(values)), paper=told.get(metric))
        )  # fmt: skip
    largest = float(np.nanmax([one.error.value for one in twelve]))
    rows.append(row(model, source, of(quantity, f"{ERROR}, {LARGEST}"), MS, largest))
    return rows


def _measures(one: Agreement) -> list[tuple]:
    return [
        (SPEARMAN, "", one.spearman, None),
        (PEARSON, "", one.pearson, None),
        (ERROR, MS, one.error, one.error_sd),
        (BIAS, MS, one.bias, None),
        (P, "", one.p, None),
        (LIMITS_LOW, MS, one.lower, None),
        (LIMITS_HIGH, MS, one.upper, None),
        (RMS_CV, PERCENT, one.rms_cv, None),
        (CV, PERCENT, one.cv, None),
    ]


def _printed(quantity: str, name: str) -> dict[str, float | None]:
    region = paper.REGIONS[name]
    if quantity == CHANGE:
        low, high = region.change_limits or (None, None)
        return {BIAS: region.change_bias, LIMITS_LOW: low, LIMITS_HIGH: high}
    low, high = region.limits
    told = {"all": paper.PLATE_MAE, **paper.SIDE_MAE}
    return {
        BIAS: region.bias, LIMITS_LOW: low, LIMITS_HIGH: high, PEARSON: region.pearson,
        RMS_CV: region.rms_cv, ERROR: told.get(name),
    }  # fmt: skip


def _printed_means(quantity: str) -> dict[str, float]:
    if quantity == CHANGE:
        return {SPEARMAN: paper.SUBREGION_CHANGE_SPEARMAN, ERROR: paper.SUBREGION_CHANGE_MAE}
    return {SPEARMAN: paper.SUBREGION_SPEARMAN, ERROR: paper.SUBREGION_MAE}


def _overlaps(
    readings: Mapping[str, Reading], model: str, reader: str, visits: np.ndarray
) -> Float[np.ndarray, "p v"]:
    """Dice of each visit; NaN where one of the two did not read it."""
    found = np.full(visits.shape, np.nan)
    if model not in readings or reader not in readings:
        return found
    for place, visit in np.ndenumerate(visits):
        one, other = readings[model].get(visit), readings[reader].get(visit)
        if one is not None and other is not None:
            found[place] = dice(one.inside, other.inside)
    return found


def _means(
    reading: Reading, visits: np.ndarray, usual: Float[np.ndarray, " 27"]
) -> Float[np.ndarray, "p v 27"]:
    flat = means_of(reading, visits.ravel().tolist(), usual)
    return flat.reshape(*visits.shape, len(NAMES))


def _change(means: Float[np.ndarray, "p 2 27"]) -> Float[np.ndarray, "p 1 27"]:
    return means[:, 1:] - means[:, :1]


def _mean_of(values: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    known = np.isfinite(values)
    count = known.sum(axis=axes)
    total = np.where(known, values, 0.0).sum(axis=axes)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _over_visits(values: Float[np.ndarray, "p v"], seed: int) -> analysis.Interval:
    """Mean over visits, with its interval over subjects."""
    known = np.isfinite(values)
    (found,) = resampling.ratio(
        np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1), seed=seed
    )
    return found
