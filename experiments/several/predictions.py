"""What should become of a claim's numbers where their cause is taken away, told beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from jaxqmri.report import Finding, Outcome, Rows


class Fate(StrEnum):
    """Of a number in an ablation."""

    VANISH = "should vanish"
    STAY = "should stay"
    HOLD = "should hold"


class Came(StrEnum):
    """Whether it did."""

    YES = "yes"
    LESS = "not wholly: less, but there"
    NO = "no"
    UNDECIDED = "undecided"
    NOTHING = "nothing to lose: not known to hold in the headline"
    UNTESTED = "not tested"


class Prediction(NamedTuple):
    """Numbers on which a claim rests, and what should become of them.

    Attributes
    ----------
    claim
        What the numbers are, for people.
    why
        What they come from.
    test
        The numbers of a run, each against its criterion, in the same order for every run.
    fates
        By ablation; of the others nothing is expected.
    """

    claim: str
    why: str
    test: Callable[[Rows], Sequence[Finding]]
    fates: Mapping[str, Fate]


def came(fate: Fate, headline: Finding, there: Finding) -> Came:
    """Whether a number did what was expected.

    A number has vanished where its criterion is not known to hold any more and its interval does
    not reach the headline's number; an interval that holds both decides nothing. Where it still
    holds, but lies below the headline's number by more than its interval, there is less of it.
    """
    if Outcome.NOT_RUN in (headline.outcome, there.outcome) or there.outcome is Outcome.SHORT:
        return Came.UNTESTED
    if fate is not Fate.HOLD and headline.outcome is not Outcome.HELD:
        return Came.UNTESTED if headline.outcome is Outcome.SHORT else Came.NOTHING
    held = there.outcome is Outcome.HELD
    if fate is not Fate.VANISH:
        lost = there.outcome is Outcome.NOT_HELD
        return Came.YES if held else Came.NO if lost else Came.UNDECIDED
    before, after = headline.value, there.value
    if before is None or after is None or there.low is None or there.high is None:
        return Came.UNDECIDED
    apart = not there.low <= before <= there.high
    if held:
        return Came.LESS if apart and abs(after) < abs(before) else Came.NO
    return Came.YES if apart else Came.UNDECIDED
