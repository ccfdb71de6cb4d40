"""What the scanner makes of tissue at a point: a train of spin echoes."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxqmri.physics.decay import exponential_decay
from jaxqmri.physics.spin_echo import echo_train
from jaxqmri.simulate.anatomy.distance import Point
from jaxqmri.simulate.anatomy.knee import TISSUES, knee
from jaxqmri.simulate.anatomy.shape import KneeShape
from jaxqmri.simulate.fields import RandomField, fields_of
from jaxqmri.simulate.geometry import Pose
from jaxqmri.simulate.mese_tissue import MeseCartilage, apparent_t2, lesion_at
from jaxqmri.simulate.tissue import FAT, TABLE, VARIATION
from jaxqmri.simulate.two_passes import Found

Number = Float[Array, ""] | float
Field = Float[Array, "..."] | float

B1_MIDDLE, B1_RANGE = 0.975, 0.125
NODES = 4
CARTILAGE_T1 = 1000.0  # ms


class EchoTrain(NamedTuple):
    """Timing of a multi-echo spin echo in ms, and its matrix; static and hashable."""

    echoes: int = 7
    spacing: float = 10.0
    repetition_time: float = 2700.0
    slice_thickness: float = 3.0  # mm; what the grid's slices are further apart is gap

    def times(self) -> tuple[float, ...]:
        """Echo times."""
        return tuple(self.spacing * k for k in range(1, self.echoes + 1))


class MeseFields(NamedTuple):
    """Smooth fields of one session, as functions of the position."""

    b1: RandomField
    receive: RandomField

    def transmit(self, p: Point) -> Float[Array, ...]:
        """B1 as a fraction of nominal, 0.85 to 1.10."""
        return B1_MIDDLE + B1_RANGE * jnp.tanh(0.7 * self.b1(p))

    def sensitivity(self, points: Float[Array, "... 3"]) -> Float[Array, ...]:
        """Receive profile at points in the scanner: its logarithm has an SD of 0.15."""
        return jnp.exp(0.15 * self.receive(Point(*jnp.moveaxis(points, -1, 0))))


def mese_fields(waves: Float[Array, "2 n 4"]) -> MeseFields:
    """Fields of one session from normal scores."""
    return MeseFields(*fields_of(waves, 45.0, 50.0))


class MeseSubject(NamedTuple):
    """One digital subject in the scanner."""

    shape: KneeShape
    cartilage: MeseCartilage
    left: Number  # 1 for a left knee, 0 for a right one
    fields: MeseFields
    refocusing_angle: Number  # degrees; 180 refocuses perfectly, whatever B1 is


def train(
    protocol: EchoTrain, angle: Number, b1: Number, t1: Number, t2: Number
) -> Float[Array, " n"]:
    """Echoes of unit magnetisation at one point.

    ``(1 - e^(-(TR - train) / T1)) sin(90 b1) E_k``, with ``E_k = e^(-TE_k / T2)`` at a refocusing
    ``angle`` of 180 degrees; below that the extended phase graph's echo for refocusing by ``angle
    b1``, with its stimulated echoes.
    """
    plain = exponential_decay(jnp.array(protocol.times()), 1.0, t2)
    graph = echo_train(protocol.echoes, jnp.asarray(protocol.spacing), angle * b1, t2, t1)
    return undecayed(protocol, b1, t1) * jnp.where(angle < 180.0, jnp.stack(graph), plain)


def undecayed(protocol: EchoTrain, b1: Field, t1: Field) -> Float[Array, ...]:
    """What is excited of unit magnetisation that has waited since the last train."""
    waited = protocol.repetition_time - protocol.echoes * protocol.spacing
    return (1.0 - jnp.exp(-waited / t1)) * jnp.sin(0.5 * jnp.pi * b1)


def sample(
    points: Float[Array, "p 3"],
    edge: Number,
    pose: Pose,
    subject: MeseSubject,
    signal_of: Float[Array, "m tissues"],
) -> Found:
    """What points hold, and the signals of all of it but cartilage.

    Parameters
    ----------
    points
        In mm in the scanner.
    edge
        Of the sample around each, mm.
    pose
        How the knee lies.
    subject
        Who lies in the scanner.
    signal_of
        Of :func:`mixing`.

    Returns
    -------
    Found
        ``rows``: the echoes, and zeros for the truth that cartilage adds (:func:`cartilage_at`).
        ``kept``: share of femoral cartilage, distances to the femur and to the surface of its
        cartilage in mm. ``layers``: depth in cartilage, and the femur's part of it.
    """
    inside = pose.to_knee(points, subject.left)
    p = Point(*(inside[:, i] for i in range(3)))
    filled = knee(p, subject.shape, edge)
    share: dict[str, Array] = dict(zip(TISSUES, filled.fractions, strict=True))
    texture = subject.cartilage.texture(p)

    waters, lipid = [], jnp.zeros_like(texture)
    for name, entry in TABLE.items():
        varied = share[name] * (1.0 + VARIATION.get(name, 0.0) * texture) * entry.density
        waters.append(varied * (1.0 - entry.fat))
        lipid = lipid + varied * entry.fat
    femoral, b1 = filled.regions[0], subject.fields.transmit(p)
    kept = [femoral, filled.femur.distance, filled.femur.surface, share["cartilage"], filled.depth]
    # One product with a matrix, so that the compiler works every row out once and keeps it.
    mix = jax.scipy.linalg.block_diag(signal_of, jnp.eye(len(kept) + 1))
    rows = jnp.matmul(mix, jnp.stack([*waters, lipid, *kept, b1]), precision="highest")
    others, kept, b1 = rows[: len(signal_of)], rows[len(signal_of) : -1], rows[-1]
    echoes = evaluate(others.reshape(NODES, len(signal_of) // NODES, -1), b1)
    return Found(
        jnp.concatenate([echoes, jnp.zeros((4, len(b1)))]),
        kept[:3],
        kept[3],
        jnp.stack([kept[4], kept[0] / jnp.maximum(kept[3], 1e-6)]),
    )


def mixing(protocol: EchoTrain, angle: Number) -> Float[Array, "m tissues"]:
    """Echoes of every tissue but cartilage as polynomials in ``(b1 - B1_MIDDLE) / B1_RANGE``.

    Columns are the waters of ``TABLE`` and fat; rows the coefficients of all echoes, power after
    power. Over B1's range polynomials through four Chebyshev nodes are within 1e-3 of the echoes.
    """
    tissues = [*TABLE.values(), FAT]
    t1, t2 = (jnp.array([getattr(t, name) for t in tissues]) for name in ("t1", "t2"))
    nodes = np.cos((np.arange(NODES) + 0.5) * np.pi / NODES)
    b1 = jnp.asarray(B1_MIDDLE + B1_RANGE * nodes, jnp.float32)
    of_one = partial(train, protocol, angle)
    known = jax.vmap(jax.vmap(of_one, (None, 0, 0)), (0, None, None))(b1, t1, t2)
    powers = jnp.asarray(np.linalg.inv(np.vander(nodes, increasing=True)), jnp.float32)
    found = jnp.einsum("kp,ptn->knt", powers, known, precision="highest")
    return found.reshape(-1, len(tissues))


def evaluate(coefficients: Float[Array, "k n p"], b1: Float[Array, " p"]) -> Float[Array, "n p"]:
    """Polynomials of :func:`mixing` at a B1 for each point."""
    x = (b1 - B1_MIDDLE) / B1_RANGE
    total = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        total = total * x + coefficient
    return total


def cartilage_at(
    points: Float[Array, "p 3"],
    share: Float[Array, " p"],
    layers: Float[Array, "2 p"],
    pose: Pose,
    subject: MeseSubject,
    protocol: EchoTrain,
) -> Float[Array, "m p"]:
    """What a share of cartilage adds at points.

    Its echoes, its signal were there no decay, the share times its T2, the femur's part of it
    times how much of a lesion is there, and the share.
    """
    depth, femoral = layers
    inside = pose.to_knee(points, subject.left)
    p = Point(*(inside[:, i] for i in range(3)))
    average = Point(*(c / subject.shape.scale for c in p))
    rise, lesion = lesion_at(average, subject.cartilage.lesions)
    t2 = apparent_t2(average, depth, femoral * rise, subject.cartilage)
    t1 = CARTILAGE_T1 * (0.93 + 0.14 * depth)
    density = 0.65 + 0.17 * depth
    b1 = subject.fields.transmit(p)
    of_one = partial(train, protocol, subject.refocusing_angle)
    echoes = jax.vmap(of_one, out_axes=1)(b1, t1, t2)
    whole = undecayed(protocol, b1, t1)
    return share * jnp.concatenate(
        [density * echoes, jnp.stack([density * whole, t2, femoral * lesion, jnp.ones_like(t2)])]
    )
