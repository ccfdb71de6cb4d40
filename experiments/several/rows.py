"""Numbers of several runs beside each other, as rows of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from experiments.run import Result
from experiments.several.collect import Collected, Complete
from experiments.several.joining import Joining
from experiments.several.plan import HEADLINE

LOWEST, HIGHEST = "lowest of the calibrations", "highest of the calibrations"
OVER_SEEDS = "mean over training seeds"


class Spread(NamedTuple):
    """A number of the experiment itself, and the same number in every run of some."""

    row: Result
    values: tuple[float, ...]


def joined_rows(collected: Collected) -> list[Result]:
    """Every number of the summary that is shown.

    Those of the experiment itself have their own names. What follows a metric after a comma is
    the run that it is of, or what was made of the numbers of several runs.
    """
    joining, headline, rows = collected.joining, collected.headline, []
    for name, run in collected.runs.items():
        own = "" if name == HEADLINE else f", {name}"
        rows += [replace(row, metric=f"{row.metric}{own}") for row in _shown(joining, run)]
    for row, values in spreads(joining, headline, collected.calibrations):
        rows += [
            _made(row, LOWEST, min(values), len(values)),
            _made(row, HIGHEST, max(values), len(values)),
        ]
    for row, values in spreads(joining, headline, collected.seeds):
        mean, sd = float(np.mean(values)), float(np.std(values, ddof=1))
        rows.append(_made(row, OVER_SEEDS, mean, len(values), sd))
    return rows


def spreads(joining: Joining, headline: Complete, runs: Mapping[str, Complete]) -> Iterator[Spread]:
    """The experiment's numbers that at least two of some runs have; paired differences as well."""
    if len(runs) < 2:
        return
    each = [{_key(row): row.ours for row in _shown(joining, run)} for run in runs.values()]
    for row in _shown(joining, headline):
        found = (values.get(_key(row)) for values in each)
        values = tuple(value for value in found if value is not None)
        if len(values) > 1:
            yield Spread(row, values)


def _shown(joining: Joining, run: Complete) -> list[Result]:
    return [row for row in run.results if joining.shows(row)]


def _key(row: Result) -> tuple[str, str | None, str]:
    return row.model, row.input, row.metric


def _made(row: Result, what: str, value: float, n: int, sd: float | None = None) -> Result:
    return replace(
        row, metric=f"{row.metric}, {what}", n=n, ours=value, ours_sd=sd, low=None, high=None,
    )  # fmt: skip
