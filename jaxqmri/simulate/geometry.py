"""Where images lie: sagittal grids, and the pose of the knee in the scanner."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Integer

Number = Float[Array, ""] | float


class Grid(NamedTuple):
    """A sagittal volume: axes to posterior, inferior and right; static and hashable."""

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]  # mm
    centre: tuple[float, float, float]  # right, anterior, superior, mm
    samples: tuple[int, int, int] = (1, 1, 1)  # within a voxel, along each axis

    def affine(self) -> Float[np.ndarray, "4 4"]:
        """Voxel indices to millimetres right, anterior, superior."""
        affine = np.zeros((4, 4))
        affine[[1, 2, 0], [0, 1, 2]] = np.array([-1.0, -1.0, 1.0]) * self.spacing
        affine[:3, 3] = np.asarray(self.centre) - affine[:3, :3] @ ((np.array(self.shape) - 1) / 2)
        affine[3, 3] = 1.0
        return affine

    def refined(self) -> Grid:
        """The grid of the samples within the voxels."""
        (nx, ny, nz), (dx, dy, dz), (mx, my, mz) = self.shape, self.spacing, self.samples
        return Grid((nx * mx, ny * my, nz * mz), (dx / mx, dy / my, dz / mz), self.centre)

    def points(self, slices: Integer[Array, " k"] | None = None) -> Float[Array, "x y z 3"]:
        """Voxel centres in mm right, anterior, superior, of some slices or of all."""
        affine = jnp.asarray(self.affine(), jnp.float32)
        axes = [jnp.arange(n, dtype=jnp.float32) for n in self.shape]
        if slices is not None:
            axes[2] = jnp.asarray(slices, jnp.float32)
        index = jnp.stack(jnp.meshgrid(*axes, indexing="ij"), axis=-1)
        return index @ affine[:3, :3].T + affine[:3, 3]

    def average(self, samples: Float[Array, "*n c a b"]) -> Float[Array, "*n z x y"]:
        """Mean over the samples of each voxel, slices first."""
        mx, my, mz = self.samples
        *some, c, a, b = samples.shape
        along_rows = sum(samples[..., i::my] for i in range(my))
        blocks = jnp.reshape(along_rows, (*some, c // mz, mz, a // mx, mx, b // my))
        return blocks.sum(axis=(-4, -2)) / (mx * my * mz)

    def reach(self) -> Float[np.ndarray, " 3"]:
        """From the centre to the borders, mm right, anterior, superior."""
        return (np.array(self.shape) * self.spacing / 2)[[2, 0, 1]]

    def edge(self) -> float:
        """Edge of a cube as large as a voxel, mm."""
        return float(np.prod(self.spacing) ** (1 / 3))


class Pose(NamedTuple):
    """Where the knee lies: turned about right, anterior, superior (degrees), then shifted (mm)."""

    angles: Float[Array, "*n 3"]
    shift: Float[Array, "*n 3"]

    def affine(self) -> Float[Array, "4 4"]:
        """Coordinates of the knee, unmirrored, to those of the scanner."""
        (ca, cb, cc), (sa, sb, sc) = (f(jnp.deg2rad(self.angles)) for f in (jnp.cos, jnp.sin))
        about_right = jnp.array([[1.0, 0.0, 0.0], [0.0, ca, -sa], [0.0, sa, ca]])
        about_anterior = jnp.array([[cb, 0.0, sb], [0.0, 1.0, 0.0], [-sb, 0.0, cb]])
        about_superior = jnp.array([[cc, -sc, 0.0], [sc, cc, 0.0], [0.0, 0.0, 1.0]])
        affine = jnp.eye(4).at[:3, :3].set(about_superior @ about_anterior @ about_right)
        return affine.at[:3, 3].set(self.shift)

    def to_body(self, points: Float[Array, "*n 3"]) -> Float[Array, "*n 3"]:
        """Scanner coordinates to those of what lies in the scanner."""
        return (points - self.shift) @ self.affine()[:3, :3]

    def to_knee(self, points: Float[Array, "*n 3"], left: Number) -> Float[Array, "*n 3"]:
        """Scanner coordinates to those of a right knee; a ``left`` (1) one is mirrored."""
        return self.to_body(points) * jnp.stack([1.0 - 2.0 * left, 1.0, 1.0])
