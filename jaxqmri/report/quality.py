"""The quality page of a fit: maps, histograms, status counts, and a few voxels up close."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Num

from jaxqmri.report.figures import CYCLE, INK, LINE, SOFT, WIDTH, add_axes, histogram, new_figure
from jaxqmri.report.maps import NO_ESTIMATE, Panel, choose_slices, draw_maps
from jaxqmri.report.page import (
    Html,
    Number,
    Section,
    facts,
    figure,
    note,
    numbers,
    page,
    paragraph,
    table,
)
from jaxqmri.report.tables import Real, Table, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jaxqmri.fitting.result import FitResult

Signals = Callable[[Mapping[str, np.ndarray], np.ndarray | None], np.ndarray]

WELL_KNOWN = 0.1  # relative standard error below which an estimate counts as well known
STATUS_LOOK = {
    0: ("outside the mask", NO_ESTIMATE),
    1: ("converged", "#3b76af"),
    2: ("at a bound", "#ddaa33"),
    3: ("not converged", "#bb5566"),
    4: ("no signal", "#59636f"),
    5: ("not finite", "#e8e8e8"),
}
STATUS_MEANING = {
    1: "the least-squares solution inside the bounds",
    2: "the best value of a parameter lies on a bound; its error is not known",
    3: "the iterations did not settle; no estimate",
    4: "no positive sample, or none above zero; no estimate",
    5: "a sample is not a number or infinite; no estimate",
}
SLICES = 10  # of the main map; every other one of the rest
_LARGE_SHARE = 0.05


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
        return _by_name(self.result.params)

    def name(self, parameter: str) -> str:
        """A parameter with its unit."""
        unit = self.units.get(parameter, "")
        label = self.labels.get(parameter, parameter)
        return f"{label} ({unit})" if unit else label


def quality_page(series: FittedSeries, footer: str = "") -> Html:
    """The page of one fit, self-contained.

    Parameters
    ----------
    series
        The fit.
    footer
        Last line: software and version.
    """
    known = well_known(series)
    estimated = np.isin(series.result.status, (1, 2))
    slices = choose_slices(series.affine, known if known.any() else estimated, SLICES)
    half = replace(slices, indices=slices.indices[:: 2 if len(slices.indices) > 2 else 1])
    sections = [
        Section(
            "Maps", [*_map_figures(series, known, slices, half), *_error_figures(series, half)]
        ),
        Section("Distribution", [_histogram(series, known, estimated)]),
        Section("Status of the voxels", [_status_table(series), _status_figure(series, half)]),
    ]
    if known.any():
        sections.append(Section("Voxels up close", _voxel_blocks(series, known)))
    if series.settings:
        sections.append(Section("Settings and sources", [facts(series.settings)]))
    return page(
        series.title,
        sections,
        kicker="Quality of a fit",
        lead=series.lead,
        opening=[
            _key_numbers(series, known, estimated),
            *(note(text, warning=True) for text in [*series.warnings, *_findings(series)]),
        ],
        footer=footer,
    )


def well_known(series: FittedSeries) -> Bool[np.ndarray, "x y z"]:
    """Voxels whose main parameter has a standard error below a tenth of it.

    Another parameter may sit on a bound there: its neighbour's error is known all the same.
    Without standard errors, all converged voxels.
    """
    converged = np.asarray(series.result.status) == 1
    if series.result.std is None:
        return converged
    value = series.maps[series.main]
    error = _by_name(series.result.std)[series.main]
    with np.errstate(invalid="ignore"):
        certain = np.abs(error) < WELL_KNOWN * np.abs(value)
    return certain if certain.any() else converged


def _by_name(structure: Any) -> dict[str, np.ndarray]:
    names = structure._asdict() if hasattr(structure, "_asdict") else structure
    return {name: np.asarray(values) for name, values in names.items()}


def _sampled(values: np.ndarray, where: np.ndarray, most: int = 100_000) -> np.ndarray:
    """At most ``most`` of the finite values, evenly from the whole volume."""
    chosen = values[where]
    chosen = chosen[:: max(1, chosen.size // most)]
    return chosen[np.isfinite(chosen)]


def _window(values: np.ndarray, where: np.ndarray, floor: float | None = None) -> tuple:
    """Ends of a colour bar: what most values lie between, or a given lower end.

    The 2nd and the 98th percentile, but no further out of the middle half than two and a half
    times its width, so that a little fluid does not take the colours from all the tissue.
    """
    sample = _sampled(values, where)
    if sample.size == 0:
        return 0.0, 1.0
    low, first, third, high = (float(v) for v in np.percentile(sample, (2, 25, 75, 98)))
    reach = 2.5 * (third - first)
    low, high = max(low, first - reach), min(high, third + reach)
    low = low if floor is None else floor
    return (low, high) if high > low else (low, low + max(abs(low), 1.0) * 0.1)


def _key_numbers(series: FittedSeries, known: np.ndarray, estimated: np.ndarray) -> Html:
    result, unit = series.result, series.units.get(series.main, "")
    inside = int((np.asarray(result.status) != 0).sum())
    values = _sampled(series.maps[series.main], known)
    entries = []
    if values.size:
        low, middle, high = np.percentile(values, (25, 50, 75))
        entries.append(
            Number(
                f"Median {series.labels.get(series.main, series.main)}",
                f"{number(middle, _digits(middle))} {unit}".strip(),
                f"well-known voxels; quartiles {number(low, _digits(low))} and "
                f"{number(high, _digits(high))}",
            )
        )
    share = estimated.sum() / max(inside, 1)
    entries.append(
        Number("Voxels with an estimate", f"{int(estimated.sum()):,}", _percent(share, inside))
    )
    if result.std is not None:
        count = int(known.sum())
        entries.append(
            Number("Known to 10 % or better", f"{count:,}", _percent(count / max(inside, 1)))
        )
    if np.ndim(result.sigma) == 0 and np.isfinite(result.sigma):
        entries.append(Number("Noise σ", number(float(result.sigma)), "in units of the signal"))
    if result.r_squared is not None and known.any():
        middle = np.median(_sampled(np.asarray(result.r_squared), known))
        entries.append(Number("Median R²", number(middle, 4), "of the well-known voxels"))
    return numbers(entries)


def _digits(value: Real) -> int:
    return 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3


def _percent(share: Real, of: int | None = None) -> str:
    text = f"{100 * share:.1f} %"
    return f"{text} of {of:,}" if of is not None else text


def _findings(series: FittedSeries) -> list[str]:
    """What in the status counts deserves a second look."""
    counts = np.bincount(np.asarray(series.result.status).ravel(), minlength=len(STATUS_LOOK))
    tried = counts[1] + counts[2] + counts[3]
    found = []
    if tried and counts[3] > _LARGE_SHARE * tried:
        found.append(
            f"{_percent(counts[3] / tried)} of the voxels with signal did not converge: look at "
            "their place on the status map before using the map there."
        )
    if counts[5]:
        found.append(f"{counts[5]:,} voxels hold samples that are not numbers.")
    return found


def _map_figures(
    series: FittedSeries, known: np.ndarray, slices: Slices, half: Slices
) -> list[Html]:
    panels = []
    for name, values in series.maps.items():
        unit = series.units.get(name, "")
        amplitude = unit == "arbitrary"
        low, high = _window(values, known, floor=None)
        if amplitude and low > 0:
            low = 0.0
        panels.append(
            Panel(
                values,
                series.labels.get(name, name),
                unit,
                (low, high),
                "gray" if amplitude else "viridis",
            )
        )
    panels.sort(key=lambda panel: panel.name != series.labels.get(series.main, series.main))
    main, *others = panels
    caption = (
        f"{series.labels.get(series.main, series.main)} in {slices.plane} slices, whose numbers "
        "count from 0. Colours span what most well-known voxels lie between, values beyond take "
        "the colour of the end; black where there is no estimate."
    )
    blocks = [figure(draw_maps([main], slices, lines=2), caption, alt=f"{main.name} map")]
    if others:
        drawing = draw_maps(others, half, tallest=2.6)
        blocks.append(figure(drawing, "The other parameters.", alt="Other parameter maps"))
    return blocks


def _error_figures(series: FittedSeries, slices: Slices) -> list[Html]:
    result = series.result
    estimated = np.isin(result.status, (1, 2))
    panels = []
    if result.std is not None:
        error = _by_name(result.std)[series.main]
        unit, label = series.units.get(series.main, ""), series.labels.get(series.main, series.main)
        limits = _window(error, estimated & np.isfinite(error), floor=0.0)
        value = series.maps[series.main]
        sample = _sampled(value, well_known(series))
        if sample.size:  # errors far beyond the values themselves would wash out the rest
            limits = (0.0, min(limits[1], 0.5 * float(np.median(sample))))
        panels.append(Panel(error, f"Standard error of {label}", unit, limits, "magma"))
    if result.rmse is not None:
        rmse = np.asarray(result.rmse)
        limits = _window(rmse, estimated, floor=0.0)
        panels.append(Panel(rmse, "Root mean square residual", "arbitrary", limits, "magma"))
    if result.r_squared is not None:
        share = np.asarray(result.r_squared)
        panels.append(Panel(share, "R²", "", (0.0, 1.0), "cividis"))
    if not panels:
        return []
    caption = "How well each voxel is known and how well the equation describes it."
    return [figure(draw_maps(panels, slices, tallest=2.6), caption, alt="Error and quality maps")]


def _status_figure(series: FittedSeries, slices: Slices) -> Html:
    panel = Panel(np.asarray(series.result.status), "Status", categories=STATUS_LOOK)
    return figure(
        draw_maps([panel], slices, tallest=2.6), "What became of each voxel.", alt="Status map"
    )


def _status_table(series: FittedSeries) -> Html:
    counts = np.bincount(np.asarray(series.result.status).ravel(), minlength=len(STATUS_LOOK))
    inside = max(int(counts[1:].sum()), 1)
    rows = [
        (
            STATUS_LOOK[code][0],
            str(code),
            f"{int(counts[code]):,}",
            _percent(counts[code] / inside),
            meaning,
        )
        for code, meaning in STATUS_MEANING.items()
    ]
    header = ("status", "code in the map", "voxels", "share", "meaning")
    return table(Table(header, tuple(rows), "Shares are of the voxels inside the mask.", left=(4,)))


def _histogram(series: FittedSeries, known: np.ndarray, estimated: np.ndarray) -> Html:
    values = series.maps[series.main]
    low, high = _window(values, known)
    margin = 0.35 * (high - low)
    low = max(low - margin, 0.0) if low >= 0 else low - margin
    groups = {"all estimates": values[estimated]}
    if series.result.std is not None:
        groups["known to 10 % or better"] = values[known]
    return figure(
        histogram(groups, series.name(series.main), (low, high + margin)),
        "Dashed lines are medians. Well-known voxels are those whose standard error is below a "
        "tenth of the estimate.",
        alt=f"Histogram of {series.name(series.main)}",
    )


def _voxel_blocks(series: FittedSeries, known: np.ndarray) -> list[Html]:
    chosen = choose_voxels(series, known)
    drawing = _draw_voxels(series, chosen)
    blocks = [
        paragraph(
            "The first five lie at the 5th, 25th, 50th, 75th and 95th percentile of "
            f"{series.labels.get(series.main, series.main)} among the well-known voxels; the last "
            "has the largest residual of them."
        ),
        figure(drawing, "Samples, fitted signal, and residuals (below).", alt="Six voxel fits"),
    ]
    misfit = _draw_misfit(series, known)
    blocks.append(
        figure(
            misfit,
            "Residual of each sample over the well-known voxels: mean (dot) and middle half of "
            "the voxels (bar), as a share of the voxel's largest sample. Means that bend away "
            "from zero along the axis are signal that the equation does not describe.",
            alt="Mean residual of each sample",
        )
    )
    return blocks


def choose_voxels(series: FittedSeries, known: np.ndarray) -> list[tuple[int, int, int]]:
    """Five voxels along the distribution of the main parameter, and the worst described one."""
    places = np.argwhere(known)
    places = places[:: max(1, len(places) // 100_000)]
    values = series.maps[series.main][tuple(places.T)]
    order = np.argsort(values, kind="stable")
    picks = [order[round(q * (len(order) - 1))] for q in (0.05, 0.25, 0.5, 0.75, 0.95)]
    if series.result.rmse is not None:
        rmse = np.asarray(series.result.rmse)[tuple(places.T)]
        picks.append(np.argmax(np.nan_to_num(rmse)))
    chosen = dict.fromkeys(tuple(int(i) for i in places[pick]) for pick in picks)
    return [(i, j, k) for i, j, k in chosen]


def _at(structure: Any, places: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[tuple(places.T)] for name, values in _by_name(structure).items()}


def _draw_voxels(series: FittedSeries, chosen: Sequence[tuple[int, int, int]]) -> Figure:
    places = np.asarray(chosen)
    parameters = _at(series.result.params, places)
    errors = None if series.result.std is None else _at(series.result.std, places)
    measured = np.asarray(series.images[tuple(places.T)], dtype=np.float64)
    at_samples = np.asarray(series.signals(parameters, None))
    residuals = measured - at_samples
    order = np.argsort(series.positions, kind="stable")
    x, curves = series.positions[order], at_samples[:, order]
    if series.smooth:
        low, high = float(x[0]), float(x[-1])
        x = np.linspace(low, high + 0.04 * (high - low), 80)
        curves = np.asarray(series.signals(parameters, x))

    wide, high, strip = 2.72, 1.55, 0.5
    lines = -(-len(chosen) // 3)
    step = high + strip + 0.95
    drawing = new_figure(WIDTH, lines * step)
    for i, place in enumerate(chosen):
        line, column = divmod(i, 3)
        left, top = 0.62 + column * (wide + 0.62), (lines - line) * step - 0.3
        axes = add_axes(drawing, (left, top - high, wide, high))
        axes.plot(x, curves[i], color=CYCLE[0], linewidth=1.6)
        axes.plot(series.positions, measured[i], "o", color=INK, markersize=3.8)
        axes.set_xticklabels([])
        if min(measured[i].min(), curves[i].min()) >= 0:
            axes.set_ylim(bottom=0)
        value = parameters[series.main][i]
        spread = "" if errors is None else f" ± {number(errors[series.main][i], _digits(value))}"
        unit = series.units.get(series.main, "")
        text = f"{series.labels.get(series.main, series.main)} {number(value, _digits(value))}"
        axes.set_title(
            f"{text}{spread} {unit}   voxel {place[0]}, {place[1]}, {place[2]}",
            loc="left",
            fontsize=8.5,
            color=INK,
            pad=4,
        )
        below = add_axes(drawing, (left, top - high - strip - 0.08, wide, strip), series.axis)
        below.axhline(0, color=SOFT, linewidth=0.8)
        below.vlines(series.positions, 0, residuals[i], color=CYCLE[1], linewidth=1.4)
        below.plot(series.positions, residuals[i], "o", color=CYCLE[1], markersize=2.6)
        largest = 1.25 * float(np.abs(residuals[i]).max()) or 1.0
        below.set_ylim(-largest, largest)
        below.set_xlim(axes.get_xlim())
    return drawing


def _draw_misfit(series: FittedSeries, known: np.ndarray, most: int = 4096) -> Figure:
    places = np.argwhere(known)
    places = places[np.linspace(0, len(places) - 1, min(most, len(places))).astype(int)]
    measured = np.asarray(series.images[tuple(places.T)], dtype=np.float64)
    predicted = np.asarray(series.signals(_at(series.result.params, places), None))
    scale = np.abs(measured).max(axis=1, keepdims=True)
    share = 100 * (measured - predicted) / np.where(scale > 0, scale, 1.0)
    low, high = np.percentile(share, (25, 75), axis=0)
    drawing = new_figure(WIDTH, 2.3)
    axes = add_axes(drawing, (0.75, 0.5, WIDTH - 0.85, 1.7), series.axis, "residual (%)")
    axes.axhline(0, color=SOFT, linewidth=0.8)
    axes.grid(axis="y", color=LINE, linewidth=0.7)
    axes.vlines(series.positions, low, high, color=CYCLE[0], linewidth=4, alpha=0.4)
    axes.plot(series.positions, share.mean(axis=0), "o", color=CYCLE[0], markersize=4.5)
    return drawing
