"""A fit as a reader judges it: maps with names, units and samples, and what is well known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Num

from jaxqmri.report.tables import Real

if TYPE_CHECKING:
    from jaxqmri.fitting.result import FitResult

Signals = Callable[[Mapping[str, np.ndarray], np.ndarray | None], np.ndarray]

WELL_KNOWN = 0.1  # relative standard error below which an estimate counts as well known


@dataclass(frozen=True)
class FittedSeries:
    """A fit with all that a reader needs to judge it.

    Attributes
    ----------
    result
        Result of :func:`jaxqmri.fit` on a volume.
    images
        The measured samples, ``(x, y, z, n)``.
    affine
        From voxels to millimetres.
    main
        Name of the parameter that the fit is for.
    labels, units
        How each parameter is called, and its unit (empty for a pure number).
    positions
        Where each sample was taken (times in ms, angles in degrees), shape ``(n,)``.
    axis
        Name and unit of the positions.
    signals
        The model: parameters by name, each ``(k,)``, and positions ``(m,)``, to signals
        ``(k, m)``. Positions None are those of the samples.
    smooth
        Whether ``signals`` takes positions between those of the samples.
    title, lead
        Name of the page, and a sentence on what was fitted.
    settings
        Settings of the fit and sources, in the order of printing.
    warnings
        Remarks that the reader must not miss.
    """

    result: FitResult
    images: Num[np.ndarray, "x y z n"]
    affine: Float[np.ndarray, "4 4"]
    main: str
    labels: Mapping[str, str]
    units: Mapping[str, str]
    positions: Float[np.ndarray, " n"]
    axis: str
    signals: Signals
    smooth: bool = True
    title: str = "Quality of a fit"
    lead: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()

    @property
    def maps(self) -> dict[str, np.ndarray]:
        """Parameter maps by name."""
        return by_name(self.result.params)

    def name(self, parameter: str) -> str:
        """A parameter with its unit."""
        unit = self.units.get(parameter, "")
        label = self.labels.get(parameter, parameter)
        return f"{label} ({unit})" if unit else label


def well_known(series: FittedSeries) -> Bool[np.ndarray, "x y z"]:
    """Voxels whose main parameter has a standard error below a tenth of it.

    Another parameter may sit on a bound there: its neighbour's error is known all the same.
    Without standard errors, all converged voxels.
    """
    converged = np.asarray(series.result.status) == 1
    if series.result.std is None:
        return converged
    value = series.maps[series.main]
    error = by_name(series.result.std)[series.main]
    with np.errstate(invalid="ignore"):
        certain = np.abs(error) < WELL_KNOWN * np.abs(value)
    return certain if certain.any() else converged


def by_name(structure: Any) -> dict[str, np.ndarray]:
    """Maps of a structure by the names of its parameters."""
    names = structure._asdict() if hasattr(structure, "_asdict") else structure
    return {name: np.asarray(values) for name, values in names.items()}


def sampled(values: np.ndarray, where: np.ndarray, most: int = 100_000) -> np.ndarray:
    """At most ``most`` of the finite values, evenly from the whole volume."""
    chosen = values[where]
    chosen = chosen[:: max(1, chosen.size // most)]
    return chosen[np.isfinite(chosen)]


def digits_of(value: Real) -> int:
    """Decimals that a value of this size is printed with."""
    return 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
