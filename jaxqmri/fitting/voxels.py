"""Fit many voxels at once: pure, traceable, the same program for one voxel and for a volume."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, UInt8
from scipy import special

from jaxqmri.fitting.carried import carried_errors
from jaxqmri.fitting.equation import Equation
from jaxqmri.fitting.implicit import following, given_to, held_still, sound
from jaxqmri.fitting.nlls import (
    Condition,
    Expansion,
    Minimum,
    Once,
    at_once,
    converged,
    expand,
    expand_exactly,
    minimise,
)
from jaxqmri.fitting.problem import (
    Plan,
    Voxel,
    VoxelFit,
    computing_once,
    coordinates,
    free_bounds,
    misfit_of,
    signal_of,
    unrolled,
)
from jaxqmri.fitting.result import Status
from jaxqmri.fitting.starting import starts_of
from jaxqmri.fitting.tiles import in_tiles, joined
from jaxqmri.fitting.triangle import Values, inverse
from jaxqmri.physics.base import Scalar, Signals

RIVAL = 1.7  # times the misfit found that a start elsewhere may leave to be worth a search


def fit_tiles(
    plan: Plan,
    equation: Equation,
    bounds: Mapping[str, tuple],
    shared: Voxel,
    each: Voxel,
    filled: Any = None,
) -> VoxelFit:
    """Fit ``N`` voxels, tile by tile; see :func:`in_tiles`. Every entry has the axis ``N``.

    Where estimates are to have derivatives only the search is tiled: a loop over tiles would keep
    all that its way back needs, several times slower than the whole fit.
    """
    if not plan.differentiable:
        one = partial(fit_voxel, plan, equation, bounds)
        return in_tiles(one, plan.tile, shared, each, filled)
    still = held_still((equation, bounds, shared, each))
    found = in_tiles(partial(_searched, plan, *still[:2]), plan.tile, *still[2:])

    def finished(own: Voxel, found: _Found) -> VoxelFit:
        return _finished(plan, equation, bounds, joined(shared, own), found)

    own = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1), each)
    return jax.vmap(finished, in_axes=(-1, 0), out_axes=-1)(own, found)


def fit_voxel(
    plan: Plan, equation: Equation, bounds: Mapping[str, tuple], voxel: Voxel
) -> VoxelFit:
    """Fit one voxel from each of its starts and keep the best."""
    lower, upper = free_bounds(plan, bounds, voxel.signals.dtype)
    found = _search(plan, equation, lower, upper, voxel)
    return _finished(plan, equation, bounds, voxel, found)


def _searched(plan: Plan, equation: Equation, bounds: Mapping[str, tuple], voxel: Voxel) -> _Found:
    """Where the search of one voxel ended, without the expansion there."""
    lower, upper = free_bounds(plan, bounds, voxel.signals.dtype)
    return _search(plan, equation, lower, upper, voxel)._replace(expansion=None)


def _finished(
    plan: Plan, equation: Equation, bounds: Mapping[str, tuple], voxel: Voxel, found: _Found
) -> VoxelFit:
    """Estimates of one voxel with their errors, and with derivatives if they are to have any."""
    lower, upper = free_bounds(plan, bounds, voxel.signals.dtype)
    if plan.differentiable:
        voxel, values = sound(found.known, voxel, found.values)
        values = following(plan, equation, given_to(equation, lower, upper, voxel), values)
        found = found._replace(values=values)

    def where_known(value: Scalar) -> Scalar:
        return jnp.where(found.known, value, jnp.nan)

    values = {n: where_known(v) for n, v in zip(plan.free, found.values, strict=True)}
    bare = VoxelFit(values, found.status, found.cost, found.rivalled, None, None, None, None, None)
    if not plan.quality:
        return bare
    quality = _quality(plan, equation, voxel, found, computing_once(lower, upper))
    return bare._replace(**jax.tree.map(where_known, quality))


class _Found(NamedTuple):
    """Where the search of one voxel ended, and what became of it."""

    values: Values
    expansion: Expansion | None
    at_bound: tuple[Condition, ...]
    status: UInt8[Array, ""]
    known: Condition  # whether there is an estimate
    cost: Any
    rivalled: Any


def _search(plan: Plan, equation: Equation, lower: Values, upper: Values, voxel: Voxel) -> _Found:
    """Minimise the misfit of one voxel."""
    signals, free = voxel.signals, plan.free
    misfit, energy = misfit_of(plan, voxel)
    signal, once = signal_of(plan, equation, voxel), computing_once(lower, upper)
    warped, unwarped = coordinates(plan, equation)

    begun = starts_of(plan, equation, voxel, lower, upper, once)
    low, high = warped(lower), warped(upper)
    linearise = once if equation.chained else at_once

    def around(moved: Values) -> Expansion:
        return expand(lambda at: signal(unwarped(at)), misfit, moved, linearise)

    expansion_at: Callable[[Values], Expansion] = around
    if plan.exact:
        expansion_at = partial(expand_exactly, around, low, high, energy, once)

    def search(start: Values) -> Minimum:
        return minimise(
            expansion_at, start, low, high, energy, voxel.steps, once, secant=plan.curved
        )

    best = _best_of(search, begun)
    found = tuple(
        jnp.where(rests & (v >= 0.5 * (lo + hi)), hi, jnp.where(rests, lo, v))
        if name in equation.warped
        else v
        for name, v, rests, lo, hi in zip(
            free, unwarped(best.values), best.at_bound, lower, upper, strict=True
        )
    )
    variance = (
        best.expansion.cost / max(signals.shape[0] - len(free), 1)
        if voxel.sigma is None or plan.likelihood == "gaussian"
        else voxel.sigma * voxel.sigma
    )
    values = dict(zip(free, found, strict=True))
    spare = _spare_samples(voxel, len(free))
    settled = converged(best, energy, variance, plan.curved) & ~(best.lost & ~_any(best.at_bound))
    status = _status(equation, voxel, values, settled, _any(best.at_bound), spare, energy)
    known = (status == Status.CONVERGED) | (status == Status.AT_BOUND)
    cost = rivalled = None
    if plan.several_minima:
        cost = best.expansion.cost
        rivalled = _rivalled(plan, equation, voxel, found, signal(found))
    return _Found(found, best.expansion, best.at_bound, status, known, cost, rivalled)


def _quality(
    plan: Plan, equation: Equation, voxel: Voxel, found: _Found, once: Once
) -> dict[str, Any]:
    """Errors of the estimates of one voxel, and what its residuals say."""
    size = voxel.signals.shape[0]
    samples, weights = unrolled(voxel)
    misfit, _ = misfit_of(plan, voxel)
    signal = signal_of(plan, equation, voxel)
    # the last expansion of the search is the one wanted, unless it was taken in other coordinates
    information = found.expansion
    if information is None or plan.exact or equation.warped:
        information = expand(signal, misfit, found.values)
    covariance = inverse(information.hessian, found.at_bound)
    predicted = signal(found.values)
    weight = sum(weights)
    mean = sum(w * y for w, y in zip(weights, samples, strict=True)) / weight
    squares = sum(
        w * (y - predicted[i]) ** 2 for i, (w, y) in enumerate(zip(weights, samples, strict=True))
    )
    total = sum(w * (y - mean) ** 2 for w, y in zip(weights, samples, strict=True))
    medians = jnp.asarray(_chi_square_medians(size), voxel.signals.dtype)
    off, varied = jnp.asarray(squares) > 0, jnp.asarray(total) > 0
    return {
        "covariance": covariance,
        "carried": carried_errors(plan, equation, voxel, misfit, found.values, covariance, once),
        "noise": squares / medians[_spare_samples(voxel, len(plan.free))],
        # roots and quotients have slopes where they are zero, and none where they are not defined
        "rmse": jnp.where(off, jnp.sqrt(jnp.where(off, squares / weight, 1.0)), 0.0),
        "r_squared": jnp.where(varied, 1.0 - squares / jnp.where(varied, total, 1.0), jnp.nan),
    }


def _best_of(search: Callable[[Values], Minimum], begun: list[Values]) -> Minimum:
    """The lowest of the minima that a search finds from several starts."""
    if len(begun) == 1:
        return search(begun[0])
    starts = jax.tree.map(lambda *leaves: jnp.stack(leaves), *begun)
    shapes = jax.eval_shape(search, begun[0])
    nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    worst = nothing.expansion._replace(cost=jnp.full_like(nothing.expansion.cost, jnp.inf))

    def keep_better(best: Minimum, start: Values) -> tuple[Minimum, None]:
        other = search(start)
        better = other.expansion.cost < best.expansion.cost
        return jax.tree.map(partial(jnp.where, better), other, best), None

    return lax.scan(keep_better, nothing._replace(expansion=worst), starts)[0]


def _rivalled(
    plan: Plan, equation: Equation, voxel: Voxel, found: Values, fitted: Signals
) -> dict[str, Scalar]:
    """Where a minimum lies if a start elsewhere is so good that it may lead to a lower one."""
    here = {n: v for n, v in zip(plan.free, found, strict=True) if n in plan.several_minima}
    weights = 1.0 if voxel.weights is None else voxel.weights
    left = jnp.sum(weights * (voxel.signals - fitted) ** 2)
    rival = equation.least_misfit_away_from(voxel.signals, voxel.known, here, voxel.weights)
    rival = rival < RIVAL * left
    return {name: jnp.where(rival, value, jnp.nan) for name, value in here.items()}


def _spare_samples(voxel: Voxel, parameters: int) -> Any:
    """Samples of any weight beyond the parameters; negative where there are too few."""
    if voxel.weights is None:
        return voxel.signals.shape[0] - parameters
    return jnp.sum(voxel.weights > 0) - parameters


def _chi_square_medians(samples: int) -> np.ndarray:
    """Median of chi-square with 0, 1, ... degrees of freedom; none with zero."""
    return np.array([np.nan, *(special.chdtri(k, 0.5) for k in range(1, samples + 1))])


def _any(conditions: tuple[Condition, ...]) -> Condition:
    return jnp.any(jnp.stack(conditions))


def _status(
    equation: Equation,
    voxel: Voxel,
    values: Mapping[str, Scalar],
    settled: Condition,
    at_bound: Condition,
    spare: Any,
    energy: Float[Array, ""],
) -> UInt8[Array, ""]:
    possible = [
        (value >= low) & (value <= high)
        for name, value in voxel.known.items()
        for low, high in [equation.possible(name)]
    ]
    errors = (voxel.known_std, voxel.known_cov)
    inputs = (voxel.signals, voxel.known, errors, voxel.weights, voxel.sigma)
    sound = jnp.all(jnp.stack([jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves(inputs)]))
    if possible:
        sound &= jnp.all(jnp.stack(possible))
    if voxel.weights is not None:
        sound &= jnp.all(voxel.weights >= 0)
    if voxel.sigma is not None:
        sound &= jnp.asarray(voxel.sigma) > 0
    present = voxel.signals != 0 if equation.signed else voxel.signals > 0
    signal = jnp.any(present) & (spare >= 0)
    leading = equation.leading_amplitude
    if leading is not None and leading in values:
        signal &= ~(values[leading] == 0)
    number = jnp.finfo(energy.dtype)
    settled &= energy > number.tiny / number.eps  # below, squares have lost their digits
    status = jnp.where(at_bound, Status.AT_BOUND, Status.CONVERGED)
    status = jnp.where(settled, status, Status.NOT_CONVERGED)
    status = jnp.where(signal, status, Status.NO_SIGNAL)
    return jnp.where(sound, status, Status.NOT_FINITE).astype(jnp.uint8)
