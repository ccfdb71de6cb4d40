"""The problem that one voxel poses: what is known of it, its bounds, coordinates and misfit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxqmri.fitting.equation import Equation
from jaxqmri.fitting.likelihood import Misfit, gaussian_misfit, rician_misfit
from jaxqmri.fitting.nlls import Once
from jaxqmri.fitting.triangle import Triangle, Values
from jaxqmri.physics.base import Scalar, Signals
from jaxqmri.physics.once import computed_once

CPU_TILE = 4096  # voxels whose intermediate results stay in a core's cache


@dataclass(frozen=True)
class Plan:
    """What is fixed when a fit is compiled."""

    free: tuple[str, ...]
    likelihood: str
    starts: int
    quality: bool
    curved: bool = False  # whether several parameters enter nonlinearly
    refined_along: str | None = None  # the parameter that starts are refined along
    several_minima: tuple[str, ...] = ()  # parameters along which a cost may have some
    exact: bool = False  # whether steps use the exact Hessian
    carried: tuple[str, ...] = ()
    differentiable: bool = False  # whether estimates are to have derivatives
    tile: int = CPU_TILE


class Voxel(NamedTuple):
    """What is known of one voxel: scalars, but for ``signals`` and ``weights`` of shape ``(n,)``.

    ``known`` holds parameters that are not fitted, ``known_std`` their errors and ``known_cov``
    covariances of those, by pairs of names; ``start``
    is empty where the equation finds its own, away from the minimum at ``away_from`` (infinite
    where none is known) if a cost may have several. ``steps`` is a number of this kind and not of
    the plan, so that a longer search needs no compiling.
    """

    signals: Signals
    known: Mapping[str, Scalar]
    known_std: Mapping[str, Scalar]
    known_cov: Mapping[tuple[str, str], Scalar]
    start: Mapping[str, Scalar]
    away_from: Mapping[str, Scalar]
    weights: Signals | None
    sigma: Scalar | None
    steps: Any


class VoxelFit(NamedTuple):
    """Estimates of one voxel, NaN where there is none; of many, each entry an array over them.

    ``covariance`` is the lower triangle for noise of unit variance, ``carried`` what the errors
    of known parameters add to it. Where a cost may have several minima ``cost`` compares them, and
    ``rivalled`` is where this one lies if another may be lower, else NaN. ``noise`` is the
    weighted sum of squared residuals over the median of its chi-square distribution: an estimate
    of the noise's variance to be pooled.
    """

    values: dict[str, Any]
    status: Any
    cost: Any
    rivalled: Any
    covariance: Triangle | None
    carried: Any
    noise: Any
    rmse: Any
    r_squared: Any


def free_bounds(plan: Plan, bounds: Mapping[str, tuple], dtype: Any) -> tuple[Values, Values]:
    """Lower and upper bounds of the free parameters, in the type of the images."""
    lower, upper = (tuple(jnp.asarray(bounds[n][k], dtype) for n in plan.free) for k in (0, 1))
    return lower, upper


def coordinates(
    plan: Plan, equation: Equation
) -> tuple[Callable[[Values], Values], Callable[[Values], Values]]:
    """From the free parameters to the coordinates in which they are moved, and back."""

    def warped(values: Values) -> Values:
        return tuple(equation.warp(n, v) for n, v in zip(plan.free, values, strict=True))

    def unwarped(moved: Values) -> Values:
        return tuple(equation.unwarp(n, v) for n, v in zip(plan.free, moved, strict=True))

    return warped, unwarped


def computing_once(lower: Values, upper: Values) -> Once:
    """:func:`jaxqmri.physics.computed_once` on the condition that bounds rise, as they all do."""
    rise = jnp.all(jnp.stack([lo <= hi for lo, hi in zip(lower, upper, strict=True)]))
    return partial(computed_once, rise)


def unrolled(voxel: Voxel) -> tuple[list[Scalar], list[Scalar]]:
    """Samples and their weights, one scalar each."""
    size = voxel.signals.shape[0]
    weights: list[Scalar] = [1.0] * size
    if voxel.weights is not None:
        weights = [voxel.weights[i] for i in range(size)]
    return [voxel.signals[i] for i in range(size)], weights


def signal_of(plan: Plan, equation: Equation, voxel: Voxel) -> Callable[[Values], Signals]:
    """Signals of one voxel as a function of its free parameters."""

    def signal(values: Values) -> Signals:
        return equation.signal({**voxel.known, **dict(zip(plan.free, values, strict=True))})

    return signal


def misfit_of(
    plan: Plan, voxel: Voxel
) -> tuple[Callable[[list[Scalar]], Misfit], Float[Array, ""]]:
    """The misfit of one voxel as a function of predicted signals, and its samples' energy."""
    samples, weights = unrolled(voxel)
    energy = jnp.asarray(sum(w * y * y for w, y in zip(weights, samples, strict=True)))

    def misfit(predicted: list[Scalar]) -> Misfit:
        if plan.likelihood == "rician":
            assert voxel.sigma is not None
            return rician_misfit(samples, predicted, weights, voxel.sigma)
        return gaussian_misfit(samples, predicted, weights)

    return misfit, energy
