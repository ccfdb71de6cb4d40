"""Figures of femoral cartilage: unrolled maps with their subregions, and change with clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxqmri.analysis.cartilage import BIN, BINS, CENTRES, SUBREGIONS, Change, Subregions
from jaxqmri.report.figures import INK, SOFT, WIDTH, add_axes, new_figure, quantity
from jaxqmri.report.maps import NO_ESTIMATE, Panel, choose_slices, draw_maps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# superficial lighter, deep darker; lateral cold, medial warm
COLOURS = {
    "SLA": "#8ecae6",
    "SLC": "#7fd1ae",
    "SLP": "#b8b5e8",
    "SMA": "#ffd97d",
    "SMC": "#f7a072",
    "SMP": "#f19cbb",
    "DLA": "#1f78b4",
    "DLC": "#1b8a5a",
    "DLP": "#5e50a1",
    "DMA": "#c99700",
    "DMC": "#c8501b",
    "DMP": "#a8265d",
}
LEFT, FOOT, TOP, BAR = 0.75, 0.55, 0.35, 1.0  # inches around a panel
TALL = 4.0
MARGIN = 8.0  # mm around the plate


class UnrolledMap(NamedTuple):
    """One unrolled map of a figure; ``limits`` are the ends of its colour bar."""

    values: Float[np.ndarray, "bins slices"]
    name: str
    unit: str
    limits: tuple[float, float]
    colours: str = "viridis"


def draw_unrolled(divided: Subregions, maps: Sequence[UnrolledMap]) -> Figure:
    """Maps of one plate side by side, true to scale: lateral left, anterior above.

    Lines are the borders of the subregions.

    Parameters
    ----------
    divided
        The plate.
    maps
        What is drawn, ``divided.project(...)`` or its thickness.
    """
    spacing, count = divided.layout.spacing[0], divided.shape[0]
    per_degree = np.radians(divided.circle.radius)
    across, along = _window(np.isfinite(divided.thickness), spacing, BIN * per_degree)
    middle = 0.5 * BINS * BIN * per_degree
    figure, places = _figure(len(maps), across, along)
    for axes, one in zip(places, maps, strict=True):
        edges = (0.0, count * spacing, middle, -middle)
        _image(figure, axes, one.values, edges, one)
        for degrees in (-divided.borders.central, divided.borders.central):
            axes.axhline(degrees * per_degree, color=INK, linewidth=0.9)
        _halves(axes, divided, across, per_degree)
        _frame(axes, across, (along[0] - middle, along[1] - middle), per_degree)
    return figure


def draw_change(change: Change, name: str, unit: str, radius: float) -> Figure:
    """The change of a map over the plate, its clusters outlined.

    Parameters
    ----------
    change
        What became of the plate.
    name, unit
        Of the map.
    radius
        Of the circle, mm.
    """
    arc, wide = change.difference.shape
    across, along = _window(np.isfinite(change.difference), 1.0, 1.0)
    reach = float(np.nanpercentile(np.abs(change.difference), 98)) or 1.0
    shown = UnrolledMap(change.difference, f"Change of {name}", unit, (-reach, reach), "RdBu_r")
    figure, (axes,) = _figure(1, across, along)
    middle = 0.5 * arc
    _image(figure, axes, change.difference, (0.0, float(wide), middle, -middle), shown)
    places = (np.arange(wide) + 0.5, np.arange(arc) + 0.5 - middle)
    axes.contour(*places, change.inside, [0.5], colors=[SOFT], linewidths=0.8, linestyles=":")
    for k in range(1, len(change.areas) + 1):
        axes.contour(*places, change.clusters == k, [0.5], colors=[INK], linewidths=1.4)
    _frame(axes, across, (along[0] - middle, along[1] - middle), np.radians(radius))
    return figure


def draw_subregions(
    divided: Subregions, affine: Float[np.ndarray, "4 4"], slices: int = 6, lines: int = 2
) -> Figure:
    """The twelve subregions on slices of the image that they were divided in."""
    labels = divided.labels()
    categories = {0: ("outside", NO_ESTIMATE)} | {
        k: (region, COLOURS[region]) for k, region in enumerate(SUBREGIONS, start=1)
    }
    chosen = choose_slices(affine, labels > 0, slices)
    return draw_maps(
        [Panel(labels, "Subregions", categories=categories)], chosen, lines, tallest=6.0
    )


def _window(there: np.ndarray, across: float, along: float) -> tuple[tuple, tuple]:
    """What of a plate is shown, mm from its first column and row."""
    found = []
    for axis, step in ((0, across), (1, along)):
        used = np.flatnonzero(there.any(axis=axis))
        low, high = (used[0], used[-1] + 1) if used.size else (0, there.shape[1 - axis])
        found.append((low * step - MARGIN, high * step + MARGIN))
    return found[0], found[1]


def _figure(count: int, across: tuple, along: tuple) -> tuple[Figure, list[Axes]]:
    """Panels of one scale, with room for a colour bar right of each."""
    ratio = (across[1] - across[0]) / (along[1] - along[0])
    wide = min(TALL * ratio, (WIDTH - count * (LEFT + BAR)) / count)
    high = wide / ratio
    figure = new_figure(count * (LEFT + wide + BAR), FOOT + high + TOP)
    boxes = [(k * (LEFT + wide + BAR) + LEFT, FOOT, wide, high) for k in range(count)]
    return figure, [add_axes(figure, box, "lateral to medial (mm)", "angle (°)") for box in boxes]


def _image(
    figure: Figure,
    axes: Axes,
    values: np.ndarray,
    edges: tuple[float, float, float, float],
    shown: UnrolledMap,
) -> None:
    low, high = shown.limits
    drawn = axes.imshow(
        values,
        shown.colours,
        vmin=low,
        vmax=high,
        extent=edges,
        aspect="auto",
        interpolation="nearest",
    )
    axes.set_title(quantity(shown.name, shown.unit), loc="left", fontsize=10, color=INK, pad=6)
    bar = figure.colorbar(drawn, ax=axes, cax=_beside(figure, axes))
    bar.ax.tick_params(labelsize=8.5, colors=INK, length=2.5, width=0.7)
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]


def _beside(figure: Figure, axes: Axes) -> Axes:
    box = axes.get_position()
    width = figure.get_figwidth()
    return figure.add_axes((box.x1 + 0.12 / width, box.y0, 0.13 / width, box.height))


def _halves(axes: Axes, divided: Subregions, across: tuple, per_degree: float) -> None:
    """The border of lateral and medial in each part, and the names of the plates."""
    spacing, borders = divided.layout.spacing[0], divided.borders
    ends = [CENTRES[0], -borders.central, borders.central, CENTRES[-1]]
    there = np.isfinite(divided.thickness)
    for k, last in enumerate(borders.lateral):
        # a slice that is not shared belongs to one side whole
        border = spacing * (last + 0.5 if borders.shared else np.floor(last) + 1.0)
        first, second = ends[k], ends[k + 1]
        part = np.flatnonzero(there[(first < CENTRES) & (second > CENTRES)].any(axis=0))
        axes.vlines(border, first * per_degree, second * per_degree, color=INK, linewidth=0.9)
        used = CENTRES[there.any(axis=1)]
        height = 0.5 * (max(first, used.min()) + min(second, used.max())) * per_degree
        sides = zip("LM", ((across[0], "left"), (across[1], "right")), strict=True)
        for half, (x, align) in sides:
            inwards = 1.5 if align == "left" else -1.5
            style: dict[str, Any] = {"ha": align, "va": "center", "fontsize": 9, "color": INK}
            if part.size:
                axes.text(x + inwards, height, half + "ACP"[k], **style)


def _frame(axes: Axes, across: tuple, along: tuple, per_degree: float) -> None:
    """Limits in mm, but degrees along the arc, anterior above."""
    axes.set_xlim(*across)
    axes.set_ylim(along[1], along[0])
    ticks = [d for d in range(-180, 181, 30) if along[0] < d * per_degree < along[1]]
    axes.set_yticks([d * per_degree for d in ticks], [f"{d:+d}" if d else "0" for d in ticks])
    style: dict[str, Any] = {"transform": axes.transAxes, "fontsize": 8, "color": SOFT}
    axes.text(0.99, 0.985, "anterior", ha="right", va="top", **style)
    axes.text(0.99, 0.015, "posterior", ha="right", va="bottom", **style)
