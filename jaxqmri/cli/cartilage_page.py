"""Pictures and page of ``jaxqmri cartilage``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxqmri import __version__, report
from jaxqmri.analysis.cartilage import in_words
from jaxqmri.cli.cartilage_change import Changed
from jaxqmri.cli.cartilage_visit import Measured, Visit
from jaxqmri.report.cartilage import UnrolledMap, draw_change, draw_subregions, draw_unrolled
from jaxqmri.report.figures import png_bytes

THICKEST = 4.0  # mm, end of the colour bar
POOR_OVERLAP = 0.8


class Picture(NamedTuple):
    """A picture as a file and as a part of the page."""

    file: str
    png: bytes
    title: str
    caption: str


def pictures_of(visits: Mapping[str, Visit], changes: Sequence[Changed]) -> list[Picture]:
    """Every picture: the unrolled maps, the subregions on slices, the changes."""
    found = []
    for name, visit in visits.items():
        prefix, title = (f"{name}_", f", {name}") if name else ("", "")
        for place, one in enumerate(visit.measured):
            stem = "thickness" if one.name is None else one.name
            same = [other.measured[place] for other in visits.values()]
            found.append(
                Picture(
                    f"{prefix}{stem}_unrolled.png",
                    png_bytes(draw_unrolled(one.divided, _unrolled_maps(one, same))),
                    f"Unrolled{title}",
                    "Cartilage unrolled from its circle, true to scale: lateral left, the trochlea "
                    "above, the posterior condyles below. Each place is the mean through the "
                    "cartilage of a slice and 5 degrees; lines are the borders of the subregions.",
                )
            )
        for own, divided in visit.divisions().items():
            found.append(
                Picture(
                    f"{prefix}{own}subregions.png",
                    png_bytes(draw_subregions(divided, visit.labels.affine)),
                    f"Subregions on slices{title}",
                    "Superficial light, deep dark; lateral in cold colours, medial in warm ones. "
                    "Deep belongs next to the bone.",
                )
            )
    for one in changes:
        name, unit = str(one.before.name), str(one.before.unit)
        drawing = draw_change(one.change, name, unit, one.before.divided.circle.radius)
        found.append(
            Picture(
                f"{name}_change.png",
                png_bytes(drawing),
                "Change",
                f"{name}, pixels of 1 mm by 1 mm. Outlined are clusters more than one standard "
                "deviation above the mean change that cover more than 1 % of the plate; they are "
                "looked for inside the dotted line, 4 mm from the edge.",
            )
        )
    return found


def page_of(
    visits: Mapping[str, Visit],
    changes: Sequence[Changed],
    pictures: Sequence[Picture],
    facts: Mapping[str, str],
) -> report.Html:
    """The page, self-contained."""
    first = next(iter(visits.values()))
    titles = list(dict.fromkeys(picture.title for picture in pictures))
    sections = [
        report.Section(
            title,
            [
                report.figure(p.png, p.caption, width=_width(p.png))
                for p in pictures
                if p.title == title
            ],
        )
        for title in titles
    ]
    sections.insert(0, report.Section("Regions", [report.table(_regions(visits, changes))]))
    sections.append(report.Section("Settings and sources", [report.facts(facts)]))
    return report.page(
        f"Femoral cartilage, {first.labels.path.name.split('.nii')[0]}",
        sections,
        kicker="Subregions of cartilage",
        lead="Twelve subregions: superficial or deep (S, D), lateral or medial (L, M), anterior, "
        "central or posterior (A, C, P), and what they make up.",
        opening=[
            _numbers(visits, changes),
            *(report.note(text, warning=True) for text in _findings(changes)),
        ],
        footer=f"jaxqmri {__version__}",
    )


def _unrolled_maps(one: Measured, same: Sequence[Measured]) -> list[UnrolledMap]:
    """A map and the thickness; colours of a map mean the same in all visits."""
    thickness = UnrolledMap(one.divided.thickness, "Thickness", "mm", (0.0, THICKEST), "magma")
    if one.values is None:
        return [thickness]
    plates = [m.divided.project(m.values).ravel() for m in same if m.values is not None]
    low, high = (float(v) for v in np.nanpercentile(np.concatenate(plates), (2, 98)))
    limits = (low, high if high > low else low + 1.0)
    plate = one.divided.project(one.values)
    return [UnrolledMap(plate, str(one.name), str(one.unit), limits), thickness]


def _regions(visits: Mapping[str, Visit], changes: Sequence[Changed]) -> report.Table:
    """The 27 regions: a column for each visit's maps, and for their change."""
    first = next(iter(visits.values())).measured[0].statistics
    header = ["region", "", "voxels", "thickness (mm)"]
    rows = [
        [row.region, in_words(row.region), report.number(row.voxels, 0), _or_absent(row.thickness)]
        for row in first
    ]
    for name, visit in visits.items():
        for one in visit.measured:
            if one.values is None:
                continue
            header.append(f"{one.name} ({one.unit}){f', {name}' if name else ''}")
            for cells, row in zip(rows, one.statistics, strict=True):
                cells.append(report.Estimate(row.mean, row.sd, digits=2).text())
    for one in changes:
        header.append(f"change of {one.before.name} ({one.before.unit})")
        for cells, row in zip(rows, one.rows(), strict=True):
            cells.append(_or_absent(row["mean"]))
    return report.Table(
        tuple(header),
        tuple(tuple(cells) for cells in rows),
        "Mean ± SD over voxels. Thickness is of both layers, and of the first visit.",
        stub=2,
    )


def _or_absent(value: float) -> str:
    return report.number(value if np.isfinite(value) else None, 2)


def _numbers(visits: Mapping[str, Visit], changes: Sequence[Changed]) -> report.Html:
    entries = []
    for name, visit in visits.items():
        for one in visit.measured:
            whole = one.statistics[0]
            if one.values is None:
                entries.append(report.Number("Thickness", f"{whole.thickness:.2f} mm", "mean"))
                continue
            detail = f"{name}, SD {whole.sd:.3g}" if name else f"SD {whole.sd:.3g}"
            entries.append(report.Number(f"{one.name}", f"{whole.mean:.4g} {one.unit}", detail))
    for one in changes:
        entries.append(
            report.Number(
                "Plate in clusters",
                f"{100 * one.change.share:.1f} %",
                f"{len(one.change.areas)} of them, {one.before.name}",
            )
        )
    return report.numbers(entries)


def _findings(changes: Sequence[Changed]) -> list[str]:
    """What a reader of the change must not miss."""
    found = []
    for one in changes:
        if one.change.at_limit or one.change.dice < POOR_OVERLAP:
            found.append(
                f"{one.before.name}: the visits overlap with a Dice coefficient of "
                f"{one.change.dice:.2f} after the follow-up was moved by {one.change.shift[0]} "
                f"bins and {one.change.shift[1]} slices. Look whether the same cartilage is drawn."
            )
    if changes:
        found.append(
            "Clusters are found in noise too: one standard deviation is little. Compare with the "
            "share in subjects who have not changed."
        )
    return found


def _width(png: bytes) -> int:
    """Displayed width of a picture of ours, CSS pixels."""
    from jaxqmri.report.figures import CSS_PIXELS_PER_INCH, PIXELS_PER_INCH

    return round(int.from_bytes(png[16:20], "big") * CSS_PIXELS_PER_INCH / PIXELS_PER_INCH)
