"""What should become of the knee study's claims in its ablations, told beforehand.

The mechanism that the simulation builds in: the gain of the PD-weighted scan differs between
subjects, a voxel does not show it, and the tissue around cartilage does.
"""

from __future__ import annotations

from collections.abc import Mapping

from experiments.knee_cv.claims import (
    SMALLER,
    TARGET,
    WITH_PD,
    mlp_ahead,
    unmasked_ahead,
)
from experiments.knee_cv.comparisons import CALIBRATED
from experiments.knee_cv.paper import MASKED, UNMASKED
from experiments.knee_cv.settings import ABLATIONS, CALIBRATIONS, SCALINGS
from experiments.several import Fate, Prediction
from jaxqmri.report import Criterion, Finding, Rows


def _ahead_of_masked(rows: Rows) -> list[Finding]:
    return [rows.difference(SMALLER, (UNMASKED, name), (MASKED, name), "RPE") for name in WITH_PD]


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
        unmasked_ahead,
        _NEEDS_THE_GAIN,
    ),
    Prediction(
        "masking costs",
        "The unmasked U-Net is ahead of the masked one with PD for the same reason, and should "
        "lose its lead where the MLP catches up.",
        _ahead_of_masked,
        _NEEDS_THE_GAIN,
    ),
    Prediction(
        "MLP without PD",
        "From two spin-lock images the gain cancels, and the ratio of a voxel is all there is to "
        "know: whatever is done to the gain, the MLP should stay ahead voxel by voxel.",
        mlp_ahead,
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
