"""Kinds of series: how their images are named, and which sidecar fields tell them apart."""

from __future__ import annotations

from typing import NamedTuple


class SeriesKind(NamedTuple):
    """How one kind of series is named and described.

    Attributes
    ----------
    suffix
        Last part of the file names.
    datatype
        Folder of the images, ``anat`` or ``fmap``.
    entity
        The part of the names that counts the images.
    fields
        Sidecar fields that may hold what differs between the images; the first that there is
        counts.
    repetition
        Fields that may hold the repetition time, the one that counts first; empty where it is
        what differs.
    repetition_range
        In ms, where the (longest) repetition time lies in any real protocol.
    needs
        What else the sidecars must give: ``"repetition_time"``, ``"flip_angle"``.
    """

    suffix: str
    datatype: str
    entity: str
    fields: tuple[str, ...]
    repetition: tuple[str, ...] = ("RepetitionTime", "RepetitionTimeExcitation")
    repetition_range: tuple[float, float] = (1.0, 60_000.0)
    needs: tuple[str, ...] = ()


_EXCITATION_FIRST = ("RepetitionTimeExcitation", "RepetitionTime")
_SHORT = (1.0, 2_000.0)  # of steady-state gradient echoes

SERIES = {
    kind.suffix: kind
    for kind in (
        SeriesKind(
            "T1rhow",
            "anat",
            "tsl",
            ("SpinLockTime",),
            # where several excitations follow each spin lock it is not theirs
            ("RepetitionTimePreparation", "RepetitionTime", "RepetitionTimeExcitation"),
        ),
        SeriesKind("MESE", "anat", "echo", ("EchoTime",)),
        SeriesKind("MEGRE", "anat", "echo", ("EchoTime",)),
        SeriesKind(
            "IRT1",
            "anat",
            "inv",
            ("InversionTime",),
            # from inversion to inversion
            ("RepetitionTimePreparation", "RepetitionTime", "RepetitionTimeExcitation"),
            (100.0, 60_000.0),
            ("repetition_time",),
        ),
        SeriesKind(
            "VFA", "anat", "flip", ("FlipAngle",), _EXCITATION_FIRST, _SHORT, ("repetition_time",)
        ),
        SeriesKind("TB1AFI", "fmap", "acq", _EXCITATION_FIRST, (), _SHORT, ("flip_angle",)),
    )
}
"""Every kind of series, by suffix."""


def kind_of(suffix: str) -> SeriesKind:
    """The kind of series of a suffix.

    Raises
    ------
    ValueError
        If there is none.
    """
    if suffix not in SERIES:
        raise ValueError(f"no series is called {suffix!r}; known are {', '.join(SERIES)}")
    return SERIES[suffix]
