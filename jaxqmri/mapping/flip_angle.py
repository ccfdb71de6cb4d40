"""B1 from an actual flip angle series, with the T1 of variable flip angles, for another grid."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxqmri.fitting import FitResult, Status, fit
from jaxqmri.mapping.series import Series
from jaxqmri.physics import SignalModel
from jaxqmri.preprocessing.fields import Field, field_on_grid

ROUNDS = 2  # B1, T1, B1: what T1 still moves is then below 1e-4 of B1
# of the brightest (99th percentile): a voxel of less signal has ten times their error in B1
FAINT = 0.1
NORMAL_MEDIAN = 0.6744898  # of the absolute value of a standard normal variable

Volume = Float[np.ndarray, "x y z"]


class B1Map(NamedTuple):
    """B1 as it was fitted, and as it is used.

    Attributes
    ----------
    fit
        On the grid of the actual flip angle series.
    field
        Smoothed, on the grid of the variable flip angles, with its standard deviation.
    """

    fit: FitResult
    field: Field


def fit_b1(afi: Series, vfa: Series, *, smooth: float = 0.0, rounds: int = ROUNDS) -> B1Map:
    """B1 by the exact steady state of both delays, with T1 from the variable flip angles.

    B1 with T1 1,000 ms, T1 with that B1, B1 with that T1: T1 moves B1 so little, by 0.6 % from
    300 ms to infinity, that two rounds settle it. T1 is found on the coarse grid for this, from
    flip-angle images averaged over its voxels. Air, and what else has less than a tenth of the
    signal of the brightest voxels, gets its B1 from around it.

    Parameters
    ----------
    afi, vfa
        The two series, whose grids may differ.
    smooth
        Full width at half maximum in mm of the Gaussian of :func:`smoothed_b1`; 0 for none.
    rounds
        Number of B1 fits.

    Returns
    -------
    B1Map
        Its errors hold the noise of ``afi``; what an error of T1 adds is below 1e-3 of B1. NaN
        where ``afi`` does not reach, as at an edge that a registration has moved it from.

    Raises
    ------
    ValueError
        If ``afi`` shows nothing of the field of view of ``vfa``, or holds no signal.
    """
    energy = _energy(afi.images)
    bright = _bright(energy)
    if not bright.any():
        raise ValueError("the actual flip angle images hold no signal")
    first = 1.0 if afi.sigma is None else afi.sigma
    found = fit(afi.model, afi.images, mask=bright, sigma=first)
    sigma = afi.sigma
    if sigma is None:  # an image free of noise has some rounding
        sigma = max(sigma_from_roughness(found), 1e-6 * float(np.sqrt(np.nanmax(energy))))
    averaged = np.stack(
        [
            field_on_grid(np.asarray(image), None, vfa.affine, afi.shape, afi.affine).values
            for image in np.moveaxis(vfa.images, -1, 0)
        ],
        axis=-1,
    )
    for _ in range(rounds - 1):
        held = {"b1": found.params.b1}
        t1 = fit(vfa.model, averaged, mask=bright, fixed=held, quality=False).params.t1
        known = np.where(np.isfinite(t1), t1, afi.model.defaults["t1"])
        found = fit(afi.model, afi.images, mask=bright, fixed={"t1": known}, sigma=sigma)
    field = smoothed_b1(afi, found, vfa.shape, vfa.affine, smooth)
    if not np.isfinite(field.values).any():
        raise ValueError(
            "the actual flip angle images show nothing of the field of view of the variable flip "
            "angles"
        )
    return B1Map(found, field)


def smoothed_b1(
    afi: Series,
    found: FitResult,
    shape: tuple[int, int, int],
    onto: Float[np.ndarray, "4 4"],
    fwhm: float,
) -> Field:
    """B1 of a fit, smoothed by a Gaussian and brought onto another grid.

    Each voxel is weighted by its precision ``1/s^2``, and the errors become
    ``sqrt(sum (w s)^2)``. B1 bends with the ratio of its two signals: the mean of noisy B1 is too
    low (0.3 % at SNR 60), and precisions taken where the noise has led draw it up (by twice that).
    So what is averaged is a straight step from the smooth field to each voxel, and the precision
    is that of the smooth field. Faint voxels, as for :func:`fit_b1`, have no say.

    Parameters
    ----------
    afi
        The series that was fitted.
    found
        Its fit, with T1 held; without errors the field has none either.
    shape, onto
        The wanted grid and its affine.
    fwhm
        Full width at half maximum in mm; 0 for plain linear interpolation of the B1 found.
    """
    b1 = np.where(found.status == Status.CONVERGED, found.params.b1, np.nan)
    if fwhm == 0:
        std = None if found.std is None else found.std.b1
        return field_on_grid(b1, std, afi.affine, shape, onto)
    # the energy of two signals is free of the noise in their ratio, to first order
    energy = _energy(afi.images)
    bright = _bright(energy)
    own = (afi.affine, afi.shape, afi.affine)
    weights = np.where(bright, energy, 0.0)
    smooth = field_on_grid(b1, None, *own, fwhm=fwhm, weights=weights).values
    stepped, unit_std = _straight_steps(afi.model, afi.images, smooth, found.params.t1)
    with np.errstate(divide="ignore"):
        usable = bright & np.isfinite(unit_std)
        precision = np.where(usable, 1.0 / np.square(unit_std), 0.0)
    usual = np.median(precision[precision > 0]) if np.any(precision > 0) else 1.0
    std = found.sigma * unit_std if np.isfinite(found.sigma) else None
    return field_on_grid(
        stepped, std, afi.affine, shape, onto, fwhm=fwhm, weights=precision / usual
    )


def sigma_from_roughness(found: FitResult) -> float:
    """Noise of images of which B1 has used up every sample: from how rough B1 is.

    B1 is smooth where tissue is not. The second difference ``b[i-1] - 2 b[i] + b[i+1]`` is then
    noise alone, of standard deviation ``sqrt(s[i-1]^2 + 4 s[i]^2 + s[i+1]^2)``. Its ratio to that,
    the median of its absolute value over all neighbours along the first two axes, is the noise.

    Parameters
    ----------
    found
        A fit of B1 with ``sigma=1``.

    Raises
    ------
    ValueError
        If no three neighbours have a B1.
    """
    usable = found.status == Status.CONVERGED
    b1 = np.where(usable, found.params.b1, np.nan)
    variance = np.where(usable, found.std.b1, np.nan) ** 2
    ratios = []
    for axis in (0, 1):
        before, here, after = _neighbours(b1, axis)
        one, two, three = _neighbours(variance, axis)
        ratios.append(((before - 2.0 * here + after) / np.sqrt(one + 4.0 * two + three)).ravel())
    known = np.concatenate(ratios)
    known = known[np.isfinite(known)]
    if known.size == 0:
        raise ValueError("no neighbouring voxels have a B1 to take the noise from: give its sigma")
    return float(np.median(np.abs(known)) / NORMAL_MEDIAN)


def _energy(images: Any) -> Volume:
    """Sum of squares over the images."""
    return np.sum(np.square(images, dtype=np.float32), axis=-1)


def _bright(energy: Volume) -> Bool[np.ndarray, "x y z"]:
    return energy > FAINT**2 * np.nanpercentile(energy, 99.0)


def _neighbours(values: Any, axis: int) -> list[Any]:
    """Each voxel that has two neighbours along an axis, after the one and before the other."""
    count = max(0, values.shape[axis] - 2)
    return [np.take(values, range(first, first + count), axis=axis) for first in range(3)]


def _straight_steps(model: SignalModel, images: Any, b1: Any, t1: Any) -> tuple[Volume, Volume]:
    """B1 by one Gauss-Newton step from a field, and its standard deviation for unit noise."""
    shape = b1.shape
    rows = (np.reshape(images, (-1, 2)), np.ravel(b1), np.broadcast_to(t1, shape).ravel())
    stepped, std = _all_steps(model, *(jnp.asarray(row, jnp.float32) for row in rows))
    return np.asarray(stepped).reshape(shape), np.asarray(std).reshape(shape)


@eqx.filter_jit
def _all_steps(
    model: SignalModel,
    images: Float[Array, "v 2"],
    b1: Float[Array, " v"],
    t1: Float[Array, " v"],
) -> tuple[Float[Array, " v"], Float[Array, " v"]]:
    def one(signals: Array, b1: Array, t1: Array) -> tuple[Array, Array]:
        unit, slope = jax.jvp(
            lambda at: model(model.Params(m0=1.0, b1=at, t1=t1)), (b1,), (jnp.ones_like(b1),)
        )
        across = jnp.stack([-unit[1], unit[0]])  # the direction that no amplitude moves along
        m0 = jnp.dot(signals, unit) / jnp.dot(unit, unit)
        gain = m0 * jnp.dot(across, slope)
        gain = jnp.where(m0 > 0, gain, jnp.nan)
        return b1 + jnp.dot(across, signals) / gain, jnp.linalg.norm(across) / jnp.abs(gain)

    return jax.vmap(one)(images, b1, t1)
