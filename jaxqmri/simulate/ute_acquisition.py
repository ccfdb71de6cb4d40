"""Volumes of all UTE series of a subject: one set of samples, moved and averaged."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxqmri.simulate.geometry import Grid, Pose
from jaxqmri.simulate.two_passes import Found, sample_twice
from jaxqmri.simulate.ute_scanner import UteSubject, cartilage_at, sample
from jaxqmri.simulate.ute_sequence import UteProtocol


class UteVolumes(NamedTuple):
    """Volumes before the receive chain, and the truth behind the first of them."""

    vfa: Float[Array, "n x y z"]  # water's full magnetisation is 1
    afi: Float[Array, "2 a b c"]
    t1rho_weighted: Float[Array, "m x y z"]
    regions: Float[Array, "5 x y z"]  # share of each voxel: cartilage of four regions, meniscus
    in_afi: Float[Array, "a b c"]  # share of each AFI voxel that is cartilage
    t1: Float[Array, "x y z"]  # of the cartilage in a voxel, ms; not a number without
    t1rho: Float[Array, "x y z"]
    magnetisation: Float[Array, "x y z"]  # of all that a voxel holds


def halved(grid: Grid) -> Grid:
    """A grid of half the resolution over the same field of view, with the same samples."""
    nx, ny, nz = grid.shape
    (dx, dy, dz), (mx, my, mz) = grid.spacing, grid.samples
    return Grid(
        (nx // 2, ny // 2, nz // 2),
        (2 * dx, 2 * dy, 2 * dz),
        grid.centre,
        (2 * mx, 2 * my, 2 * mz),
    )


def acquire(grid: Grid, protocol: UteProtocol, poses: Pose, subject: UteSubject) -> UteVolumes:
    """Volumes of every series of one subject.

    The knee is sampled within the voxels in its first pose, with the fields that it lies in: they
    move with it, by less than a millimetre.

    Parameters
    ----------
    grid
        Of all images but AFI's, which are of half its resolution.
    protocol
        The series.
    poses
        One for each flip angle, one for AFI, one for each spin-lock time.
    subject
        Who lies in the scanner.
    """
    coarse, first = halved(grid), jax.tree.map(lambda each: each[0], poses)
    signals, truth = sample_all(grid, protocol, first, subject)
    angles, echoes, _ = protocol.counts()

    def moved(which: slice, onto: Grid, later: Pose) -> Array:
        return jax.lax.map(lambda job: seen(job[0], onto, job[1], first), (signals[which], later))

    still = grid.average(signals[:1])
    vfa = moved(slice(1, angles), grid, jax.tree.map(lambda each: each[1:angles], poses))
    pair = jax.tree.map(lambda each: each[jnp.full(echoes, angles)], poses)
    afi = moved(slice(angles, angles + echoes), coarse, pair)
    locked = jax.tree.map(lambda each: each[angles + 1 :], poses)
    t1rho_weighted = moved(slice(angles + echoes, None), grid, locked)

    shares = coarse.average(truth[:4]).sum(axis=0)
    truth = grid.average(truth)
    inside = truth[:4].sum(axis=0)
    volumes = (
        jnp.concatenate([still, vfa]),
        afi,
        t1rho_weighted,
        truth[:5],
        shares,
        truth[6] / inside,
        truth[7] / inside,
        truth[5],
    )
    return UteVolumes(*(jnp.moveaxis(volume, -3, -1) for volume in volumes))


def sample_all(
    grid: Grid, protocol: UteProtocol, pose: Pose, subject: UteSubject
) -> tuple[Float[Array, "n z x y"], Float[Array, "8 z x y"]]:
    """Samples of all images in one pose, and the truth there, slices first.

    The truth is the share of cartilage of each of four regions and of meniscus, all magnetisation
    at the echo, and the share of cartilage times its T1 and times its T1rho.
    """
    fine = grid.refined()

    def everything(at: Array) -> Found:
        found = sample(at, fine.edge(), pose, subject, protocol)
        truth = jnp.stack([found.magnetisation, *jnp.zeros((2, len(at)))])
        return Found(
            jnp.concatenate([found.signals, truth]),
            found.shares,
            found.shares[:4].sum(axis=0),
            jnp.stack([found.depth, found.lesion]),
        )

    def added(at: Array, share: Array, layers: Array) -> Array:
        depth, lesion = layers
        return cartilage_at(at, share, depth, lesion, pose, subject, protocol)

    rows, shares = sample_twice(fine, everything, added)
    return rows[:-3], jnp.concatenate([shares, rows[-3:]])


def seen(
    samples: Float[Array, "z x y"], grid: Grid, pose: Pose, first: Pose
) -> Float[Array, "c a b"]:
    """Voxels of a knee in another ``pose`` than the ``first``, in which its samples were taken.

    The mean over a box as large as a voxel is interpolated at where the voxel's centre was in
    the first pose. Within a voxel the knee's turn is neglected: half a degree moves the corners
    of a voxel by less than 0.02 mm.
    """
    box = samples
    for axis, count in enumerate((grid.samples[2], *grid.samples[:2])):
        last = box.shape[axis] - count + 1
        parts = [jax.lax.slice_in_dim(box, i, i + last, axis=axis) for i in range(count)]
        box = jnp.asarray(sum(parts)) / count
    voxel, fine = (jnp.asarray(g.affine(), jnp.float32) for g in (grid, grid.refined()))
    move = jnp.linalg.inv(fine) @ first.affine() @ jnp.linalg.inv(pose.affine()) @ voxel
    i, j, k = jnp.meshgrid(*map(jnp.arange, grid.shape), indexing="ij")
    i, j, k = (jnp.moveaxis(index, -1, 0) for index in (i, j, k))
    at = [
        move[axis, 0] * i
        + move[axis, 1] * j
        + move[axis, 2] * k
        + move[axis, 3]
        - (grid.samples[axis] - 1) / 2
        for axis in (2, 0, 1)
    ]
    return jax.scipy.ndimage.map_coordinates(box, at, order=1, mode="nearest")
