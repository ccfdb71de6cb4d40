"""From tissue to images: two 3D fast spin echo protocols in imperfect fields, moving, with noise.

Everything here is a pure function of one subject and runs inside one compiled program.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from jaxqmri.physics.spin_echo import prepared_fse_amplitude
from jaxqmri.physics.spin_lock import spin_lock_magnetisation
from jaxqmri.simulate.anatomy.distance import Point, ramp
from jaxqmri.simulate.anatomy.knee import TISSUES, knee
from jaxqmri.simulate.anatomy.shape import KneeShape
from jaxqmri.simulate.fields import RandomField, random_field, split_fields
from jaxqmri.simulate.tissue import FAT, TABLE, VARIATION, Cartilage, Tissue, cartilage

Number = Float[Array, ""] | float
Field = Float[Array, "..."] | float


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
        return Grid(
            tuple(n * m for n, m in zip(self.shape, self.samples, strict=True)),
            tuple(d / m for d, m in zip(self.spacing, self.samples, strict=True)),
            self.centre,
        )

    def points(self, slices: Field | None = None) -> Float[Array, "x y z 3"]:
        """Voxel centres in mm right, anterior, superior, of some slices or of all."""
        affine = jnp.asarray(self.affine(), jnp.float32)
        axes = [jnp.arange(n, dtype=jnp.float32) for n in self.shape]
        if slices is not None:
            axes[2] = jnp.asarray(slices, jnp.float32)
        index = jnp.stack(jnp.meshgrid(*axes, indexing="ij"), axis=-1)
        return index @ affine[:3, :3].T + affine[:3, 3]

    def average(self, samples: Float[Array, "a b c"]) -> Float[Array, "x y z"]:
        """Mean over the samples of each voxel."""
        (nx, ny, nz), (mx, my, mz) = samples.shape, self.samples
        blocks = samples.reshape(nx // mx, mx, ny // my, my, nz // mz, mz)
        return blocks.mean(axis=(1, 3, 5))

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

    def to_knee(self, points: Float[Array, "*n 3"], left: Number) -> Float[Array, "*n 3"]:
        """Scanner coordinates to those of a right knee; a ``left`` (1) one is mirrored."""
        turned = (points - self.shift) @ self.affine()[:3, :3]
        return turned * jnp.stack([1.0 - 2.0 * left, 1.0, 1.0])


class Protocol(NamedTuple):
    """Timing of a fat-suppressed fast spin echo, in ms."""

    recovery: float  # from saturation to excitation
    echo_time: float  # to the centre of k-space


class Fields(NamedTuple):
    """Smooth fields of the scanner, as functions of the position."""

    b0: RandomField
    b1: RandomField
    receive: RandomField
    receive_change: RandomField  # from one protocol to the other

    def off_resonance(self, points: Float[Array, "... 3"]) -> Field:
        """B0 error in Hz: within about 60 over the joint, up to 120 at the patella and edges."""
        p = Point(*(points[..., i] for i in range(3)))
        edge = ramp(p.y - 25.0, 35.0) + ramp(jnp.abs(p.x) - 35.0, 30.0)
        return jnp.clip(22.0 * self.b0(p) + 45.0 * edge, -120.0, 120.0)

    def transmit(self, points: Float[Array, "... 3"]) -> Field:
        """B1 as a fraction of nominal, 0.88 to 1.12."""
        p = Point(*(points[..., i] for i in range(3)))
        return 1.0 + 0.12 * jnp.tanh(0.6 * self.b1(p))

    def sensitivity(self, points: Float[Array, "... 3"], change: Number) -> Field:
        """Receive profile; ``change`` is the SD of what another protocol's differs by."""
        p = Point(*(points[..., i] for i in range(3)))
        return jnp.exp(0.15 * self.receive(p) + change * self.receive_change(p))


class Subject(NamedTuple):
    """One digital subject in the scanner."""

    shape: KneeShape
    cartilage: Cartilage
    left: Number  # 1 for a left knee, 0 for a right one
    fields: Fields
    fat_residual: Number  # what perfect-field SPAIR leaves of fat


def sample_fields(key: PRNGKeyArray) -> Fields:
    """Draw the fields of one session."""
    b0, b1, receive, change = split_fields(key, 4)
    return Fields(
        random_field(b0, 30.0),
        random_field(b1, 45.0),
        random_field(receive, 50.0),
        random_field(change, 40.0),
    )


def fat_left(off_resonance: Field, residual: Number) -> Field:
    """Share of the fat signal that SPAIR leaves: all of it where the field is far off.

    ``r + (1 - r) sigmoid((|df| - 180) / 40)`` with the offset ``df`` in Hz, an assumption.
    """
    lost = jax.nn.sigmoid((jnp.abs(off_resonance) - 180.0) / 40.0)
    return residual + (1.0 - residual) * lost


class Volumes(NamedTuple):
    """Volumes of one scan before the receive chain, and the truth behind the first of them."""

    signals: Float[Array, "n x y z"]  # water's full signal is 1
    regions: Float[Array, "4 x y z"]  # share of each voxel that is this region's cartilage
    t1rho: Float[Array, "x y z"]  # of the cartilage in a voxel, ms; not a number without


def contrasts(tissue: Tissue, protocol: Protocol, spin_lock_times: Field) -> Float[Array, "n ..."]:
    """Signals of water at every spin-lock time, in perfect fields."""
    amplitude = prepared_fse_amplitude(
        tissue.density, tissue.t1, tissue.t2, protocol.recovery, protocol.echo_time
    )
    return jnp.stack([amplitude * jnp.exp(-t / tissue.t1rho) for t in spin_lock_times])


def sample(
    points: Float[Array, "x y z 3"],
    edge: float,
    pose: Pose,
    subject: Subject,
    protocol: Protocol,
    spin_lock_times: tuple[float, ...],
) -> tuple[Float[Array, "n x y z"], Float[Array, "5 x y z"]]:
    """Signals at points, and there the cartilage of each region and its share times T1rho."""
    inside = pose.to_knee(points, subject.left)
    p = Point(*(inside[..., i] for i in range(3)))
    filled = knee(inside, subject.shape, edge)
    fat = fat_left(subject.fields.off_resonance(inside), subject.fat_residual)
    texture = subject.cartilage.texture(p)
    tissue = cartilage(p, filled.depth, filled.lesion, subject.cartilage)
    filled, fat, texture, tissue = jax.lax.optimization_barrier((filled, fat, texture, tissue))
    share = dict(zip(TISSUES, filled.fractions, strict=True))
    signals = share["cartilage"] * contrasts(tissue, protocol, spin_lock_times)
    lipid = contrasts(FAT, protocol, spin_lock_times)
    for name, entry in TABLE.items():
        there = share[name] * (1.0 + VARIATION.get(name, 0.0) * texture)
        water = (1.0 - entry.fat) * contrasts(entry, protocol, spin_lock_times)
        signals = signals + water[:, None, None, None] * there
        if entry.fat:
            signals = (
                signals + (entry.fat * entry.density * lipid)[:, None, None, None] * there * fat
            )
    return signals, jnp.stack([*filled.regions, share["cartilage"] * tissue.t1rho])


def acquire(
    grid: Grid,
    poses: Pose,
    subject: Subject,
    protocol: Protocol,
    spin_lock_times: tuple[float, ...] = (0.0,),
) -> Volumes:
    """One volume for each spin-lock time, the knee lying as in the pose of the same number.

    The knee is sampled within the voxels in its first pose. Later poses differ by a fraction of a
    millimetre: their samples are interpolated between those of the first, then averaged over the
    voxels.
    """
    fine, per_slice = grid.refined(), grid.samples[2]
    first = jax.tree.map(lambda all_: all_[0], poses)

    def one_slice(k: Array) -> tuple[Array, Array]:
        points = fine.points(k * per_slice + jnp.arange(per_slice))
        signals, truth = sample(points, fine.edge(), first, subject, protocol, spin_lock_times)
        return signals, jax.vmap(grid.average)(truth)

    signals, truth = jax.lax.map(one_slice, jnp.arange(grid.shape[2]))
    truth = jnp.moveaxis(truth[..., 0], 0, -1)
    signals = jnp.moveaxis(signals, 0, 3).reshape(len(spin_lock_times), *fine.shape)

    def seen(job: tuple[Array, Pose]) -> Array:
        samples, pose = job
        return grid.average(shifted(samples, fine, pose, first))

    volumes = grid.average(signals[0])[None]
    if len(spin_lock_times) > 1:
        later = jax.tree.map(lambda all_: all_[1:], poses)
        volumes = jnp.concatenate([volumes, jax.lax.map(seen, (signals[1:], later))])
    return Volumes(volumes, truth[:4], truth[4] / truth[:4].sum(axis=0))


def shifted(
    samples: Float[Array, "x y z"], grid: Grid, pose: Pose, first: Pose
) -> Float[Array, "x y z"]:
    """Samples of the knee in its ``first`` pose, as they lie on the grid in another ``pose``."""
    affine = jnp.asarray(grid.affine(), jnp.float32)
    move = first.affine() @ jnp.linalg.inv(pose.affine())
    move = jnp.linalg.inv(affine) @ move @ affine
    index = jnp.meshgrid(*map(jnp.arange, grid.shape), indexing="ij")
    at = [sum(move[i, j] * index[j] for j in range(3)) + move[i, 3] for i in range(3)]
    return jax.scipy.ndimage.map_coordinates(samples, at, order=1, mode="nearest")


def lock_efficiency(
    spin_lock_times: tuple[float, ...], frequency: float, b1: Field, off_resonance: Field
) -> Float[Array, "n ..."]:
    """What errors of the fields leave of the signal behind a composite spin-lock module.

    With ``T2rho = T1rho``, an assumption, relaxation during the lock is the same in every
    direction: the module's result is ``e^(-TSL/T1rho)`` times this factor, which knows no tissue
    and is as smooth as the fields.
    """
    return jnp.stack(
        [
            jnp.abs(
                spin_lock_magnetisation(
                    t, jnp.inf, jnp.inf, frequency, b1, off_resonance, "composite"
                )
            )
            for t in spin_lock_times
        ]
    )
