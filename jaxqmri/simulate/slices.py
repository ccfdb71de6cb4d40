"""Where axial slices lie: few, thick, with gaps, acquired on one matrix and written on another."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Number = Float[Array, ""] | float

REACH = 7.0  # mm above and below the outer slices that motion can bring into them


class Slices(NamedTuple):
    """Axial slices around the origin: axes to left, posterior and superior; static, hashable.

    Tissue is sampled on planes closer together than the slices are thick: what a slice shows of
    a body that has moved up or down is another mean of the same planes.
    """

    acquired: tuple[int, int]  # matrix of the measurement, left and posterior
    matrix: int  # of the written images, which are square
    field_of_view: tuple[float, float] = (360.0, 300.0)  # mm
    number: int = 3
    thickness: float = 7.0  # mm
    pitch: float = 10.0  # from slice to slice, mm
    samples: int = 3  # within a pixel of the measurement, along both axes
    plane_spacing: float = 3.5  # mm

    def affine(self) -> Float[np.ndarray, "4 4"]:
        """Voxel indices of the written images to millimetres right, anterior, superior."""
        spacing = np.array([*(f / self.matrix for f in self.field_of_view), self.pitch])
        middle = (np.array([self.matrix, self.matrix, self.number]) - 1) / 2
        affine = np.diag([*(np.array([-1.0, -1.0, 1.0]) * spacing), 1.0])
        affine[:3, 3] = -affine[:3, :3] @ middle
        return affine

    def pixel(self) -> tuple[float, float]:
        """Edges of a pixel of the measurement, mm."""
        return (
            self.field_of_view[0] / self.acquired[0],
            self.field_of_view[1] / self.acquired[1],
        )

    def planes(self) -> Float[np.ndarray, " p"]:
        """Heights of the planes on which tissue is sampled, mm."""
        span = (self.number - 1) * self.pitch + self.thickness + 2.0 * REACH
        number = int(np.ceil(span / self.plane_spacing))
        return (np.arange(number) - (number - 1) / 2) * self.plane_spacing

    def heights(self) -> Float[np.ndarray, " s"]:
        """Middles of the slices, mm."""
        return (np.arange(self.number) - (self.number - 1) / 2) * self.pitch

    def points(self, heights: Float[np.ndarray, " h"]) -> Float[Array, "h x y 3"]:
        """Pixel centres of the measurement, mm right, anterior, superior."""
        (nx, ny), (dx, dy) = self.acquired, self.pixel()
        x, y = ((n - 1) / 2 * d - np.arange(n) * d for n, d in ((nx, dx), (ny, dy)))
        z, x, y = np.meshgrid(heights, x, y, indexing="ij")
        return jnp.asarray(np.stack([x, y, z], axis=-1), jnp.float32)

    def within(self) -> Float[np.ndarray, "n 2"]:
        """Where samples lie within a pixel of the measurement, mm from its centre."""
        at = (np.arange(self.samples) + 0.5) / self.samples - 0.5
        return np.stack(np.meshgrid(at, at, indexing="ij"), axis=-1).reshape(-1, 2) * self.pixel()

    def edge(self) -> float:
        """Edge of a square as large as the area of a sample, mm."""
        return float(np.sqrt(np.prod(self.pixel())) / self.samples)

    def slab(self, shift: Float[Array, "*n s"]) -> Float[Array, "*n s p"]:
        """What each plane contributes to each slice, of a body that has moved up by ``shift`` mm.

        Shares of the slice's thickness; they sum to 1 as long as the body stays within
        ``REACH``.
        """
        half, planes = self.thickness / 2, jnp.asarray(self.planes(), jnp.float32)
        middle = jnp.asarray(self.heights(), jnp.float32) - shift
        low = jnp.maximum(middle[..., None] - half, planes - self.plane_spacing / 2)
        high = jnp.minimum(middle[..., None] + half, planes + self.plane_spacing / 2)
        return jnp.maximum(high - low, 0.0) / self.thickness
