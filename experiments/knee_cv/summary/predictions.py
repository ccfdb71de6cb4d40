"""What should become of a claim's numbers where their cause is taken away, told beforehand.

The mechanism that the simulation builds in: the gain of the PD-weighted scan differs between
subjects, a voxel does not show it, and the tissue around cartilage does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from experiments.knee_cv.claims import LARGER, LONG, SMALLER, TARGET, WITH_PD
from experiments.knee_cv.comparisons import CALIBRATED
from experiments.knee_cv.paper import MASKED, MLP, UNMASKED
from experiments.knee_cv.settings import ABLATIONS, CALIBRATIONS, SCALINGS
from jaxqmri.report import Criterion, Finding, Outcome, Rows


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
    NOTHING = "nothing to lose: does not hold in the headline"
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


def _ahead_with_pd(other: str) -> Callable[[Rows], list[Finding]]:
    return lambda rows: [
        rows.difference(SMALLER, (UNMASKED, name), (other, name), "RPE") for name in WITH_PD
    ]


def _ahead_without_pd(rows: Rows) -> list[Finding]:
    return [
        rows.difference(LARGER, (model, name), (MLP, name), "MAE")
        for name in LONG
        for model in (UNMASKED, MASKED)
    ]


def _told_the_gain(rows: Rows) -> list[Finding]:
    return [rows.value(Criterion(below=TARGET), CALIBRATED, name, "RPE") for name in WITH_PD]


_NEEDS_THE_GAIN: Mapping[str, Fate] = {
    "pd-gain-0": Fate.VANISH,
    "pd-gain-0.1": Fate.STAY,
    "pd-gain-0.2": Fate.STAY,
    "pd-gain-0.3": Fate.STAY,
    "known-gain": Fate.VANISH,
    "cartilage-alone": Fate.VANISH,
    **dict.fromkeys(SCALINGS, Fate.VANISH),
    **dict.fromkeys(CALIBRATIONS, Fate.STAY),
}

PREDICTIONS: tuple[Prediction, ...] = (
    Prediction(
        "U-Net with PD",
        "The unmasked U-Net is ahead of the MLP with PD because the tissue around cartilage shows "
        "a gain that differs between subjects. Without that difference, that tissue, or its trace "
        "in the intensities the lead should vanish.",
        _ahead_with_pd(MLP),
        _NEEDS_THE_GAIN,
    ),
    Prediction(
        "masking costs",
        "The unmasked U-Net is ahead of the masked one with PD for the same reason, and should "
        "lose its lead where the MLP catches up.",
        _ahead_with_pd(MASKED),
        _NEEDS_THE_GAIN,
    ),
    Prediction(
        "MLP without PD",
        "From two spin-lock images the gain cancels, and the ratio of a voxel is all there is to "
        "know: whatever is done to the gain, the MLP should stay ahead voxel by voxel.",
        _ahead_without_pd,
        dict.fromkeys(ABLATIONS, Fate.STAY),
    ),
    Prediction(
        "gain-calibrated NLLS",
        "One gain for everybody, the same over the volume, is all that NLLS lacks: told it, NLLS "
        f"should be within {TARGET:g} % of a subject's mean.",
        _told_the_gain,
        {"known-gain": Fate.HOLD},
    ),
)
