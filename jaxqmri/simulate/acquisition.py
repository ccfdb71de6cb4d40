"""Volumes of a subject: samples within every voxel, moved and averaged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Integer

from jaxqmri.simulate.geometry import Grid, Pose
from jaxqmri.simulate.scanner import Subject, sample
from jaxqmri.simulate.sequence import Protocol

BLOCK = 16_384  # samples at a time: what they hold stays in a core's cache


class Volumes(NamedTuple):
    """Volumes of one scan before the receive chain, and the truth behind the first of them."""

    signals: Float[Array, "n x y z"]  # water's full signal is 1
    regions: Float[Array, "4 x y z"]  # share of each voxel that is this region's cartilage
    t1rho: Float[Array, "x y z"]  # of the cartilage in a voxel, ms; not a number without
    muscle: Float[Array, "x y z"]  # share of each voxel


class Acquisition(NamedTuple):
    """One scan: where it samples, when, and how the knee lies at each spin-lock time."""

    grid: Grid
    protocol: Protocol
    poses: Pose  # one for each spin-lock time
    spin_lock_times: tuple[float, ...] = (0.0,)


def acquire(scans: Sequence[Acquisition], subject: Subject) -> list[Volumes]:
    """Volumes of every scan of one subject.

    The knee is sampled within the voxels in each scan's first pose. Later poses differ by a
    fraction of a millimetre: their samples are interpolated between those of the first, then
    averaged over the voxels.
    """
    return [
        to_volumes(scan, signals, truth)
        for scan, (signals, truth) in zip(scans, sample_all(scans, subject), strict=True)
    ]


def sample_all(
    scans: Sequence[Acquisition], subject: Subject
) -> list[tuple[Float[Array, "n z x y"], Float[Array, "6 z x y"]]]:
    """Samples of every scan in its first pose, slices first.

    All scans go through one loop over blocks of samples, so that the anatomy is compiled once.
    """
    fine = [scan.grid.refined() for scan in scans]
    longest = max(len(scan.spin_lock_times) for scan in scans)
    counts = [-(-int(np.prod(grid.shape)) // BLOCK) for grid in fine]
    settings = [
        (
            grid.affine().astype(np.float32),
            np.array(grid.shape[:2], np.int32),
            np.float32(grid.edge()),
            np.array(scan.protocol, np.float32),
            np.resize(np.array(scan.spin_lock_times, np.float32), longest),
        )
        for grid, scan in zip(fine, scans, strict=True)
    ]
    settings = [jnp.asarray(np.stack(column)) for column in zip(*settings, strict=True)]
    first = [jax.tree.map(lambda all_: all_[0], scan.poses) for scan in scans]
    poses = jax.tree.map(lambda *each: jnp.stack(each), *first)

    def block(job: tuple[Array, Array]) -> tuple[Array, Array]:
        which, start = job
        affine, shape, edge, timing, times = (column[which] for column in settings)
        pose = jax.tree.map(lambda each: each[which], poses)
        points = places(start + jnp.arange(BLOCK), shape, affine)
        return sample(points, edge, pose, subject, Protocol(timing[0], timing[1]), times)

    which = np.repeat(np.arange(len(scans)), counts)
    start = np.concatenate([np.arange(count) * BLOCK for count in counts])
    found = jax.lax.map(block, (jnp.asarray(which), jnp.asarray(start)))
    results, at = [], 0
    for grid, scan, count in zip(fine, scans, counts, strict=True):
        signals, truth = (slices_of(part[at : at + count], grid) for part in found)
        results.append((signals[: len(scan.spin_lock_times)], truth))
        at += count
    return results


def places(
    flat: Integer[Array, " p"], shape: Integer[Array, " 2"], affine: Float[Array, "4 4"]
) -> Float[Array, "p 3"]:
    """Where samples lie, in mm, by their number slice by slice and row by row."""
    rest, j = flat // shape[1], flat % shape[1]
    k, i = rest // shape[0], rest % shape[0]
    index = jnp.stack([i, j, k], axis=-1).astype(jnp.float32)
    return index @ affine[:3, :3].T + affine[:3, 3]


def slices_of(blocks: Float[Array, "count n p"], grid: Grid) -> Float[Array, "n z x y"]:
    """Samples of all blocks as volumes."""
    nx, ny, nz = grid.shape
    rows = jnp.moveaxis(blocks, 1, 0)
    return rows.reshape(len(rows), -1)[:, : nx * ny * nz].reshape(-1, nz, nx, ny)


def to_volumes(
    scan: Acquisition, signals: Float[Array, "n z x y"], truth: Float[Array, "6 z x y"]
) -> Volumes:
    """Move the samples as the knee moved, and average them over the voxels."""
    grid, fine = scan.grid, scan.grid.refined()
    first = jax.tree.map(lambda all_: all_[0], scan.poses)

    def seen(job: tuple[Array, Pose]) -> Array:
        samples, pose = job
        return grid.average(shifted(samples, fine, pose, first))

    volumes = grid.average(signals[:1])
    if len(scan.spin_lock_times) > 1:
        later = jax.tree.map(lambda all_: all_[1:], scan.poses)
        volumes = jnp.concatenate([volumes, jax.lax.map(seen, (signals[1:], later))])
    volumes, truth = (jnp.moveaxis(v, 1, -1) for v in (volumes, grid.average(truth)))
    return Volumes(volumes, truth[:4], truth[4] / truth[:4].sum(axis=0), truth[5])


def shifted(
    samples: Float[Array, "z x y"], grid: Grid, pose: Pose, first: Pose
) -> Float[Array, "z x y"]:
    """Samples of the knee in its ``first`` pose, as they lie on the grid in another ``pose``."""
    affine = jnp.asarray(grid.affine(), jnp.float32)
    move = first.affine() @ jnp.linalg.inv(pose.affine())
    move = (jnp.linalg.inv(affine) @ move @ affine)[jnp.array([2, 0, 1])]
    k, i, j = jnp.meshgrid(*map(jnp.arange, samples.shape), indexing="ij")
    at = [row[0] * i + row[1] * j + row[2] * k + row[3] for row in move]
    return jax.scipy.ndimage.map_coordinates(samples, at, order=1, mode="nearest")
