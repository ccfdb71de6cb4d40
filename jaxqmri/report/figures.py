"""Figures of a report: what all have in common, distributions, results beside the paper's.

Figures are made without a window system or global state (``matplotlib.figure.Figure``), in
colours that stay apart for colour-blind readers.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxqmri.report.tables import Real

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CSS_PIXELS_PER_INCH = 100
WIDTH = 10.3  # inches: the text width of a page
PIXELS_PER_INCH = 150
NAME_LENGTH = 22  # letters beside an axis

INK = "#1c2330"
SOFT = "#5b6675"
LINE = "#dfe4ea"
PALE = "#c9d3df"
# Paul Tol's bright scheme, in the order of greatest contrast
CYCLE = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#7A7A7A")


def new_figure(width: Real = WIDTH, height: Real = 4.0) -> Figure:
    """An empty figure, size in inches of :data:`CSS_PIXELS_PER_INCH` on a page."""
    from matplotlib.figure import Figure

    return Figure(figsize=(float(width), float(height)), dpi=PIXELS_PER_INCH, facecolor="white")


def add_axes(figure: Figure, box: tuple[Real, Real, Real, Real], x: str = "", y: str = "") -> Axes:
    """Plain axes in a box (left, bottom, width, height in inches) with their labels."""
    width, height = figure.get_size_inches()
    left, bottom, wide, high = box
    axes = figure.add_axes((left / width, bottom / height, wide / width, high / height))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("bottom", "left"):
        axes.spines[side].set_color(SOFT)
    axes.tick_params(colors=SOFT, labelsize=8.5, width=0.8, length=3)
    axes.set_xlabel(x, fontsize=9.5, color=INK)
    axes.set_ylabel(y, fontsize=9.5, color=INK)
    return axes


def png_bytes(figure: Figure) -> bytes:
    """The figure as a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer, pil_kwargs={"compress_level": 3})
    return buffer.getvalue()


def save_png(figure: Figure, path: Path) -> None:
    """Write the figure to ``path``, whole or not at all."""
    path = Path(path)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(png_bytes(figure))
    part.replace(path)


def quantity(name: str, unit: str) -> str:
    """Axis label of a quantity: ``T2 (ms)``; a pure number has no unit."""
    return f"{name} ({unit})" if unit else name


def histogram(
    groups: Mapping[str, Any],
    label: str,
    limits: tuple[Real, Real],
    *,
    bins: int = 120,
    width: Real = WIDTH,
    height: Real = 2.9,
    counted: str = "voxels",
) -> Figure:
    """Histograms over each other, of the values between ``limits``.

    Parameters
    ----------
    groups
        Values by the name of their group, any shape; not-a-number is left out.
    label
        Name and unit of the values.
    limits
        First and last edge of the bins.
    counted
        What each value is of.
    """
    figure = new_figure(width, height)
    axes = add_axes(figure, (0.75, 0.5, width - 0.85, height - 0.6), label, counted)
    edges = np.linspace(float(limits[0]), float(limits[1]), bins + 1)
    for index, (name, values) in enumerate(groups.items()):
        flat = np.asarray(values, dtype=np.float64).ravel()
        counts, _ = np.histogram(flat[np.isfinite(flat)], edges)
        behind = index == 0 and len(groups) > 1
        face = PALE if behind else CYCLE[max(index - 1, 0) % len(CYCLE)]
        axes.stairs(counts, edges, fill=True, color=face, alpha=0.85, label=name, linewidth=0)
        axes.axvline(
            float(np.nanmedian(flat)) if np.isfinite(flat).any() else np.nan,
            color=SOFT if behind else face,
            linewidth=1.2,
            linestyle="--",
        )
    axes.set_xlim(float(limits[0]), float(limits[1]))
    axes.set_ylim(bottom=0)
    axes.locator_params(axis="y", integer=True)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    if len(groups) > 1:
        axes.legend(frameon=False, fontsize=9, labelcolor=INK)
    return figure


def dots_beside_paper(
    results: Sequence[Mapping[str, Any]],
    label: str,
    *,
    across: str = "input",
    by: str = "model",
) -> Figure:
    """Our results as dots with their interval, the paper's as open diamonds.

    Parameters
    ----------
    results
        Mappings with ``ours``, ``low``, ``high``, ``paper`` and the names ``across`` and ``by``;
        one metric and region.
    label
        Name and unit of the metric.
    across
        Name whose values stand along the horizontal axis.
    by
        Name whose values have a colour each.
    """
    columns = list(dict.fromkeys(str(result[across]) for result in results))
    series = list(dict.fromkeys(str(result[by]) for result in results))
    figure = new_figure(WIDTH, 3.6)
    axes = add_axes(figure, (0.8, 0.55, WIDTH - 3.0, 2.9), "", label)
    step = 0.7 / max(len(series), 1)
    for result in results:
        index = series.index(str(result[by]))
        colour = CYCLE[index % len(CYCLE)]
        x = columns.index(str(result[across])) + (index - (len(series) - 1) / 2) * step
        ours, low, high = (result.get(key) for key in ("ours", "low", "high"))
        if ours is not None:
            axes.plot(x - step * 0.15, ours, "o", ms=6, color=colour)
        if low is not None and high is not None:
            axes.plot([x - step * 0.15] * 2, [low, high], color=colour, linewidth=1.6)
        if result.get("paper") is not None:
            axes.plot(x + step * 0.15, result["paper"], "D", ms=5.5, mec=colour, mfc="white")
    for index, name in enumerate(series):
        axes.plot([], [], "o", color=CYCLE[index % len(CYCLE)], label=fill(name, NAME_LENGTH))
    if any(result.get("paper") is not None for result in results):
        axes.plot([], [], "D", mec=SOFT, mfc="white", label="paper")
    axes.set_xticks(range(len(columns)), columns)
    axes.grid(axis="y", color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    if series:
        axes.legend(
            frameon=False, fontsize=9, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.01, 1)
        )
    return figure
