"""What the scanner makes of an abdomen: samples on planes, slices of them, in imperfect fields."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from jaxqmri.simulate.anatomy.abdomen import TISSUES, abdomen
from jaxqmri.simulate.anatomy.body_shape import BodyShape
from jaxqmri.simulate.anatomy.distance import Point, ramp
from jaxqmri.simulate.fields import RandomField, random_fields
from jaxqmri.simulate.geometry import Pose
from jaxqmri.simulate.slices import Slices

Number = Float[Array, ""] | float

BLOCK = 1_024  # pixels at a time, each with its samples: what they hold stays in a core's cache
SHIM_CENTRE = (74.0, 0.0, 4.0)  # of the box over the liver, mm
SHIM_HALF = (62.0, 80.0, 60.0)


class Filled(NamedTuple):
    """What the pixels of the planes hold."""

    contents: dict[str, Float[Array, "p x y"]]  # share of each tissue
    depth: Float[Array, "p x y"]  # below the surface of the liver, mm
    clearance: Float[Array, "p x y"]  # from vessels that a reader sees, mm


def fill_planes(slices: Slices, pose: Pose, shape: BodyShape) -> Filled:
    """Tissue on all planes, averaged over the samples within each pixel."""
    points = slices.points(slices.planes())
    where = points.shape[:-1]
    flat = points.reshape(-1, 3)
    count = -(-len(flat) // BLOCK)
    blocks = jnp.pad(flat, ((0, count * BLOCK - len(flat)), (0, 0))).reshape(count, BLOCK, 3)
    offsets = jnp.pad(jnp.asarray(slices.within(), jnp.float32), ((0, 0), (0, 1)))
    edge = slices.edge()

    def block(centres: Array) -> Array:
        at = pose.to_body(offsets[:, None] + centres)
        found = abdomen(Point(*jnp.moveaxis(at, -1, 0)), shape, edge)
        rows = jnp.concatenate([found.fractions, found.depth[None], found.clearance[None]])
        return rows.mean(axis=1)

    rows = jnp.moveaxis(jax.lax.map(block, blocks), 1, 0)
    *contents, depth, clearance = rows.reshape(len(rows), -1)[:, : len(flat)].reshape(-1, *where)
    return Filled(dict(zip(TISSUES, contents, strict=True)), depth, clearance)


class LiverFields(NamedTuple):
    """Smooth fields of one session, as functions of the position in the scanner."""

    b0: RandomField
    b0_outside: RandomField
    b1: RandomField
    receive: RandomField
    box: Float[Array, " 3"]  # how far the shim box was put from its place, mm
    inside_sd: Number  # of B0 in the shim box, Hz
    outside: tuple[Number, Number]  # mean and SD of B0 far outside, Hz
    profile: Number  # SD of the logarithm of the receive profile

    def beyond(self, points: Float[Array, "... 3"]) -> Float[Array, ...]:
        """0 in the shim box, 1 from 45 mm outside of it on."""
        away = jnp.abs(points - jnp.array(SHIM_CENTRE) - self.box) - jnp.array(SHIM_HALF)
        distance = jnp.sqrt((jnp.maximum(away, 0.0) ** 2).sum(axis=-1) + 1e-6)
        return ramp(distance, 45.0)

    def off_resonance(self, points: Float[Array, "... 3"]) -> Float[Array, ...]:
        """B0 error in Hz: small in the shim box, -60 to 220 outside."""
        p = Point(*jnp.moveaxis(points, -1, 0))
        outside = self.outside[0] + self.outside[1] * self.b0_outside(p)
        far = self.beyond(points)
        return self.inside_sd * self.b0(p) + far * jnp.clip(outside, -60.0, 220.0)

    def transmit(self, points: Float[Array, "... 3"]) -> Float[Array, ...]:
        """B1 as a fraction of nominal, about 0.9 to 1.1 in the shim box, down to 0.75 outside."""
        p = Point(*jnp.moveaxis(points, -1, 0))
        wave = jnp.tanh(0.7 * self.b1(p))
        return 1.0 + 0.09 * wave - self.beyond(points) * (0.08 + 0.08 * wave)

    def sensitivity(self, points: Float[Array, "... 3"]) -> Float[Array, ...]:
        """Receive profile: what the correction leaves of it, brighter towards the coils."""
        p = Point(*jnp.moveaxis(points, -1, 0))
        return jnp.exp(self.profile * (self.receive(p) + 0.012 * (jnp.abs(p.y) - 60.0)))


def sample_liver_fields(
    key: PRNGKeyArray,
    box: Float[Array, " 3"],
    inside_sd: Number,
    outside: tuple[Number, Number],
    profile: Number,
) -> tuple[LiverFields, RandomField]:
    """Draw the fields of one session, and one more that its reader's hand follows."""
    b0, b0_outside, b1, receive, hand = random_fields(key, 35.0, 45.0, 70.0, 80.0, 12.0)
    return LiverFields(b0, b0_outside, b1, receive, box, inside_sd, outside, profile), hand


def breath_hold(
    scores: Float[Array, "5 s"], times: int, drift: Number, failed: Number
) -> tuple[Float[Array, "n s"], Float[Array, " s"]]:
    """How far up the body has moved at each spin-lock time of each slice, mm; which holds failed.

    During a hold the diaphragm drifts evenly, by up to ``drift`` mm at the end. A share
    ``failed`` of the holds end early: from some spin-lock time on, the liver lies 3 to 6 mm
    higher or lower. All is drawn from normal ``scores``.
    """
    u = jax.scipy.special.ndtr(scores)
    slow = drift * u[0] * jnp.arange(times)[:, None] / max(times - 1, 1)
    lost = u[1] < failed
    after = jnp.arange(times)[:, None] >= 1.0 + jnp.floor(u[2] * (times - 1))
    jump = (3.0 + 3.0 * u[3]) * jnp.where(u[4] < 0.5, -1.0, 1.0)
    return slow + jnp.where(lost & after, jump, 0.0), lost.astype(jnp.float32)


def through_echo_train(
    images: Float[Array, "n s x y"],
    shift: Float[Array, "n s"],
    edge_signal: Number,
    pixel: float,
) -> Float[Array, "n s x y"]:
    """Images as the echo train samples them along the phase-encoding axis, the last.

    Signal decays from the centre of k-space, where the train begins, to a share ``edge_signal`` at
    its edge; a body that lies ``shift`` mm further to the front turns its phase.
    """
    count = images.shape[-1]
    turns = jnp.fft.fftfreq(count)  # per pixel
    kept = jnp.exp(2.0 * jnp.abs(turns) * jnp.log(jnp.maximum(edge_signal, 1e-3)))
    moved = jnp.exp(2j * jnp.pi * turns * (shift / pixel)[..., None, None])
    spectrum = jnp.fft.fft(images, axis=-1) * kept * moved
    return jnp.maximum(jnp.fft.ifft(spectrum, axis=-1).real, 0.0)
