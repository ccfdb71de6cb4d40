"""Acquisition numbers as they stand on disk and on a command line: units, and whether they can be.

A BIDS sidecar holds seconds, everything else here milliseconds; angles are degrees everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Num

from jaxqmri.io.errors import InputError

TIME_FIELDS = frozenset(
    {
        "EchoTime",
        "InversionTime",
        "RepetitionTime",
        "RepetitionTimeExcitation",
        "RepetitionTimePreparation",
        "SaturationDelay",
        "SpinLockTime",
    }
)
"""Sidecar fields that hold seconds on disk and milliseconds in memory."""

# Range of the largest value of a series: ms for times, degrees for angles. A thousandfold error
# (or degrees for radians) falls outside, any real protocol inside.
_LARGEST = {
    "EchoTime": (1.0, 2_000.0),
    "FlipAngle": (1.6, 720.0),
    "InversionTime": (20.0, 30_000.0),
    "RepetitionTime": (1.0, 60_000.0),
    "SaturationDelay": (20.0, 60_000.0),
    "SpinLockTime": (1.0, 2_000.0),
}


def check_times(
    values: Sequence[float | int] | Num[np.ndarray, " n"],
    field: str,
    sources: Sequence[Any],
    on_disk: bool = False,
    largest_within: tuple[float, float] | None = None,
) -> None:
    """Refuse acquisition numbers that cannot be meant.

    Parameters
    ----------
    values
        The series' times in ms, or its angles in degrees.
    field
        The sidecar field they belong to, such as ``"EchoTime"``.
    sources
        What to name in a message, one for each value (a file, or a flag).
    on_disk
        Messages give times in seconds, as the sidecar they came from.
    largest_within
        Where the largest value must lie; by the field when None.

    Raises
    ------
    InputError
        If a value is negative or not finite, if two are equal, or if the largest one is so small
        or so large that it must be in another unit.
    """
    array = np.asarray(values, np.float64)
    for value, source in zip(array, sources, strict=True):
        if not np.isfinite(value) or value < 0:
            raise InputError(
                f"{source}: {field} is {with_unit(value, field, on_disk)}, "
                "expected a finite number, zero or above"
            )
    order = np.argsort(array, kind="stable")
    for first, second in pairwise(order):
        if np.isclose(array[first], array[second], rtol=1e-6, atol=1e-9):
            other = "" if sources[first] == sources[second] else f", as {sources[first]}"
            raise InputError(
                f"{sources[second]}: {field} {with_unit(float(array[second]), field, on_disk)} "
                f"appears twice{other}"
            )
    check_unit(array, field, sources, on_disk, largest_within)


def check_unit(
    values: Sequence[float | int] | Num[np.ndarray, " n"],
    field: str,
    sources: Sequence[Any],
    on_disk: bool = False,
    largest_within: tuple[float, float] | None = None,
) -> None:
    """Refuse numbers whose largest is so small or so large that it must be in another unit.

    Parameters are those of :func:`check_times`.

    Raises
    ------
    InputError
        If the largest value is outside what any protocol uses.
    """
    if len(values) == 0:
        return
    plain = field.removesuffix("Excitation").removesuffix("Preparation")
    low, high = largest_within or _LARGEST[plain]
    k = int(np.argmax(values))
    largest = float(values[k])
    if low <= largest <= high:
        return
    expected = "degrees" if field == "FlipAngle" else "seconds" if on_disk else "ms"
    suspect = {
        ("degrees", True): "radians",
        ("seconds", False): "milliseconds",
        ("ms", True): "seconds",
    }.get((expected, largest < low), "another unit")
    raise InputError(
        f"{sources[k]}: {field} {with_unit(largest, field, on_disk)} looks like {suspect}, "
        f"expected {expected}"
    )


def to_disk(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Sidecar fields with milliseconds turned to seconds."""
    return {key: _scaled(value, key, 1e-3) for key, value in metadata.items()}


def from_disk(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Sidecar fields with seconds turned to milliseconds."""
    return {key: _scaled(value, key, 1e3) for key, value in metadata.items()}


def _scaled(value: Any, field: str, factor: float) -> Any:
    if field not in TIME_FIELDS or isinstance(value, bool):
        return value
    if isinstance(value, list | tuple | np.ndarray):
        return [_scaled(item, field, factor) for item in value]
    if not isinstance(value, int | float | np.number):
        return value
    return float(
        f"{float(value) * factor:.12g}"
    )  # 6.312 ms is 0.006312 s, not 0.006312000000000001


def with_unit(value: float, field: str, on_disk: bool = False) -> str:
    """A field's value in ms or degrees as text, times in seconds if so they stand on disk."""
    if field not in TIME_FIELDS:
        return f"{value:g} degrees" if field == "FlipAngle" else f"{value:g}"
    return f"{value / 1e3:g} s" if on_disk else f"{value:g} ms"
