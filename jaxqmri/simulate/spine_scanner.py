"""What the scanner makes of a spine: a fine raster, and images from the middle of its k-space."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxqmri.simulate.anatomy.distance import Point
from jaxqmri.simulate.fields import RandomField, fields_of
from jaxqmri.simulate.geometry import Grid

Number = Float[Array, ""] | float

THICKNESS = 4.0  # of the slice, mm; the anatomy does not change within


class Plane(NamedTuple):
    """The sagittal midplane: square images, axes to posterior and inferior; static, hashable."""

    matrix: int  # of the T1- and T2-weighted images
    t1rho_matrix: int  # of the T1rho-weighted ones
    samples: int = 3  # within a pixel of the T1-weighted image, along both axes
    field_of_view: float = 288.0  # mm

    def grid(self, matrix: int) -> Grid:
        """Where the pixels of an image lie."""
        edge = self.field_of_view / matrix
        return Grid((matrix, matrix, 1), (edge, edge, THICKNESS), (0.0, 0.0, 0.0))

    @property
    def raster(self) -> int:
        """Samples along an edge; a multiple of both matrices."""
        return self.matrix * self.samples


class InPlane(NamedTuple):
    """How the spine lies in the scanner: turned, then shifted."""

    angle: Number  # by which the head end is turned forwards, degrees
    shift: Float[Array, " 2"]  # anterior, superior, mm

    def to_body(self, p: Point) -> Point:
        """Scanner coordinates to those of the spine."""
        y, z = p.y - self.shift[0], p.z - self.shift[1]
        cos, sin = jnp.cos(jnp.deg2rad(self.angle)), jnp.sin(jnp.deg2rad(self.angle))
        return Point(p.x, cos * y - sin * z, sin * y + cos * z)

    def to_scanner(self, p: Point) -> Point:
        """Coordinates of the spine to those of the scanner."""
        cos, sin = jnp.cos(jnp.deg2rad(self.angle)), jnp.sin(jnp.deg2rad(self.angle))
        y, z = cos * p.y + sin * p.z, cos * p.z - sin * p.y
        return Point(p.x, y + self.shift[0], z + self.shift[1])


def centres(plane: Plane, matrix: int) -> Point:
    """Pixel centres of an image, in the scanner."""
    return Point(*jnp.moveaxis(plane.grid(matrix).points()[:, :, 0], -1, 0))


class SpineFields(NamedTuple):
    """Smooth fields of one session, as functions of the position in the scanner."""

    b0: RandomField
    b1: RandomField
    receive: RandomField

    def off_resonance(self, p: Point) -> Float[Array, ...]:
        """B0 error in Hz, within 30."""
        return 30.0 * jnp.tanh(0.6 * self.b0(p))

    def transmit(self, p: Point) -> Float[Array, ...]:
        """B1 as a fraction of nominal, 0.9 to 1.1."""
        return 1.0 + 0.1 * jnp.tanh(0.7 * self.b1(p))

    def sensitivity(self, p: Point) -> Float[Array, ...]:
        """What correction leaves of the profile of a coil behind the back."""
        return jnp.exp(0.06 * self.receive(p) - 0.004 * p.y)


def spine_fields(waves: Float[Array, "3 n 4"]) -> SpineFields:
    """Fields of one session from normal scores."""
    return SpineFields(*fields_of(waves, 60.0, 90.0, 80.0))


def truncated(
    raster: Float[Array, "n a a"], matrix: int, moved: Float[Array, "n 2"]
) -> Float[Array, "n m m"]:
    """Images of ``matrix`` pixels along an edge from the middle of the k-space of a raster.

    What lies beyond is not measured: edges ring, and what is finer than a pixel is lost.

    Parameters
    ----------
    raster
        Signal at the samples.
    matrix
        Of the images.
    moved
        By how many samples what is imaged has moved along both axes.
    """
    count = raster.shape[-1]
    turns = np.fft.fftfreq(matrix, 1.0 / matrix)
    kept = turns.astype(int) % count
    # The first pixel's centre lies in the middle of its samples, not on the first of them.
    first = (count / matrix - 1.0) / 2.0 - moved
    phase = jnp.exp(2j * jnp.pi * first[:, :, None] * turns / count)
    spectrum = jnp.fft.fft(raster, axis=1)[:, kept] * phase[:, 0, :, None]
    spectrum = jnp.fft.fft(spectrum, axis=2)[:, :, kept] * phase[:, 1, None, :]
    return jnp.fft.ifft2(spectrum).real * (matrix / count) ** 2


def with_noise(
    images: Float[Array, "n m m"], noise: Float[Array, "2 n m m"], sigma: Float[Array, " n"]
) -> Float[Array, "n m m"]:
    """Magnitudes of images with noise of SD ``sigma`` in the real and in the imaginary part."""
    sigma = sigma[:, None, None]
    return jnp.hypot(images + sigma * noise[0], sigma * noise[1])
