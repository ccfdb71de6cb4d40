"""Numbers of several runs beside each other, as rows of one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from experiments.knee_cv.agreement import HIDDEN
from experiments.knee_cv.comparisons import COMPARED, COMPETITORS
from experiments.knee_cv.paper import NETWORKS, NLLS
from experiments.knee_cv.plan import HEADLINE
from experiments.knee_cv.results import CARTILAGE, METRICS
from experiments.knee_cv.retest import RETEST
from experiments.knee_cv.summary.collect import Collected, Complete
from experiments.run import Result

EVERYONE = (*NETWORKS, NLLS, *COMPETITORS)
LOWEST, HIGHEST = "lowest of the calibrations", "highest of the calibrations"
OVER_SEEDS = "mean over training seeds"


class Spread(NamedTuple):
    """A number of the experiment itself, and the same number in every run of some."""

    row: Result
    values: tuple[float, ...]


def joined_rows(collected: Collected) -> list[Result]:
    """Every number of the summary over the whole cartilage.

    Those of the experiment itself have their own names. What follows a metric after a comma is
    the run that it is of, or what was made of the numbers of several runs.
    """
    rows = []
    for name, run in collected.runs.items():
        own = "" if name == HEADLINE else f", {name}"
        rows += [replace(row, metric=f"{row.metric}{own}") for row in _told(run)]
    for row, values in spreads(collected.headline, collected.calibrations):
        rows += [
            _made(row, LOWEST, min(values), len(values)),
            _made(row, HIGHEST, max(values), len(values)),
        ]
    for row, values in spreads(collected.headline, collected.seeds):
        mean, sd = float(np.mean(values)), float(np.std(values, ddof=1))
        rows.append(_made(row, OVER_SEEDS, mean, len(values), sd))
    return rows


def spreads(headline: Complete, runs: Mapping[str, Complete]) -> Iterator[Spread]:
    """The experiment's numbers that at least two of some runs have; paired differences as well."""
    if len(runs) < 2:
        return
    each = [{_key(row): row.ours for row in _told(run)} for run in runs.values()]
    for row in _told(headline):
        found = (values.get(_key(row)) for values in each)
        values = tuple(value for value in found if value is not None)
        if len(values) > 1:
            yield Spread(row, values)


def is_of(row: Result, models: Collection[str]) -> bool:
    """Whether a number, or a difference of two, is of these models."""
    return set(row.model.split(" minus ")) <= set(models)


def _told(run: Complete) -> list[Result]:
    metrics = {*METRICS, *HIDDEN, *RETEST, *COMPARED}
    return [
        row
        for row in run.results
        if row.region == CARTILAGE
        and row.visit is None
        and row.ours is not None
        and row.metric in metrics
        and is_of(row, EVERYONE)
    ]


def _key(row: Result) -> tuple[str, str | None, str]:
    return row.model, row.input, row.metric


def _made(row: Result, what: str, value: float, n: int, sd: float | None = None) -> Result:
    return replace(
        row, metric=f"{row.metric}, {what}", n=n, ours=value, ours_sd=sd, low=None, high=None,
    )  # fmt: skip
