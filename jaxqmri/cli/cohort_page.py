"""The page of a cohort: where every series lies, which stand out, which could not be fitted."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from jaxqmri import __version__, report
from jaxqmri.analysis.outliers import OUTLYING, robust_z
from jaxqmri.cli.cohort import ALREADY_DONE, FAILED, FITTED, Row, is_time, table_name
from jaxqmri.cli.outputs import Output
from jaxqmri.report.cohort import interval_plot, spread_plot
from jaxqmri.report.figures import quantity

LINKED = 100  # series up to which all are linked
WHOLE = 50  # series up to which all have a row
SHOWN = 20  # of more series: rows of those furthest out, names of the failed
USUAL = 6  # series from which they tell what is usual, and which of them is not
SPREAD = 12  # series from which a histogram says more than the dots


def page_of_cohort(rows: Sequence[Row], outputs: Sequence[Output], out: Path) -> report.Html:
    """The page, to lie beside the table.

    Parameters
    ----------
    rows
        Of the table, in its order.
    outputs
        Every series of the dataset.
    out
        The folder of results; quality pages that are there are linked.
    """
    output, by_name = outputs[0], {each.source.name: each for each in outputs}
    method = output.method
    label, unit = method.maps[method.main].label, "ms" if is_time(method) else ""
    known = [row for row in rows if row.numbers.median is not None]
    z = dict(zip([row.series for row in known], robust_z(_column(known, "median")), strict=True))
    outlying = [row for row in known if len(known) >= USUAL and abs(z[row.series]) > OUTLYING]
    failed = [row for row in rows if row.outcome.state == FAILED]
    sections = [
        report.Section(title, blocks)
        for title, blocks in (
            ("Every series", _figures(known, outlying, quantity(label, unit))),
            ("Could not be fitted", _errors(failed)),
            ("Numbers", _tables(rows, known, z, quantity(label, unit))),
            ("Quality pages", _links(rows, outlying, by_name, out)),
        )
        if blocks
    ]
    command = report.facts(
        {
            "Command": f"`{' '.join(['jaxqmri', *sys.argv[1:]])}`",
            "Equation": f"`{method.equation}`",
            "Table": f"`{table_name(output)}`, one row for each series, times in {output.units}",
        }
    )
    return report.page(
        f"{label} of {len(rows):,} series",
        [*sections, report.Section("Settings and sources", [command])],
        kicker="Cohort",
        lead=f"`{method.equation}` in every series of the dataset: the median of {label} over the "
        "voxels that converged, and from which 5th to which 95th percentile it spreads.",
        opening=[_numbers(rows, known, label, unit), *_findings(failed, outlying, label)],
        footer=f"jaxqmri {__version__}",
    )


def _column(rows: Sequence[Row], name: str) -> np.ndarray:
    return np.array([getattr(row.numbers, name) for row in rows], np.float64)


def _numbers(rows: Sequence[Row], known: Sequence[Row], label: str, unit: str) -> report.Html:
    states = [row.outcome.state for row in rows]
    entries = [
        report.Number("Series", f"{len(rows):,}"),
        report.Number("Fitted now", f"{states.count(FITTED):,}"),
        report.Number("Already done", f"{states.count(ALREADY_DONE):,}"),
        report.Number("Failed", f"{states.count(FAILED):,}"),
    ]
    if known:
        low, middle, high = np.percentile(_column(known, "median"), (5, 50, 95))
        entries.append(
            report.Number(
                f"Median {label}",
                f"{report.number(middle)} {unit}".rstrip(),
                f"of the series' medians; 5 to 95 %: {low:.4g} to {high:.4g}",
            )
        )
    return report.numbers(entries)


def _findings(failed: Sequence[Row], outlying: Sequence[Row], label: str) -> list[report.Html]:
    """What a reader must not miss."""
    found = []
    if failed:
        found.append(f"{_counted(failed)} could not be fitted: {_named(failed)}.")
    if outlying:
        found.append(
            f"The median {label} of {_counted(outlying)} lies more than {OUTLYING} robust standard "
            f"deviations from that of the cohort: {_named(outlying)}."
        )
    return [report.note(text, warning=True) for text in found]


def _counted(rows: Sequence[Row]) -> str:
    return f"{len(rows):,} series"


def _named(rows: Sequence[Row]) -> str:
    more = len(rows) - SHOWN
    names = ", ".join(row.series for row in rows[:SHOWN])
    return names if more <= 0 else f"{names} and {more:,} more"


def _figures(known: Sequence[Row], outlying: Sequence[Row], label: str) -> list[report.Html]:
    if not known:
        return []
    red = {row.series for row in outlying}
    middle, low, high = (_column(known, name) for name in ("median", "p05", "p95"))
    drawing = interval_plot(
        [row.series for row in known], middle, low, high, label,
        np.array([row.series in red for row in known]),
    )  # fmt: skip
    blocks = [
        report.figure(
            drawing,
            "Median (dot) and 5th to 95th percentile (line) of each series' voxels, in the order "
            "of the table; dashed the median of the dots. Red: medians more than "
            f"{OUTLYING} robust standard deviations from it. Very long lines are cut.",
            alt=f"{label} of each series",
        )
    ]
    if len(known) >= SPREAD:
        blocks.append(
            report.figure(
                spread_plot(middle, label),
                "How many series have which median; dashed their median.",
                alt=f"Histogram of the series' median {label}",
            )
        )
    return blocks


def _tables(
    rows: Sequence[Row], known: Sequence[Row], z: Mapping[str, float], label: str
) -> list[report.Html]:
    if len(rows) <= WHOLE:
        return [report.table(_table(rows, z, label, "Every series."))]
    furthest = sorted(known, key=lambda row: -abs(z[row.series]))[:SHOWN]
    caption = (
        f"The {len(furthest)} of {len(rows):,} series whose medians lie furthest from that of the "
        "cohort, by robust z. All are in the table file."
    )
    return [report.table(_table(furthest, z, label, caption))] if furthest else []


def _table(rows: Sequence[Row], z: Mapping[str, float], label: str, caption: str) -> report.Table:
    header = (
        "series", "state", "voxels", "estimated", "at bound (%)", f"median {label}",
        "5th percentile", "95th percentile", "robust z", "noise",
    )  # fmt: skip
    cells = []
    for row in rows:
        n, share = row.numbers, row.numbers.share_at_bound
        cells.append(
            (
                row.series,
                row.outcome.state,
                *(report.number(value) for value in (n.voxels, n.estimated)),
                report.number(None if share is None else 100 * share, 1),
                *(report.number(value) for value in (n.median, n.p05, n.p95)),
                report.number(z.get(row.series), 1),
                report.number(n.sigma),
            )
        )
    return report.Table(header, tuple(cells), caption, left=(1,))


def _errors(failed: Sequence[Row]) -> list[report.Html]:
    """Why series could not be fitted, one a line."""
    if not failed:
        return []
    told = {row.series: row.outcome.error or "" for row in failed[:SHOWN]}
    more = len(failed) - len(told)
    rest = [report.paragraph(f"And {more:,} more, in the table file.")] if more else []
    return [report.facts(told), *rest]


def _links(
    rows: Sequence[Row], outlying: Sequence[Row], outputs: Mapping[str, Output], out: Path
) -> list[report.Html]:
    """Quality pages of all series where these are few, otherwise of those that stand out."""
    wanted = rows if len(rows) <= LINKED else outlying[:LINKED]
    pages = {row.series: outputs[row.series].page() for row in wanted}
    there = {name: page for name, page in pages.items() if (out / page).is_file()}
    return [report.links(there)] if there else []
