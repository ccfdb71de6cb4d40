"""What ``jaxqmri cartilage`` writes: tables, subregions on the image's grid, pictures, a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Num

from jaxqmri import __version__
from jaxqmri.analysis.cartilage import CENTRES, SUBREGIONS, in_words
from jaxqmri.cli.cartilage_change import CLUSTERS, Changed
from jaxqmri.cli.cartilage_page import page_of, pictures_of
from jaxqmri.cli.cartilage_visit import COLUMNS, Visit
from jaxqmri.io import files, nifti


def write(
    folder: Path, visits: Mapping[str, Visit], changes: list[Changed], facts: Mapping[str, str]
) -> str:
    """Write all results into a folder; returns what they say, in a few words."""
    rows = []
    for name, visit in visits.items():
        rows += [row for one in visit.measured for row in one.rows(name or None)]
        _write_visit(folder, f"{name}_" if name else "", visit)
    rows += [row for one in changes for row in one.rows()]
    files.write_table(folder / "subregions.tsv", rows, COLUMNS)
    if changes:
        files.write_table(folder / "clusters.tsv", [one.clusters() for one in changes], CLUSTERS)
    for one in changes:
        for what, values in (("change", one.change.difference), ("clusters", one.change.clusters)):
            _write_change(folder / f"{one.before.name}_{what}.tsv", values)
    pictures = pictures_of(visits, changes)
    for picture in pictures:
        files.write_bytes(folder / picture.file, picture.png)
    files.write_text(folder / "cartilage.html", page_of(visits, changes, pictures, facts))
    return "\n".join(_summary(visits, changes))


def _write_visit(folder: Path, prefix: str, visit: Visit) -> None:
    """The subregions on the image's grid, and the unrolled thickness and maps."""
    for own, divided in visit.divisions().items():
        stem = f"{prefix}{own}subregions_dseg"
        sidecar = {
            "Description": "subregions of femoral cartilage",
            "Sources": [visit.labels.path.name],
            "GeneratedBy": [{"Name": "jaxqmri", "Version": __version__}],
        }
        nifti.write_image(folder / f"{stem}.nii.gz", divided.labels(), visit.labels.affine, sidecar)
        names = [
            {"index": k, "name": region, "description": in_words(region)}
            for k, region in enumerate(SUBREGIONS, start=1)
        ]
        files.write_table(folder / f"{stem}.tsv", names, ("index", "name", "description"))
        _write_plate(folder / f"{prefix}{own}thickness_unrolled.tsv", divided.thickness)
    for one in visit.measured:
        if one.values is not None:
            plate = one.divided.project(one.values)
            _write_plate(folder / f"{prefix}{one.name}_unrolled.tsv", plate)


def _write_plate(path: Path, values: Num[np.ndarray, "bins slices"]) -> None:
    """Bins of angle down, by their middle in degrees; slices across, from lateral."""
    _write_grid(path, "degrees", CENTRES.tolist(), "slice", values)


def _write_change(path: Path, values: Num[np.ndarray, "arc across"]) -> None:
    """Pixels of 1 mm: along the arc, 0 distal and negative anterior; across, from lateral."""
    along = np.arange(values.shape[0]) + 0.5 * (1 - values.shape[0])
    _write_grid(path, "arc_mm", along.tolist(), "mm", values)


def _write_grid(
    path: Path, first: str, places: list[float], across: str, values: Num[np.ndarray, "a b"]
) -> None:
    columns = [f"{across}_{k}" for k in range(values.shape[1])]
    rows = [
        {first: place} | dict(zip(columns, line, strict=True))
        for place, line in zip(places, values.tolist(), strict=True)
    ]
    files.write_table(path, rows, [first, *columns])


def _summary(visits: Mapping[str, Visit], changes: list[Changed]) -> Iterator[str]:
    for name, visit in visits.items():
        called = f"{name}: " if name else ""
        whole = visit.measured[0].statistics[0]
        yield f"{called}{whole.voxels:,.0f} voxels, {whole.thickness:.2f} mm thick"
        for one in visit.measured:
            if one.values is not None:
                whole = one.statistics[0]
                yield f"{called}{one.name} {whole.mean:.4g} {one.unit} (SD {whole.sd:.3g})"
    for one in changes:
        yield (
            f"change: {one.before.name} {one.change.mean:+.3g} {one.before.unit}, clusters over "
            f"{100 * one.change.share:.1f} % of the plate"
        )
