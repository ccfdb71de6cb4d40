"""What the scanner makes of tissue at a point: three UTE series in imperfect fields."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxqmri.simulate.anatomy.distance import Point, ramp
from jaxqmri.simulate.anatomy.knee import TISSUES, knee
from jaxqmri.simulate.anatomy.shape import KneeShape
from jaxqmri.simulate.fields import RandomField, fields_of
from jaxqmri.simulate.geometry import Pose
from jaxqmri.simulate.sequence import fat_left
from jaxqmri.simulate.tissue import VARIATION
from jaxqmri.simulate.ute_sequence import (
    B1_RANGE,
    UteProtocol,
    evaluate,
    polynomials,
    unit_signals,
)
from jaxqmri.simulate.ute_tissue import FAT, TABLE, UteCartilage, cartilage

Number = Float[Array, ""] | float

PLACE = 0.6  # of B1's score that follows from the place, where anatomy tells of it


class UteFields(NamedTuple):
    """Smooth fields of one session, as functions of the position."""

    b0: RandomField
    b1: RandomField
    receive: RandomField
    anatomy: Number  # how far the place tells of B1, 0 to 1

    def off_resonance(self, p: Point) -> Float[Array, ...]:
        """B0 error in Hz, within 80: small over the joint, larger at the patella and the sides."""
        edge = ramp(p.y - 25.0, 35.0) + ramp(jnp.abs(p.x) - 35.0, 30.0)
        return jnp.clip(22.0 * self.b0(p) + 35.0 * edge, -80.0, 80.0)

    def transmit(self, p: Point) -> Float[Array, ...]:
        """B1 as a fraction of nominal, 0.85 to 1.15: ``1 + 0.15 tanh(0.7 s)``.

        The score ``s = w c + sqrt(1 - w^2) f`` has a part ``c`` that falls from the middle of the
        limb to its skin, ``w = 0.6 anatomy``, and a random field ``f``: without the first B1
        varies about as much, but the place says nothing of it.
        """
        away = (p.x / 50.0) ** 2 + ((p.y + 5.0) / 50.0) ** 2 + (p.z / 90.0) ** 2
        central = 1.3 - 2.4 * away
        w = PLACE * self.anatomy
        score = w * central + jnp.sqrt(1.0 - w**2) * self.b1(p)
        return 1.0 + B1_RANGE * jnp.tanh(0.7 * score)

    def sensitivity(self, points: Float[Array, "... 3"]) -> Float[Array, ...]:
        """Receive profile at points in the scanner: its logarithm has an SD of 0.15."""
        return jnp.exp(0.15 * self.receive(Point(*jnp.moveaxis(points, -1, 0))))


def ute_fields(waves: Float[Array, "3 n 4"], anatomy: Number) -> UteFields:
    """Fields of one session from normal scores."""
    b0, b1, receive = fields_of(waves, 30.0, 45.0, 50.0)
    return UteFields(b0, b1, receive, anatomy)


class UteSubject(NamedTuple):
    """One digital subject in the scanner."""

    shape: KneeShape
    cartilage: UteCartilage
    left: Number  # 1 for a left knee, 0 for a right one
    fields: UteFields
    fat_residual: Number  # of fat's signal behind its suppression, in a perfect field


class Samples(NamedTuple):
    """Signals at points, and the truth there."""

    signals: Float[Array, "n p"]  # flip angles, AFI, spin-lock times; water's magnetisation is 1
    shares: Float[Array, "5 p"]  # cartilage of four regions, meniscus
    magnetisation: Float[Array, " p"]  # at the echo
    depth: Float[Array, " p"]  # in cartilage
    lesion: Float[Array, " p"]


def sample(
    points: Float[Array, "p 3"],
    edge: Number,
    pose: Pose,
    subject: UteSubject,
    protocol: UteProtocol,
) -> Samples:
    """What points hold, and the signals of all of it but cartilage.

    Images of all series are signals of the same points. Fat is suppressed in the last series
    alone.
    """
    inside = pose.to_knee(points, subject.left)
    p = Point(*(inside[:, i] for i in range(3)))
    filled = knee(p, subject.shape, edge)
    fields = subject.fields
    share: dict[str, Array] = dict(zip(TISSUES, filled.fractions, strict=True))
    texture = subject.cartilage.texture(p)

    waters, lipid = [], jnp.zeros_like(texture)
    for name, entry in TABLE.items():
        varied = share[name] * (1.0 + VARIATION.get(name, 0.0) * texture)
        waters.append(varied * (1.0 - entry.fat) * entry.amount(protocol.echo_time))
        lipid = lipid + varied * entry.fat * entry.density * FAT.amount(protocol.echo_time)
    spared = lipid * fat_left(fields.off_resonance(p), subject.fat_residual)
    kept = [*filled.regions, share["meniscus"], filled.depth, filled.lesion, fields.transmit(p)]
    # One product with a matrix, so that the compiler works every row out once and keeps it.
    signal_of = mixing(protocol)
    mix = jax.scipy.linalg.block_diag(signal_of, jnp.eye(len(kept)))
    rows = jnp.matmul(mix, jnp.stack([*waters, lipid, spared, *kept]), precision="highest")
    others, shares, (depth, lesion, b1) = jnp.split(rows, (len(signal_of), len(rows) - 3))
    coefficients = others[:-1].reshape(-1, sum(protocol.counts()), len(b1))
    return Samples(evaluate(coefficients, b1), shares, others[-1], depth, lesion)


def cartilage_at(
    points: Float[Array, "p 3"],
    share: Float[Array, " p"],
    depth: Float[Array, " p"],
    lesion: Float[Array, " p"],
    pose: Pose,
    subject: UteSubject,
    protocol: UteProtocol,
) -> Float[Array, "m p"]:
    """What a share of cartilage adds at points.

    Its signals, its magnetisation at the echo, and the share times its T1 and times its T1rho.
    """
    inside = pose.to_knee(points, subject.left)
    p = Point(*(inside[:, i] for i in range(3)))
    here = cartilage(p, depth, lesion, subject.cartilage)
    signals = unit_signals(protocol, subject.fields.transmit(p), here.t1, here.t1rho)
    amount = here.amount(protocol.echo_time)
    return share * jnp.concatenate([amount * signals, jnp.stack([amount, here.t1, here.t1rho])])


def mixing(protocol: UteProtocol) -> Float[Array, "m tissues"]:
    """What amounts of every tissue but cartilage make: polynomials in B1, and magnetisation.

    Columns are the waters of ``TABLE``, fat, and fat behind its suppression, which the last
    series alone sees. Rows are the coefficients of all images, power after power, and the sum of
    waters and fat.
    """
    tissues = [*TABLE.values(), FAT, FAT]
    t1, t1rho = (
        jnp.array(column) for column in zip(*((t.t1, t.t1rho) for t in tissues), strict=True)
    )
    suppressed = jnp.arange(sum(protocol.counts())) >= sum(protocol.counts()[:2])
    columns = polynomials(protocol, t1, t1rho)
    columns = columns.at[..., -2].multiply(~suppressed).at[..., -1].multiply(suppressed)
    present = jnp.ones((1, len(tissues))).at[0, -1].set(0.0)
    return jnp.concatenate([columns.reshape(-1, len(tissues)), present])
