"""One slice of target, prediction, error and uncertainty, and the region that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from jaxqmri.report.figures import CYCLE
from jaxqmri.report.maps import NO_ESTIMATE, Panel, choose_slices, draw_maps

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Volume = Float[np.ndarray, "x y z"]
OUTSIDE, KEPT, REMOVED = 0, 1, 2


def uncertainty_maps(
    target: Volume,
    prediction: Volume,
    uncertainty: Volume,
    region: Bool[np.ndarray, "x y z"],
    threshold: float,
    affine: Float[np.ndarray, "4 4"],
    name: str,
    unit: str,
    *,
    inside: Bool[np.ndarray, "x y z"] | None = None,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """A slice of all that an uncertainty is judged by, the region before and after refinement.

    The slice is the one in the middle of the region, or of ``inside``. Target and prediction have
    the same colours, and so have errors and uncertainty.

    Parameters
    ----------
    target, prediction, uncertainty
        Maps in one unit, NaN where there is no estimate.
    region
        The region before refinement.
    threshold
        Pixels with a larger uncertainty, or none, are removed from it.
    affine
        From voxels to millimetres (right, anterior, superior).
    name, unit
        Of the maps.
    inside
        What a reader wants to see of the maps; the picture is cropped to it. The region when None.
    limits
        Ends of the colour bar of target and prediction; what most of the region's target lies
        between when None.

    Raises
    ------
    ValueError
        If the region is empty.
    """
    if not region.any():
        raise ValueError("the region is empty: there is no slice to show")
    error = np.abs(prediction - target)
    kept = region & (uncertainty <= threshold)
    shown = region if inside is None else inside
    slices = choose_slices(affine, shown, count=1)
    low, high = limits or _ends(target[region], 1.0, 99.0)
    chosen = np.where(kept, KEPT, np.where(region, REMOVED, OUTSIDE))
    on_slice = slices.picture(chosen, slices.indices[0])
    share = np.sum(on_slice == KEPT) / max(int(np.sum(on_slice != OUTSIDE)), 1)
    limit = f"\N{LESS-THAN OR EQUAL TO} {threshold:.2f} {unit}"
    largest = max(_ends(values[region], 0.0, 99.0)[1] for values in (error, uncertainty))
    names = {OUTSIDE: "outside", KEPT: "kept", REMOVED: "removed"}
    colours = {OUTSIDE: NO_ESTIMATE, KEPT: CYCLE[0], REMOVED: CYCLE[1]}
    error_style = {"unit": unit, "limits": (0.0, largest), "colours": "magma"}
    return draw_maps(
        [
            Panel(_within(target, shown), f"{name}, target", unit, (low, high)),
            Panel(_within(prediction, shown), f"{name}, predicted", unit, (low, high)),
            Panel(
                chosen,
                f"region, {100 * share:.0f} % kept ({limit})",
                categories={key: (names[key], colours[key]) for key in names},
            ),
            Panel(_within(error, region), "|error|, region", **error_style),
            Panel(_within(uncertainty, shown), "uncertainty", **error_style),
            Panel(_within(error, kept), "|error|, refined region", **error_style),
        ],
        slices,
    )


def _within(values: Volume, mask: Bool[np.ndarray, "x y z"]) -> Volume:
    return np.where(mask, values, np.nan)


def _ends(values: np.ndarray, low: float, high: float) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    first, last = np.percentile(finite, [low, high])
    return float(first), float(last) if last > first else float(first) + 1.0
