"""Maps as pictures: slices of a volume side by side, as a radiologist would hold them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import nibabel as nib
import numpy as np
from jaxtyping import Bool, Float, Num

from jaxqmri.report.figures import INK, WIDTH, new_figure, quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NO_ESTIMATE = "#10141a"
GAP = 2  # pixels between slices
_WORDS = {"R": "sagittal", "A": "coronal", "S": "axial"}
_OPPOSITE = {"R": "L", "L": "R", "A": "P", "P": "A", "S": "I", "I": "S"}


class Panel(NamedTuple):
    """One map of a figure.

    ``limits`` are the ends of the colour bar; ``categories`` replaces the bar by a legend of
    integer values, each with its name and colour.
    """

    volume: Num[np.ndarray, "x y z"]
    name: str
    unit: str = ""
    limits: tuple[float, float] = (0.0, 1.0)
    colours: str = "viridis"
    categories: Mapping[int, tuple[str, str]] | None = None


@dataclass(frozen=True)
class Slices:
    """Which slices of a volume are shown, and how they lie on the page.

    Attributes
    ----------
    axis
        Array axis across the slices.
    indices
        Slices shown, from left to right.
    crop
        For each array axis the part that is shown.
    turned
        Whether the first in-plane axis runs down the page rather than across it.
    flips
        Whether the rows and the columns of the picture are reversed.
    pixel
        Height over width of one picture element.
    edges
        Anatomical letters at the left, right, top and bottom edge.
    plane
        Name of the plane.
    """

    axis: int
    indices: tuple[int, ...]
    crop: tuple[slice, slice, slice]
    turned: bool
    flips: tuple[bool, bool]
    pixel: float
    edges: tuple[str, str, str, str]
    plane: str

    def picture(self, volume: Num[np.ndarray, "x y z"], index: int) -> Num[np.ndarray, "row col"]:
        """One slice, as rows from top to bottom and columns from left to right."""
        plane = np.take(volume, index, axis=self.axis)
        plane = plane[tuple(c for axis, c in enumerate(self.crop) if axis != self.axis)]
        plane = plane if self.turned else plane.T
        rows, columns = self.flips
        return plane[:: -1 if rows else 1, :: -1 if columns else 1]

    def mosaic(
        self, volume: Num[np.ndarray, "x y z"], missing: float | int, lines: int = 1
    ) -> Num[np.ndarray, "row col"]:
        """All slices side by side in so many lines, ``missing`` between and after them."""
        pictures = [self.picture(volume, index) for index in self.indices]
        rows, columns = pictures[0].shape
        across = -(-len(pictures) // lines)
        shape = (lines * (rows + GAP) - GAP, across * (columns + GAP) - GAP)
        whole = np.full(shape, missing, dtype=pictures[0].dtype)
        for position, picture in enumerate(pictures):
            top, left = (
                n * (size + GAP)
                for n, size in zip(divmod(position, across), (rows, columns), strict=True)
            )
            whole[top : top + rows, left : left + columns] = picture
        return whole


def choose_slices(
    affine: Float[np.ndarray, "4 4"], inside: Bool[np.ndarray, "x y z"], count: int = 6
) -> Slices:
    """Slices through what matters, across the axis of the thickest voxels.

    Parameters
    ----------
    affine
        From voxels to millimetres (right, anterior, superior).
    inside
        The voxels that a reader wants to see. The slices are spread so that as many of them lie
        between one slice and the next, and cropped to them.
    count
        How many slices at most.
    """
    codes = nib.orientations.io_orientation(affine)
    anatomical = [int(a) if np.isfinite(a) else i for i, a in enumerate(codes[:, 0])]
    forward = [bool(d > 0) if np.isfinite(d) else True for d in codes[:, 1]]
    spacing = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    thickness = [spacing[i] if inside.shape[i] > 1 else np.inf for i in range(3)]
    axis = max(range(3), key=lambda i: (round(float(thickness[i]), 3), i))

    along = inside.sum(axis=tuple(i for i in range(3) if i != axis)).astype(np.float64)
    size = inside.shape[axis]
    indices = _spread(along, min(count, size)) if along.any() else _even(size, min(count, size))
    crop = _crop(inside, axis)

    first, second = (i for i in range(3) if i != axis)
    # superior points up, or else anterior does; the other in-plane axis runs across
    down_first = anatomical[first] > anatomical[second]
    vertical, horizontal = (first, second) if down_first else (second, first)
    top = "RAS"[anatomical[vertical]]
    # patient's right, or anterior in a sagittal slice, is on the left of the page
    left = "RAS"[anatomical[horizontal]]
    return Slices(
        axis=axis,
        indices=indices,
        crop=crop,
        turned=down_first,
        flips=(forward[vertical], forward[horizontal]),
        pixel=float(spacing[vertical] / spacing[horizontal]),
        edges=(left, _OPPOSITE[left], top, _OPPOSITE[top]),
        plane=_WORDS["RAS"[anatomical[axis]]],
    )


def draw_maps(
    panels: Sequence[Panel], slices: Slices, lines: int = 1, tallest: float = 3.9
) -> Figure:
    """Maps below each other, or side by side when there are few slices, each with its bar.

    Parameters
    ----------
    panels
        Maps on one grid.
    slices
        What is shown of them.
    lines
        In how many lines the slices of one map are set.
    tallest
        Greatest height of one map in inches.
    """
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    lines = min(lines, len(slices.indices))
    mosaics = [_mosaic(panel, slices, lines) for panel in panels]
    rows, columns = mosaics[0].shape
    ratio = rows * slices.pixel / columns
    across = max(1, min(3, 3 // len(slices.indices), len(panels)))
    bar, gap, title = 0.95, 0.15, 0.34
    wide = min((WIDTH - (across - 1) * gap) / across - bar, tallest / ratio)
    high = wide * ratio
    height = -(-len(panels) // across) * (high + title) + 0.05
    figure = new_figure(WIDTH, height)
    for number, (panel, mosaic) in enumerate(zip(panels, mosaics, strict=True)):
        down, right = divmod(number, across)
        left = right * (wide + bar + gap)
        bottom = height - (down + 1) * (high + title)
        place = (left / WIDTH, bottom / height, wide / WIDTH, high / height)
        axes = figure.add_axes(place, xticks=[], yticks=[])
        axes.set_title(quantity(panel.name, panel.unit), loc="left", fontsize=10, color=INK, pad=4)
        for spine in axes.spines.values():
            spine.set_visible(False)
        drawing: dict[str, Any] = {"aspect": "auto", "interpolation": "nearest"}
        if panel.categories is not None:
            values = sorted(panel.categories)
            colours = ListedColormap([panel.categories[v][1] for v in values])
            picture = np.searchsorted(values, mosaic)
            axes.imshow(picture, cmap=colours, vmin=-0.5, vmax=len(values) - 0.5, **drawing)
            shown = [v for v in values if (panel.volume == v).any()]
            axes.legend(
                handles=[
                    Patch(
                        facecolor=panel.categories[v][1],
                        label=textwrap.fill(panel.categories[v][0], 10),
                    )
                    for v in shown
                ],
                loc="upper left",
                bbox_to_anchor=(1.0, 1.02),
                frameon=False,
                fontsize=8,
                handlelength=1,
                handletextpad=0.5,
                labelcolor=INK,
            )
        else:
            from matplotlib import colormaps

            colours = colormaps[panel.colours].with_extremes(bad=NO_ESTIMATE)
            low, high_end = panel.limits
            image = axes.imshow(mosaic, cmap=colours, vmin=low, vmax=high_end, **drawing)
            place = ((left + wide + 0.1) / WIDTH, bottom / height, 0.13 / WIDTH, high / height)
            ticks = figure.colorbar(image, cax=figure.add_axes(place))
            ticks.ax.tick_params(labelsize=8.5, colors=INK, length=2.5, width=0.7)
            ticks.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
        _slice_labels(axes, slices, mosaic.shape, lines)
    return figure


def _slice_labels(axes: Any, slices: Slices, shape: tuple[int, ...], lines: int) -> None:
    """Number of every slice, and the anatomical letters on the first one."""
    from matplotlib.patheffects import withStroke

    across = -(-len(slices.indices) // lines)
    high, wide = (shape[0] + GAP) / lines, (shape[1] + GAP) / across
    outline = withStroke(linewidth=1.5, foreground=NO_ESTIMATE)
    style: dict[str, Any] = {"color": "white", "fontsize": 7, "path_effects": [outline]}
    for position, index in enumerate(slices.indices):
        down, right = divmod(position, across)
        x, y = (right + 0.03) * wide, (down + 0.97) * high - GAP
        axes.text(x, y, f"{index}", ha="left", va="bottom", **style)
    left, right, top, bottom = slices.edges
    for x, y, text, ha, va in (
        (0.03, 0.5, left, "left", "center"),
        (0.96, 0.5, right, "right", "center"),
        (0.5, 0.03, top, "center", "top"),
        (0.5, 0.95, bottom, "center", "bottom"),
    ):
        axes.text(x * wide, y * high, text, ha=ha, va=va, **style)


def _mosaic(panel: Panel, slices: Slices, lines: int) -> np.ndarray:
    if panel.categories is not None:
        return slices.mosaic(panel.volume, min(panel.categories), lines)
    return slices.mosaic(np.asarray(panel.volume, dtype=np.float32), np.nan, lines)


def _spread(along: Float[np.ndarray, " s"], count: int) -> tuple[int, ...]:
    """Slices at even shares of the cumulated count."""
    cumulated = np.cumsum(along) / along.sum()
    shares = (np.arange(count) + 0.5) / count
    found = sorted(set(np.searchsorted(cumulated, shares).tolist()))
    return tuple(int(i) for i in found)


def _even(size: int, count: int) -> tuple[int, ...]:
    return tuple(int((k + 0.5) * size / count) for k in range(count))


def _crop(inside: Bool[np.ndarray, "x y z"], axis: int) -> tuple[slice, slice, slice]:
    """Bounding box with a margin, the whole extent along ``axis``."""
    parts = []
    for i, size in enumerate(inside.shape):
        used = np.flatnonzero(inside.any(axis=tuple(k for k in range(3) if k != i)))
        if i == axis or used.size == 0:
            parts.append(slice(0, size))
            continue
        margin = max(2, round(0.04 * size))
        parts.append(slice(max(0, int(used[0]) - margin), min(size, int(used[-1]) + margin + 1)))
    return parts[0], parts[1], parts[2]
