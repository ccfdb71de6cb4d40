"""The twelve subregions of femoral cartilage."""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Integer, Num
from scipy.ndimage import label

from jaxqmri.analysis.cartilage.anatomical import arc_middle
from jaxqmri.analysis.cartilage.borders import PLATES, Borders, find_borders
from jaxqmri.analysis.cartilage.circle import Circle, fit_circle
from jaxqmri.analysis.cartilage.orientation import Layout, layout
from jaxqmri.analysis.cartilage.rules import ANATOMICAL, Rule
from jaxqmri.analysis.cartilage.unrolling import (
    Unrolled,
    Walls,
    project,
    walls_around_voxels,
    walls_of_bins,
    wrapped,
)

LAYERS = ("S", "D")
SUBREGIONS = tuple(layer + plate for layer, plate in product(LAYERS, PLATES))


class Subregions(NamedTuple):
    """A femoral cartilage, unrolled and divided.

    Attributes
    ----------
    layout
        From the image's axes to slices from lateral to medial.
    shape
        Slices, rows and columns.
    voxels
        Slice, row and column of each voxel of the cartilage.
    circle
        What it is unrolled from.
    turn
        Direction of 0 degrees: from down in the image towards posterior, degrees.
    unrolled
        Where each voxel lies on the plate.
    thickness
        mm of each bin and slice, NaN where there is no cartilage.
    borders
        Where the parts of the plate meet.
    layers
        Share of each voxel in the :data:`LAYERS`, superficial and deep.
    plates
        Share of each voxel in the parts ``LA`` to ``MP``, over all layers.
    """

    layout: Layout
    shape: tuple[int, int, int]
    voxels: Int[np.ndarray, "n 3"]
    circle: Circle
    turn: float
    unrolled: Unrolled
    thickness: Float[np.ndarray, "bins slices"]
    borders: Borders
    layers: Float[np.ndarray, "n 2"]
    plates: Float[np.ndarray, "n 6"]

    @property
    def shares(self) -> Float[np.ndarray, "n 12"]:
        """Share of each voxel in each of the :data:`SUBREGIONS`; together 1."""
        each = self.layers[:, :, None] * self.plates[:, None, :]
        return each.reshape(len(each), len(SUBREGIONS))

    def pick(self, volume: Num[np.ndarray, "x y z"]) -> Num[np.ndarray, " n"]:
        """An image's values in the cartilage's voxels."""
        return self.layout.to_knee(volume)[tuple(self.voxels.T)]

    def project(self, volume: Num[np.ndarray, "x y z"]) -> Float[np.ndarray, "bins slices"]:
        """Mean of an image's finite values in each bin and slice, NaN where there is none."""
        return project(self.unrolled, self.pick(volume))

    def labels(self) -> Integer[np.ndarray, "x y z"]:
        """Subregion of the image's voxels: 1 + place in :data:`SUBREGIONS`, 0 outside.

        A voxel that is shared goes where most of it lies.
        """
        volume = np.zeros(self.shape, np.uint8)
        volume[tuple(self.voxels.T)] = 1 + np.argmax(self.shares, axis=1)
        return self.layout.to_image(volume)


def divide(
    mask: Bool[np.ndarray, "x y z"],
    affine: Float[np.ndarray, "4 4"],
    side: Any,
    rule: Rule = ANATOMICAL,
) -> Subregions:
    r"""Unroll a femoral cartilage from a circle and divide it into twelve subregions.

    A voxel's angle is :math:`\varphi = \mathrm{atan2}(y - y_c, x - x_c)` with ``x`` downwards and
    ``y`` to posterior, its radius :math:`\rho` the distance from the centre. It is deep where
    :math:`\rho \le \rho_{min} + (\rho_{max} - \rho_{min}) / 2`, the extremes being those of its
    bin and slice, or of its surroundings; anterior, central or posterior by its angle; lateral
    or medial by its slice. See :class:`~jaxqmri.analysis.cartilage.rules.Rule`.

    Parameters
    ----------
    mask
        The femoral cartilage. For a rule that asks for ``measured`` voxels, where the map is
        :func:`~jaxqmri.analysis.cartilage.statistics.usable` too.
    affine
        Voxel indices to millimetres right, anterior, superior; any orientation.
    side
        ``"left"`` or ``"right"`` knee.
    rule
        Published ones are ``PAPER`` and ``DOSMA``; ``ANATOMICAL`` takes its axes from the
        cartilage.

    Raises
    ------
    ValueError
        If the mask is empty or no femoral cartilage, or the side is not given.

    References
    ----------
    Thomas et al., Cartilage 2021, doi:10.1177/19476035211042406; Monu et al., Osteoarthritis and
    Cartilage 2017, doi:10.1016/j.joca.2016.09.015.
    """
    placed = layout(affine, side)
    inside = placed.to_knee(np.asarray(mask, bool))
    if not inside.any():
        raise ValueError("the cartilage is empty: no voxel is inside the mask")
    if rule.largest_component:
        inside = _largest_component(inside)
    voxels = np.argwhere(inside)
    _, row_mm, column_mm = placed.spacing
    rows, columns = voxels[:, 1] * row_mm, voxels[:, 2] * column_mm
    if rule.axes == "image":
        overlaid = np.argwhere(inside.any(axis=0))
        circle, turn = fit_circle(overlaid[:, 0] * row_mm, overlaid[:, 1] * column_mm), 0.0
        angles, radii = circle.polar(rows, columns)
    else:
        circle = fit_circle(rows, columns)
        angles, radii = circle.polar(rows, columns)
        turn = arc_middle(voxels[:, 0], angles)
    pixel = float(np.sqrt(row_mm * column_mm))
    unrolled = Unrolled(voxels[:, 0], wrapped(angles - turn), radii, len(inside), pixel)
    walls = walls_around_voxels(unrolled, circle.radius) if rule.shared else walls_of_bins(unrolled)
    deep = _deep(unrolled, walls, rule.shared)
    borders = find_borders(unrolled, rule)
    spans = np.degrees(pixel / np.maximum(radii, pixel))
    first, second, third = inside.shape
    return Subregions(
        placed,
        (first, second, third),
        voxels,
        circle,
        turn,
        unrolled,
        walls.thickness,
        borders,
        np.stack([1.0 - deep, deep], axis=1),
        borders.plates(unrolled.slices, unrolled.angles, spans),
    )


def _deep(unrolled: Unrolled, walls: Walls, shared: bool) -> Float[np.ndarray, " n"]:
    """Share of each voxel in the half of the cartilage towards the bone."""
    if not shared:
        return (unrolled.radii <= walls.middle).astype(np.float64)
    return np.clip(0.5 + (walls.middle - unrolled.radii) / unrolled.pixel, 0.0, 1.0)


def _largest_component(inside: Bool[np.ndarray, "s r c"]) -> Bool[np.ndarray, "s r c"]:
    """The connected part with the most voxels, neighbours at corners counted."""
    parts = np.zeros(inside.shape, np.int32)
    label(inside, np.ones((3, 3, 3)), output=parts)
    return parts == 1 + np.argmax(np.bincount(parts[inside])[1:])
