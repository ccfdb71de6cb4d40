"""Numbers of a run against what they should be, by a criterion told beforehand."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from jaxqmri.report.tables import Real

Arm = tuple[str, str]  # model and input


class Outcome(StrEnum):
    """Of one number against its criterion."""

    HELD = "held"
    BY_MEAN = "held by the mean, which has no interval"
    UNDECIDED = "undecided: its interval holds both"
    NOT_HELD = "not held"
    CALIBRATED = "calibrated, not tested"
    NOT_RUN = "not testable in this preset"
    SHORT = "supports no claim: short of its plateau"
    FEW_SEEDS = "supports no claim: too few training seeds"


TESTED = (Outcome.HELD, Outcome.BY_MEAN, Outcome.UNDECIDED, Outcome.NOT_HELD)


class Criterion(NamedTuple):
    """The range that a number must lie in: below one limit, above another, or between."""

    below: Real = math.inf
    above: Real = -math.inf

    def holds(self, value: Real) -> bool:
        """Whether a number lies inside."""
        return bool(self.above < value < self.below)

    def outcome(self, value: Real, low: Real | None, high: Real | None) -> Outcome:
        """Of a number with its interval.

        Held when the whole interval lies inside, not held when all of it lies beyond a limit, and
        undecided in between: a difference whose interval holds zero is neither. A number without
        an interval is held by the mean alone, or not held.
        """
        if low is None or high is None:
            return Outcome.BY_MEAN if self.holds(value) else Outcome.NOT_HELD
        if all(self.holds(number) for number in (low, value, high)):
            return Outcome.HELD
        beyond = low > self.below or high < self.above
        return Outcome.NOT_HELD if beyond else Outcome.UNDECIDED

    def margin(self, value: Real) -> float:
        """Distance to the nearest limit, negative outside."""
        return float(min(self.below - value, value - self.above))


class Finding(NamedTuple):
    """One number on which a claim rests.

    Attributes
    ----------
    what
        What was measured, where.
    unit
        Of the numbers.
    outcome
        Against the criterion.
    value, low, high
        Ours with its 95 % interval; None where there is none.
    paper
        The same by the paper's own numbers, and whether the criterion holds for that; None where
        it is not printed.
    paper_held
        Without regard to an interval, as the paper gives none.
    margin
        How far inside the criterion, in half widths of the interval where there is one, negative
        outside; not a number where nothing was tested.
    p
        Of a difference, corrected for the number of comparisons; None where there is none.
    needed
        A claim of which no needed number could be tested is not testable.
    """

    what: str
    unit: str
    outcome: Outcome
    value: float | None = None
    low: float | None = None
    high: float | None = None
    paper: float | None = None
    paper_held: bool | None = None
    margin: float = math.nan
    p: float | None = None
    needed: bool = True


class Rows:
    """Results of a run, found by their names.

    Parameters
    ----------
    results
        Mappings as ``metrics.json`` holds them. Those that name no ``region`` of ``common`` are
        ignored, and so on for its other names.
    short
        Pairs ``(model, input)`` of networks that were stopped short of their plateau. Whatever
        rests on one of them supports no claim.
    calibrated
        Pairs ``(model, input)`` whose numbers the data were made to match. What rests on such
        alone tests nothing; their difference to something else does.
    common
        Names that all rows share, such as the region.
    p_values
        What follows the metric, after a comma, in the names of rows that hold the corrected
        p values of differences.

    Notes
    -----
    The paired difference of two rows is itself a row, whose ``model`` or ``input`` is named by
    :func:`compared`. Where it is missing, the difference of the two means stands in, without an
    interval, and can hold a claim by the mean alone.
    """

    def __init__(
        self,
        results: Iterable[Mapping[str, Any]],
        *,
        short: Collection[Arm] = (),
        calibrated: Collection[Arm] = (),
        common: Mapping[str, str | None] | None = None,
        p_values: str = "p",
    ) -> None:
        common = {} if common is None else common
        self._short, self._calibrated = frozenset(short), frozenset(calibrated)
        self._p_values = p_values
        self._rows: dict[tuple[Any, ...], Mapping[str, Any]] = {}
        for row in results:
            if any(row.get(name) != value for name, value in common.items()):
                continue
            key = (row["model"], row["input"], row["metric"])
            if key in self._rows:
                raise ValueError(f"two rows for {', '.join(map(str, key))}")
            self._rows[key] = row

    def value(self, criterion: Criterion, model: str, source: str, metric: str) -> Finding:
        """The number of one model at one input against a criterion."""
        row = self._rows.get((model, source, metric), {})
        paper = _finite(row.get("paper"))
        return self._finding(
            criterion, f"{model}, {source}, {metric}", row, paper, [(model, source)]
        )

    def difference(self, criterion: Criterion, first: Arm, second: Arm, metric: str) -> Finding:
        """The paired difference of two ``(model, input)``, first less second."""
        one, other = (self._rows.get((*arm, metric), {}) for arm in (first, second))
        name = compared(first, second)
        row = self._rows.get((*name, metric))
        if row is None:
            row = {"unit": one.get("unit", ""), "ours": _less(one.get("ours"), other.get("ours"))}
        paper = _less(one.get("paper"), other.get("paper"))
        p = self._rows.get((*name, f"{metric}, {self._p_values}"), {}).get("ours")
        return self._finding(
            criterion, f"{name[0]}, {name[1]}, {metric}", row, paper, [first, second], _finite(p)
        )

    def _finding(
        self,
        criterion: Criterion,
        what: str,
        row: Mapping[str, Any],
        paper: float | None,
        arms: Sequence[Arm],
        p: float | None = None,
    ) -> Finding:
        value, low, high = (_finite(row.get(name)) for name in ("ours", "low", "high"))
        margin = math.nan
        if value is None:
            outcome = Outcome.NOT_RUN
        elif self._short.intersection(arms):
            outcome = Outcome.SHORT
        elif self._calibrated.issuperset(arms):
            outcome = Outcome.CALIBRATED
        else:
            outcome = criterion.outcome(value, low, high)
            half = (high - low) / 2 if low is not None and high is not None else 0.0
            margin = criterion.margin(value) / (half or 1.0)
        held = None if paper is None else criterion.holds(paper)
        return Finding(what, row.get("unit", ""), outcome, value, low, high, paper, held, margin, p)


def compared(first: Arm, second: Arm) -> Arm:
    """Model and input of the row that holds the paired difference of two, first less second.

    What both have in common keeps its name, and what they differ in is ``A minus B``.
    """
    model, source = (
        one if one == other else f"{one} minus {other}"
        for one, other in zip(first, second, strict=True)
    )
    return model, source


def smallest(findings: Sequence[Finding], what: str) -> Finding:
    """The best of several methods whose number should be small: the claim that one of them holds.

    The smallest of those that could be tested. Where it does not hold or is undecided, and others
    were not run or stopped short of their plateau, one of those might have: then nothing was
    tested. The best of several on the same subjects flatters itself; its interval does not know of
    the choice.

    Parameters
    ----------
    findings
        One for each method, under one criterion.
    what
        What they have in common.
    """
    tested = [f for f in findings if f.outcome in TESTED and f.value is not None]
    open_ones = [f for f in findings if f.outcome not in TESTED]
    best = min(tested, key=lambda f: f.value or 0.0, default=None)
    if best is None or (best.outcome in (Outcome.NOT_HELD, Outcome.UNDECIDED) and open_ones):
        outcomes = {f.outcome for f in open_ones}
        best = Finding(
            what, findings[0].unit, Outcome.SHORT if Outcome.SHORT in outcomes else Outcome.NOT_RUN
        )
    else:
        best = best._replace(what=f"{what} ({best.what})")
    printed = [f for f in findings if f.paper is not None]
    paper = min(printed, key=lambda f: f.paper or 0.0, default=None)
    if paper is None:
        return best._replace(paper=None, paper_held=None)
    return best._replace(paper=paper.paper, paper_held=paper.paper_held)


def _less(first: Real | None, second: Real | None) -> float | None:
    return None if first is None or second is None else float(first - second)


def _finite(value: Real | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
