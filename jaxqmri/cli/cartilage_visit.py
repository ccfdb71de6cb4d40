"""One visit's cartilage as files say it is, divided, with its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxqmri.analysis.cartilage import (
    Rule,
    Subregions,
    SubregionStatistics,
    divide,
    in_words,
    subregion_statistics,
    usable,
)
from jaxqmri.cli.rows import CONVERGED, status_of
from jaxqmri.io import InputError, bids, nifti

COLUMNS = (
    "visit",
    "map",
    "unit",
    "region",
    "name",
    "voxels",
    "valid_voxels",
    "mean",
    "sd",
    "thickness_mm",
)


class Measured(NamedTuple):
    """A map in the cartilage of one visit; without a map ``values`` is None."""

    name: str | None
    unit: str | None
    values: Float[np.ndarray, "x y z"] | None
    divided: Subregions
    statistics: list[SubregionStatistics]

    def rows(self, visit: str | None) -> list[dict[str, Any]]:
        """Rows of the table of regions."""
        return [
            {
                "visit": visit,
                "map": self.name,
                "unit": self.unit,
                "region": row.region,
                "name": in_words(row.region),
                "voxels": row.voxels,
                "valid_voxels": None if self.values is None else row.valid,
                "mean": row.mean,
                "sd": row.sd,
                "thickness_mm": row.thickness,
            }
            for row in self.statistics
        ]


class Visit(NamedTuple):
    """The cartilage of one visit, by every map of it, or by its shape alone."""

    labels: nifti.Image
    measured: list[Measured]

    def divisions(self) -> dict[str, Subregions]:
        """How the cartilage was divided, each with how the names of its files begin.

        Once for all maps, or by each of them where voxels without a usable value were left out.
        """
        first = self.measured[0].divided
        if all(one.divided is first for one in self.measured):
            return {"": first}
        return {f"{one.name}_": one.divided for one in self.measured}


def read_visit(
    labels: Path, maps: Sequence[Path], label: int, side: str, rule: Rule, upper: float | None
) -> Visit:
    """Read a visit's labels and maps, divide the cartilage, and measure.

    Parameters
    ----------
    labels
        The label image.
    maps
        Maps on its grid; may be none.
    label
        Which label femoral cartilage has.
    side
        Of the knee.
    rule
        How it is divided.
    upper
        Largest value that counts, instead of the rule's.

    Raises
    ------
    InputError
        If a file cannot be read or lies on another grid, no voxel has the label, no value in it
        can be used, or it cannot be divided.
    """
    drawn = nifti.read_label_image(labels)
    mask = drawn.data == label
    if not mask.any():
        there = [str(k) for k in np.unique(drawn.data) if k]
        found = f"found {', '.join(there)}" if there else "all labels are 0"
        raise InputError(f"{labels}: no voxel has the label {label}, {found}; see --label")
    rule = rule if upper is None else replace(rule, upper=upper)
    whole = None if maps and rule.measured else _divide(mask, drawn, side, rule)
    if not maps and whole is not None:
        alone = Measured(None, None, None, whole, subregion_statistics(None, whole))
        return Visit(drawn, [alone])
    measured = []
    for path in maps:
        values, unit = _read_map(path, drawn)
        there = mask & usable(values, rule.upper)
        if not there.any():
            raise InputError(
                f"{path}: no value above 0 and up to {rule.upper:g} in the cartilage of {labels}; "
                "see --t2-max"
            )
        values = np.where(usable(values, rule.upper), values, np.float32(np.nan))
        divided = _divide(there, drawn, side, rule) if whole is None else whole
        statistics = subregion_statistics(values, divided)
        measured.append(Measured(nifti.stem(path), unit, values, divided, statistics))
    return Visit(drawn, measured)


def _read_map(path: Path, drawn: nifti.Image) -> tuple[Float[np.ndarray, "x y z"], str]:
    """A map on the grid of the labels, NaN where its fit found no answer inside the bounds."""
    quantity = bids.read_map(path)
    image = nifti.Image(quantity.data, quantity.affine, quantity.path)
    nifti.check_same_grid(image, drawn, "map")
    status = status_of(image)
    values = quantity.data
    if status is not None:
        values = np.where(status == CONVERGED, values, np.float32(np.nan))
    return values, quantity.unit or "1"


def _divide(
    mask: Bool[np.ndarray, "x y z"], drawn: nifti.Image, side: str, rule: Rule
) -> Subregions:
    try:
        return divide(mask, drawn.affine, side, rule)
    except ValueError as error:
        raise InputError(f"{drawn.path}: {error}; another --rule may do without") from None
