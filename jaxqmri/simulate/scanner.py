"""From tissue to images: two 3D fast spin echo protocols in imperfect fields, moving, with noise.

Everything here is a pure function of one subject and runs inside one compiled program.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from jaxqmri.physics.decay import exponential_decay
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

    def average(self, samples: Float[Array, "*n c a b"]) -> Float[Array, "*n z x y"]:
        """Mean over the samples of each voxel, slices first."""
        mx, my, mz = self.samples
        *some, c, a, b = samples.shape
        along_rows = sum(samples[..., i::my] for i in range(my))
        blocks = jnp.reshape(along_rows, (*some, c // mz, mz, a // mx, mx, b // my))
        return blocks.sum(axis=(-4, -2)) / (mx * my * mz)

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


def amplitude(tissue: Tissue, protocol: Protocol) -> Field:
    """Signal of a tissue's water without spin lock."""
    return prepared_fse_amplitude(
        tissue.density, tissue.t1, tissue.t2, protocol.recovery, protocol.echo_time
    )


def sample(
    points: Float[Array, "p 3"],
    edge: float,
    pose: Pose,
    subject: Subject,
    protocol: Protocol,
    spin_lock_times: tuple[float, ...],
) -> tuple[Float[Array, "n p"], Float[Array, "5 p"]]:
    """Signals at points, and there the cartilage of each region and its share times T1rho."""
    inside = pose.to_knee(points, subject.left)
    p = Point(*(inside[:, i] for i in range(3)))
    filled = knee(p, subject.shape, edge)
    fat = fat_left(subject.fields.off_resonance(inside), subject.fat_residual)
    texture = subject.cartilage.texture(p)
    share = dict(zip(TISSUES, filled.fractions, strict=True))
    here = cartilage(p, filled.depth, filled.lesion, subject.cartilage)

    contents, lipid = [], jnp.zeros_like(texture)
    for name, entry in TABLE.items():
        varied = share[name] * (1.0 + VARIATION.get(name, 0.0) * texture)
        contents.append(varied)
        lipid = lipid + entry.fat * entry.density * fat * varied
    kept = [
        share["cartilage"] * amplitude(here, protocol),
        1.0 / here.t1rho,
        *filled.regions,
        share["cartilage"] * here.t1rho,
    ]
    # One product with a matrix, so that the compiler works every row out once and keeps it.
    times = jnp.asarray(spin_lock_times)
    waters = [(1.0 - e.fat) * amplitude(e, protocol) * locked(e, times) for e in TABLE.values()]
    signal_of = jnp.stack([*waters, amplitude(FAT, protocol) * locked(FAT, times)], axis=1)
    mix = jax.scipy.linalg.block_diag(signal_of, jnp.eye(len(kept)))
    rows = jnp.matmul(mix, jnp.stack([*contents, lipid, *kept]), precision="highest")
    mixed, (strength, rate), truth = jnp.split(rows, (len(times), len(times) + 2))
    return mixed + strength * jnp.exp(-times[:, None] * rate), truth


def locked(tissue: Tissue, spin_lock_times: Field) -> Field:
    """Share of the magnetisation that a spin lock leaves in perfect fields."""
    return exponential_decay(spin_lock_times, 1.0, tissue.t1rho)


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
        points = jnp.moveaxis(points, 2, 0)
        signals, truth = sample(
            points.reshape(-1, 3), fine.edge(), first, subject, protocol, spin_lock_times
        )
        signals, truth = (rows.reshape(-1, *points.shape[:-1]) for rows in (signals, truth))
        return signals, grid.average(truth)[:, 0]

    signals, truth = jax.lax.map(one_slice, jnp.arange(grid.shape[2]))
    signals = jnp.moveaxis(signals, 1, 0)
    signals = signals.reshape(len(spin_lock_times), fine.shape[2], *fine.shape[:2])

    def seen(job: tuple[Array, Pose]) -> Array:
        samples, pose = job
        return grid.average(shifted(samples, fine, pose, first))

    volumes = grid.average(signals[:1])
    if len(spin_lock_times) > 1:
        later = jax.tree.map(lambda all_: all_[1:], poses)
        volumes = jnp.concatenate([volumes, jax.lax.map(seen, (signals[1:], later))])
    truth = jnp.moveaxis(truth, 0, -1)
    return Volumes(jnp.moveaxis(volumes, 1, -1), truth[:4], truth[4] / truth[:4].sum(axis=0))


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
