"""Acquisition numbers of a series, and by what option or sidecar field each is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Protocol:
    """Acquisition numbers of one series.

    Attributes
    ----------
    values
        What differs between the images, shape ``(n,)``: times in ms or angles in degrees.
    repetition_time, preparation_time, spoke_spacing
        In ms, where a method needs it: from pulse to pulse, from preparation to preparation, and
        between the spokes after a preparation.
    flip_angle, refocusing_angle
        In degrees, where a method needs them.
    spokes
        How many follow each preparation; None where it is one, or not known.
    signed
        Whether the images keep their sign.
    """

    values: Any  # NumPy of a series, or traced where they are designed
    repetition_time: float | None = None
    flip_angle: float | None = None
    refocusing_angle: float | None = None
    preparation_time: float | None = None
    spokes: float | None = None
    spoke_spacing: float | None = None
    signed: bool = False


class Need(NamedTuple):
    """How a number that a method needs is given.

    Attributes
    ----------
    flag
        The option, for plain images.
    words
        What it is called.
    field
        The BIDS sidecar field.
    within
        Where it lies in any real protocol, ms or degrees; None for a count, or to take what the
        kind of series says.
    """

    flag: str
    words: str
    field: str
    within: tuple[float, float] | None = None


NEEDS: Mapping[str, Need] = {
    "repetition_time": Need("tr", "repetition time", "RepetitionTime"),
    "flip_angle": Need("fa", "flip angle", "FlipAngle", (1.6, 720.0)),
    "preparation_time": Need(
        "tr",
        "repetition time from preparation to preparation",
        "RepetitionTimePreparation",
        (20.0, 60_000.0),
    ),
    "spokes": Need("spokes", "number of spokes", "NumberShots"),
    "spoke_spacing": Need(
        "spoke-spacing", "spacing of the spokes", "RepetitionTimeExcitation", (0.5, 200.0)
    ),
}
"""What methods need beside the values that differ, by the name in :class:`Protocol`."""


def spokes_noted(fields: Mapping[str, Any]) -> float | None:
    """Spokes after each preparation, if sidecar fields say that there are several.

    ``NumberShots`` alone may be the segments of any acquisition: it counts where the sidecar tells
    preparations from excitations.
    """
    spokes = fields.get("NumberShots")
    if isinstance(spokes, bool) or not isinstance(spokes, int | float) or spokes <= 1:
        return None
    told_apart = {"RepetitionTimePreparation", "RepetitionTimeExcitation"} <= set(fields)
    return float(spokes) if told_apart else None
