"""What the scanner makes of tissue at a point: fast spin echo in imperfect fields."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from jaxqmri.simulate.anatomy.distance import Point, ramp
from jaxqmri.simulate.anatomy.knee import TISSUES, knee
from jaxqmri.simulate.anatomy.shape import KneeShape
from jaxqmri.simulate.fields import RandomField, random_fields
from jaxqmri.simulate.geometry import Pose
from jaxqmri.simulate.sequence import Protocol, amplitude, fat_left, locked
from jaxqmri.simulate.tissue import FAT, TABLE, VARIATION, Cartilage, cartilage

Number = Float[Array, ""] | float
Field = Float[Array, "..."] | float


class Fields(NamedTuple):
    """Smooth fields of the scanner, as functions of the position."""

    b0: RandomField
    b1: RandomField
    receive: RandomField
    receive_change: RandomField  # from one protocol to the other

    def off_resonance(self, points: Float[Array, "... 3"]) -> Float[Array, ...]:
        """B0 error in Hz: within about 60 over the joint, up to 120 at the patella and edges."""
        p = Point(*(points[..., i] for i in range(3)))
        edge = ramp(p.y - 25.0, 35.0) + ramp(jnp.abs(p.x) - 35.0, 30.0)
        return jnp.clip(22.0 * self.b0(p) + 45.0 * edge, -120.0, 120.0)

    def transmit(self, points: Float[Array, "... 3"]) -> Float[Array, ...]:
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
    other_tissue: Number = 1.0  # signal of all but cartilage, as a fraction


def sample_fields(key: PRNGKeyArray) -> Fields:
    """Draw the fields of one session."""
    return Fields(*random_fields(key, 30.0, 45.0, 50.0, 40.0))


def sample(
    points: Float[Array, "p 3"],
    edge: Number,
    pose: Pose,
    subject: Subject,
    protocol: Protocol,
    spin_lock_times: Float[Array, " n"],
) -> tuple[Float[Array, "n p"], Float[Array, "6 p"]]:
    """Signals at points, and the truth there.

    The truth is the cartilage of each of four regions, all cartilage times its T1rho, muscle.
    """
    inside = pose.to_knee(points, subject.left)
    p = Point(*(inside[:, i] for i in range(3)))
    filled = knee(p, subject.shape, edge)
    fat = fat_left(subject.fields.off_resonance(inside), subject.fat_residual)
    texture = subject.cartilage.texture(p)
    share: dict[str, Array] = dict(zip(TISSUES, filled.fractions, strict=True))
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
        share["muscle"],
    ]
    # One product with a matrix, so that the compiler works every row out once and keeps it.
    times = spin_lock_times
    waters = [(1.0 - e.fat) * amplitude(e, protocol) * locked(e, times) for e in TABLE.values()]
    signal_of = jnp.stack([*waters, amplitude(FAT, protocol) * locked(FAT, times)], axis=1)
    mix = jax.scipy.linalg.block_diag(signal_of * subject.other_tissue, jnp.eye(len(kept)))
    rows = jnp.matmul(mix, jnp.stack([*contents, lipid, *kept]), precision="highest")
    mixed, (strength, rate), truth = jnp.split(rows, (len(times), len(times) + 2))
    return mixed + strength * jnp.exp(-times[:, None] * rate), truth
