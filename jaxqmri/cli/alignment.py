"""The page of a registration: how alike the images were before and are after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxqmri import __version__
from jaxqmri.analysis import similarity_in_mask
from jaxqmri.io.nifti import Image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jaxqmri.preprocessing import Transform
    from jaxqmri.report import Html

SIGNAL = 0.1  # of the 99th percentile: what is darker counts as air
SQUARE = 12.0  # mm, of the checkerboard

Volume = Float[np.ndarray, "x y z"]
Mask = Bool[np.ndarray, "x y z"]


class Aligned(NamedTuple):
    """One image on the fixed grid, before and after."""

    label: str
    before: Volume
    after: Volume
    transform: Transform


class Measures(NamedTuple):
    """What registration found and did."""

    before: float  # structural similarity
    after: float
    shift: float  # mm, mean over the mask
    rotation: float  # degrees
    bend: float | None  # mm, root mean square of the displacement over the mask


def alignment_page(
    name: str, fixed: Image, aligned: Sequence[Aligned], mask: Mask | None, stages: str
) -> tuple[Html, str]:
    """The page, and its content in a few words."""
    from jaxqmri import report

    seen = _signal(fixed.data) if mask is None else mask
    measures = [_measure(one, fixed, seen) for one in aligned]
    worst = int(np.argmax([m.shift for m in measures]))
    before = float(np.mean([m.before for m in measures]))
    after = float(np.mean([m.after for m in measures]))
    summary = f"SSIM {before:.3f} before, {after:.3f} after"
    table = report.Table(
        ("image", "SSIM before", "SSIM after", "shift (mm)", "rotation (degrees)", "bend (mm)"),
        tuple(
            (one.label, *(report.number(v, 3) for v in m))
            for one, m in zip(aligned, measures, strict=True)
        ),
    )
    where = "the mask" if mask is not None else "all voxels with signal"
    notes = [
        report.paragraph(
            f"Structural similarity (SSIM) is within slices, over {where}, after one factor for "
            "the gain. Images of different contrast do not reach 1, however well they lie. The "
            "shift is the mean over the same voxels; the bend is what the deformable stage adds."
        )
    ]
    if after < before:
        notes.append(
            report.note(
                "The images are less alike after registration than before. Look at the "
                "checkerboards, and try fewer stages.",
                warning=True,
            )
        )
    figure = report.figure(
        _draw(fixed, aligned[worst], seen),
        f"{aligned[worst].label}, the image that moved most. Checkerboards alternate between the "
        "fixed image and the moving one, brought to its scale: edges run on where the two agree.",
    )
    page = report.page(
        f"Registration, {name}",
        [
            report.Section("Agreement", [report.table(table), *notes]),
            report.Section("Before and after", [figure]),
        ],
        kicker="Registration",
        lead=f"Brought to the grid of `{fixed.path.name}`, up to the {stages} stage: {summary}.",
        footer=f"jaxqmri {__version__}",
    )
    return page, summary


def _measure(one: Aligned, fixed: Image, mask: Mask) -> Measures:
    affine, field = one.transform
    across = int(np.argmax(np.linalg.norm(fixed.affine[:3, :3], axis=0)))
    points = np.argwhere(mask) @ fixed.affine[:3, :3].T + fixed.affine[:3, 3]
    moved = points if field is None else points + field[mask]
    u, _, vt = np.linalg.svd(affine[:3, :3])
    cosine = np.clip((np.trace(u @ vt) - 1.0) / 2.0, -1.0, 1.0)
    return Measures(
        similarity_in_mask(one.before, fixed.data, mask, across),
        similarity_in_mask(one.after, fixed.data, mask, across),
        float(np.linalg.norm((moved @ affine[:3, :3].T + affine[:3, 3] - points).mean(axis=0))),
        float(np.degrees(np.arccos(cosine))),
        None if field is None else float(np.sqrt((field[mask] ** 2).sum(-1).mean())),
    )


def _signal(data: Volume) -> Mask:
    values = np.nan_to_num(data)
    return values > SIGNAL * np.percentile(values, 99.0)


def _draw(fixed: Image, one: Aligned, mask: Mask) -> Figure:
    from jaxqmri.report.maps import Panel, choose_slices, draw_maps

    reference = np.nan_to_num(fixed.data)
    slices = choose_slices(fixed.affine, _signal(fixed.data) | mask, 4)
    inside = mask & np.isfinite(one.after)
    power = float(np.sum(one.after[inside] ** 2))
    gain = float(np.sum(reference[inside] * one.after[inside])) / power if power else 1.0
    edges = np.linalg.norm(fixed.affine[:3, :3], axis=0)
    steps = np.maximum(1, np.rint(SQUARE / edges)).astype(int)
    squares = sum(index // step for index, step in zip(np.indices(mask.shape), steps, strict=True))
    top = float(np.percentile(reference, 99.5))
    return draw_maps(
        [
            Panel(volume, title, limits=(0.0, top), colours="gray")
            for title, volume in (
                ("fixed", reference),
                ("before", np.where(squares % 2, gain * one.before, reference)),
                ("after", np.where(squares % 2, gain * one.after, reference)),
            )
        ],
        slices,
    )
