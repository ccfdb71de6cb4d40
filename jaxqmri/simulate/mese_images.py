"""Volumes of an echo train, and the images that a scanner makes of them."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from jaxqmri.simulate.geometry import Grid, Pose
from jaxqmri.simulate.mese_scanner import EchoTrain, MeseSubject, cartilage_at, mixing, sample
from jaxqmri.simulate.two_passes import Found, sample_twice

Number = Float[Array, ""] | float


class MeseVolumes(NamedTuple):
    """Volumes before the receive chain, and the truth in them."""

    echoes: Float[Array, "n x y z"]  # water's full magnetisation is 1
    undecayed: Float[Array, "x y z"]  # of the cartilage in a voxel
    t2: Float[Array, "x y z"]  # of the cartilage in a voxel, ms; not a number without
    lesion: Float[Array, "x y z"]  # how much of a lesion is in the femoral cartilage, 0 to 1
    femoral: Float[Array, "x y z"]  # share of a voxel that is femoral cartilage
    bone: Float[Array, "x y z"]  # distance to the femur, mm
    surface: Float[Array, "x y z"]  # distance to the surface of its cartilage, mm


def within_slices(points: Float[Array, "p 3"], grid: Grid, thickness: float) -> Float[Array, "p 3"]:
    """Samples spread over slices and gaps, drawn together until they fill the slices alone."""
    pitch, first = grid.spacing[2], float(grid.affine()[0, 3])
    middle = first + pitch * jnp.round((points[:, 0] - first) / pitch)
    return points.at[:, 0].set(middle + (points[:, 0] - middle) * (thickness / pitch))


def acquire(grid: Grid, protocol: EchoTrain, pose: Pose, subject: MeseSubject) -> MeseVolumes:
    """Volumes of one visit: means over the samples of every voxel."""
    fine, thickness = grid.refined(), protocol.slice_thickness
    signal_of = mixing(protocol, subject.refocusing_angle)

    def everything(at: Array) -> Found:
        at = within_slices(at, grid, thickness)
        return sample(at, fine.edge(), pose, subject, signal_of)

    def added(at: Array, share: Array, layers: Array) -> Array:
        at = within_slices(at, grid, thickness)
        return cartilage_at(at, share, layers, pose, subject, protocol)

    rows, kept = sample_twice(fine, everything, added)
    rows, kept = (jnp.moveaxis(grid.average(each), -3, -1) for each in (rows, kept))
    *echoes, undecayed, t2, lesion, cartilage = rows
    femoral, bone, surface = kept
    return MeseVolumes(
        jnp.stack(echoes), undecayed, t2 / cartilage, lesion / femoral, femoral, bone, surface
    )


def recorded(
    key: PRNGKeyArray, images: Float[Array, "n x y z"], sigma: Number, lines: int
) -> Float[Array, "n x y z"]:
    """Magnitudes of images of which ``lines`` along ``y`` were measured, and the rest is zeros.

    What the other lines would have shown is lost, and noise is on the measured ones alone: it is
    correlated from pixel to pixel, and ``sigma`` in each.
    """
    matrix = images.shape[2]
    frequency = np.abs(np.fft.fftfreq(matrix, 1.0 / matrix))
    measured = jnp.asarray(frequency <= lines // 2)
    level = sigma * np.sqrt(matrix / (2 * (lines // 2) + 1))
    noise = level * jax.random.normal(key, (2, *images.shape))
    spectrum = jnp.fft.fft(jax.lax.complex(images + noise[0], noise[1]), axis=2)
    return jnp.abs(jnp.fft.ifft(spectrum * measured[:, None], axis=2))
