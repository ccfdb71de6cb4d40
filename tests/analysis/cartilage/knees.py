"""Femoral cartilages to divide: of arcs with known measures, and of the simulated knee."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxqmri.simulate.anatomy.bones import femur
from jaxqmri.simulate.anatomy.distance import Point
from jaxqmri.simulate.anatomy.knee import REGIONS, knee
from jaxqmri.simulate.anatomy.shape import sample_knee
from jaxqmri.simulate.geometry import Grid, Pose

MESE = Grid((384, 384, 21), (0.3125, 0.3125, 3.5), (0.0, 8.0, 15.0))  # the OAI's protocol
SAMPLES = (2, 2, 2)  # of a voxel, along its axes
_LOT = 2**17
_NEAR = 5.0  # mm from the middle of the cartilage, at most
_OUTSIDE = 500.0  # mm


class Arcs(NamedTuple):
    """Two condyles joined by a trochlea, of arcs of one circle; slices, rows, columns."""

    spacing: tuple[float, float, float] = (3.5, 0.5, 0.5)
    shape: tuple[int, int, int] = (16, 140, 140)
    centre: tuple[float, float] = (34.3, 35.2)
    inner: float = 24.0
    outer: float = 27.0
    ends: tuple[float, float] = (-100.0, 100.0)  # degrees
    notch: tuple[float, float] = (6.5, 9.5)  # slices, from -10 degrees on
    edges: tuple[int, int] = (2, 13)  # first and last slice

    def polar(self) -> tuple[np.ndarray, np.ndarray]:
        rows, columns = (
            np.arange(n) * d for n, d in zip(self.shape[1:], self.spacing[1:], strict=True)
        )
        down, back = rows[:, None] - self.centre[0], columns[None] - self.centre[1]
        return np.degrees(np.arctan2(back, down)), np.hypot(down, back)

    def mask(self) -> np.ndarray:
        angles, radii = self.polar()
        ring = (radii >= self.inner) & (radii <= self.outer)
        ring &= (angles >= self.ends[0]) & (angles <= self.ends[1])
        volume = np.zeros(self.shape, bool)
        for k in range(self.edges[0], self.edges[1] + 1):
            apart = self.notch[0] < k < self.notch[1]
            volume[k] = ring & (angles < -10.0) if apart else ring
        return volume


def affine_of(spacing: tuple[float, float, float], side: str = "right") -> np.ndarray:
    """Of a volume with slices from lateral, rows from superior, columns from anterior."""
    medial = -1.0 if side == "right" else 1.0
    affine = np.zeros((4, 4))
    affine[[0, 2, 1], [0, 1, 2]] = np.array([medial, -1.0, -1.0]) * spacing
    affine[:3, 3] = (12.0, -30.0, 44.0)
    affine[3, 3] = 1.0
    return affine


class Rendered(NamedTuple):
    """What an image of the simulated knee shows of its femoral cartilage."""

    mask: np.ndarray
    t2: np.ndarray
    affine: np.ndarray


def rendered(
    angles: tuple[float, float, float] = (0.0, 0.0, 0.0),
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0),
    left: bool = False,
    seed: int = 3,
) -> Rendered:
    """Femoral cartilage in a pose: voxels more than half of it, their mean T2 in ms."""
    shape = jax.jit(sample_knee)(jax.random.key(seed), 0.0, 25.0, 1.0)
    pose = Pose(jnp.array(angles), jnp.array(shift))
    affine, mirrored = MESE.affine(), float(left)
    centres = np.asarray(MESE.points()).reshape(-1, 3)
    near = np.asarray(_distance(pose.to_knee(jnp.asarray(centres), mirrored), shape)) < _NEAR
    offsets = np.stack(
        np.meshgrid(*[(np.arange(m) + 0.5) / m - 0.5 for m in SAMPLES], indexing="ij"), axis=-1
    )
    amount, total = np.zeros(near.sum()), np.zeros(near.sum())
    for offset in offsets.reshape(-1, 3) @ affine[:3, :3].T:
        points = np.asarray(pose.to_knee(jnp.asarray(centres[near] + offset), mirrored))
        for first in range(0, len(points), _LOT):
            lot = points[first : first + _LOT]
            there = slice(first, first + len(lot))
            padded = np.pad(lot, ((0, _LOT - len(lot)), (0, 0)), constant_values=_OUTSIDE)
            found = _fill(jnp.asarray(padded), shape)
            amount[there] += np.asarray(found[0])[: len(lot)]
            total[there] += np.asarray(found[1])[: len(lot)]
    inside = amount > 0.5 * np.prod(SAMPLES)
    mask = np.zeros(near.shape, bool)
    mask[near] = inside
    t2 = np.full(near.shape, np.nan, np.float32)
    t2[mask] = total[inside] / amount[inside]
    return Rendered(mask.reshape(MESE.shape), t2.reshape(MESE.shape), affine)


@jax.jit
def _distance(points: Any, shape: Any) -> Any:
    return jnp.abs(femur(Point(*points.T), shape)[0] - 1.25)


@jax.jit
def _fill(points: Any, shape: Any) -> Any:
    """Share of femoral cartilage in samples, and that times T2."""
    found = knee(Point(*points.T), shape, 0.3)
    x, y, z = points.T / shape.scale
    place = 4.0 * jnp.tanh(x / 15.0) + 3.0 * jnp.sin(y / 18.0) + 2.0 * jnp.cos(z / 12.0 + x / 30.0)
    amount = found.regions[REGIONS.index("femoral")]
    return amount, amount * (45.0 + 10.0 * found.depth + place)
