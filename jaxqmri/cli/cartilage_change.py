"""The change of maps in cartilage between two visits, on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from jaxqmri.analysis.cartilage import Change, change
from jaxqmri.cli.cartilage_visit import COLUMNS, Measured, Visit
from jaxqmri.io import InputError

CLUSTERS = (
    "map",
    "unit",
    "mean",
    "sd",
    "clusters",
    "largest_mm2",
    "share_percent",
    "plate_mm2",
    "shift_bins",
    "shift_slices",
    "dice",
)


class Changed(NamedTuple):
    """The change of one map, with the two visits' measurements of it."""

    before: Measured
    after: Measured
    change: Change

    def rows(self) -> list[dict[str, Any]]:
        """Follow-up minus baseline of each region's mean."""
        pairs = zip(self.before.rows("change"), self.after.rows("change"), strict=True)
        return [
            {
                **{key: first[key] for key in COLUMNS[:5]},
                "mean": second["mean"] - first["mean"],
                "thickness_mm": second["thickness_mm"] - first["thickness_mm"],
            }
            for first, second in pairs
        ]

    def clusters(self) -> dict[str, Any]:
        """What the clusters are, in one row."""
        found = self.change
        return {
            "map": self.before.name,
            "unit": self.before.unit,
            "mean": found.mean,
            "sd": found.sd,
            "clusters": len(found.areas),
            "largest_mm2": max(found.areas, default=0),
            "share_percent": 100 * found.share,
            "plate_mm2": int(found.inside.sum()),
            "shift_bins": found.shift[0],
            "shift_slices": found.shift[1],
            "dice": found.dice,
        }


def changes_of(visits: Mapping[str, Visit], kathoma_sign: bool) -> list[Changed]:
    """Every map's change; none of a single visit.

    Raises
    ------
    InputError
        If the visits cannot be compared.
    """
    if len(visits) < 2:
        return []
    first, second = visits.values()
    found = []
    for before, after in zip(first.measured, second.measured, strict=True):
        assert before.values is not None
        assert after.values is not None
        if before.unit != after.unit:
            raise InputError(f"{before.name}: {before.unit} at baseline, {after.unit} at follow-up")
        try:
            what = change(
                before.divided,
                before.divided.project(before.values),
                after.divided,
                after.divided.project(after.values),
                kathoma_sign=kathoma_sign,
            )
        except ValueError as error:
            raise InputError(f"{first.labels.path}, {second.labels.path}: {error}") from None
        found.append(Changed(before, after, what))
    return found
