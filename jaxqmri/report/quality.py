"""The quality page of a fit: maps, histograms, status counts, and a few voxels up close."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jaxqmri.report.figures import histogram
from jaxqmri.report.fitted import (
    FittedSeries,
    Signals,
    by_name,
    digits_of,
    sampled,
    well_known,
)
from jaxqmri.report.maps import NO_ESTIMATE, Panel, Slices, choose_slices, draw_maps
from jaxqmri.report.page import (
    Html,
    Number,
    Section,
    facts,
    figure,
    note,
    numbers,
    page,
    table,
)
from jaxqmri.report.tables import Real, Table, number
from jaxqmri.report.voxels import choose_voxels, voxel_blocks

__all__ = ["FittedSeries", "Signals", "choose_voxels", "quality_page", "well_known"]

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
        sections.append(Section("Voxels up close", voxel_blocks(series, known)))
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


def _window(values: np.ndarray, where: np.ndarray, floor: float | None = None) -> tuple:
    """Ends of a colour bar: what most values lie between, or a given lower end.

    The 2nd and the 98th percentile, but no further out of the middle half than two and a half
    times its width, so that a little fluid does not take the colours from all the tissue.
    """
    sample = sampled(values, where)
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
    values = sampled(series.maps[series.main], known)
    entries = []
    if values.size:
        low, middle, high = np.percentile(values, (25, 50, 75))
        entries.append(
            Number(
                f"Median {series.labels.get(series.main, series.main)}",
                f"{number(middle, digits_of(middle))} {unit}".strip(),
                f"well-known voxels; quartiles {number(low, digits_of(low))} and "
                f"{number(high, digits_of(high))}",
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
        middle = np.median(sampled(np.asarray(result.r_squared), known))
        entries.append(Number("Median R²", number(middle, 4), "of the well-known voxels"))
    return numbers(entries)


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
        error = by_name(result.std)[series.main]
        unit, label = series.units.get(series.main, ""), series.labels.get(series.main, series.main)
        limits = _window(error, estimated & np.isfinite(error), floor=0.0)
        value = series.maps[series.main]
        sample = sampled(value, well_known(series))
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
