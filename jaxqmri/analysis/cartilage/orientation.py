"""From an image's own axes to lateral to medial, superior to inferior, anterior to posterior."""

from __future__ import annotations

from itertools import permutations
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

Side = Literal["left", "right"]
SIDES: tuple[Side, ...] = ("left", "right")


class Layout(NamedTuple):
    """How an image's axes become slice (from lateral), row (from superior), column (from anterior).

    Attributes
    ----------
    axes
        The image's axis that becomes the slice, the row and the column.
    reversed
        Whether each of these three runs against the image's axis.
    spacing
        From slice to slice, row to row and column to column, mm.
    """

    axes: tuple[int, int, int]
    reversed: tuple[bool, bool, bool]
    spacing: tuple[float, float, float]

    def to_knee(self, volume: Shaped[np.ndarray, "x y z"]) -> Shaped[np.ndarray, "slice row col"]:
        """An image's volume as slices from lateral to medial; a view."""
        return np.transpose(volume, self.axes)[self._steps()]

    def to_image(self, volume: Shaped[np.ndarray, "slice row col"]) -> Shaped[np.ndarray, "x y z"]:
        """The inverse of :meth:`to_knee`."""
        return np.transpose(volume[self._steps()], np.argsort(self.axes))

    def _steps(self) -> tuple[slice, slice, slice]:
        first, second, third = (slice(None, None, -1 if r else 1) for r in self.reversed)
        return first, second, third


def layout(affine: Float[np.ndarray, "4 4"], side: Any) -> Layout:
    r"""How to lay an image out, whatever its orientation.

    Each anatomical direction takes the image axis that runs closest to it, so that oblique scans
    keep their voxels: of all ways to pair axes and directions, that with the largest
    :math:`\sum |\cos|` of the angles between them. Left knees come out mirrored: slice 0 is
    lateral in both.

    Parameters
    ----------
    affine
        Voxel indices to millimetres right, anterior, superior.
    side
        ``"left"`` or ``"right"`` knee.

    Raises
    ------
    ValueError
        If the side is neither, or the affine has no inverse.
    """
    if side not in SIDES:
        raise ValueError(
            f"side {side!r}: an image does not say which knee it shows; expected 'left' or 'right'"
        )
    steps = np.asarray(affine, np.float64)[:3, :3]
    spacing = np.linalg.norm(steps, axis=0)
    if not np.isfinite(steps).all() or abs(np.linalg.det(steps)) < 1e-9:
        raise ValueError("the affine has no inverse: it does not say where the voxels lie")
    medial = -1.0 if side == "right" else 1.0  # along the direction to the right
    wanted = np.array([[medial, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, -1.0, 0.0]])
    cosines = wanted @ (steps / spacing)
    axes = max(permutations(range(3)), key=lambda p: sum(abs(cosines[i, p[i]]) for i in range(3)))
    first, second, third = axes
    return Layout(
        (first, second, third),
        (bool(cosines[0, first] < 0), bool(cosines[1, second] < 0), bool(cosines[2, third] < 0)),
        (float(spacing[first]), float(spacing[second]), float(spacing[third])),
    )
