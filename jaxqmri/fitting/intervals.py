"""Profile-likelihood intervals: where the data, not the curvature, end an estimate's range.

Where an estimate's relative error passes about ten per cent the likelihood is no parabola any
more, and an interval of so many standard deviations misses its coverage. The profile interval
holds every value that the best fit of all other parameters cannot reject.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float
from scipy import special

from jaxqmri.fitting.carried import carried_errors
from jaxqmri.fitting.equation import Equation
from jaxqmri.fitting.nlls import Condition, Once, expand, minimise
from jaxqmri.fitting.problem import (
    Plan,
    Voxel,
    computing_once,
    coordinates,
    free_bounds,
    misfit_of,
    signal_of,
)
from jaxqmri.fitting.tiles import in_tiles
from jaxqmri.fitting.triangle import Values, inverse
from jaxqmri.physics.base import Scalar, Signals

LEVEL = 0.95
LIMIT = float(special.ndtri(0.5 + LEVEL / 2))  # the deviance's square root at an interval's end
TRIALS = 18  # doublings out to the end's far side, then root finding towards it
INNER_STEPS = 8


class _Search(NamedTuple):
    """A trial on the near side of an interval's end, and one on the far side once found."""

    near: Scalar
    near_excess: Scalar
    far: Scalar
    far_excess: Scalar
    found: Condition
    stride: Scalar
    others: Values


def interval_tiles(
    plan: Plan,
    equation: Equation,
    bounds: Mapping[str, tuple],
    shared: Voxel,
    each: Voxel,
    filled: Any = None,
) -> dict[str, tuple[Any, Any]]:
    """Intervals of ``N`` voxels, tile by tile, around the estimates that ``start`` holds."""
    one = partial(voxel_intervals, plan, equation, bounds)
    return in_tiles(one, plan.tile, shared, each, filled)


def voxel_intervals(
    plan: Plan, equation: Equation, bounds: Mapping[str, tuple], voxel: Voxel
) -> dict[str, tuple[Scalar, Scalar]]:
    """Lower and upper end of every free parameter's 95 % profile-likelihood interval.

    An end is where twice the drop of the log-likelihood, maximised over the other parameters,
    passes the chi-square quantile with one degree of freedom; the parameter's bound where the
    data never reject it; NaN where there is no estimate. What the errors of known parameters add
    is independent of the noise: an end's distance grows by it in quadrature.

    References
    ----------
    Venzon and Moolgavkar, Applied Statistics 1988, doi:10.2307/2347496.
    """
    signals, free = voxel.signals, plan.free
    warped, unwarped = coordinates(plan, equation)
    misfit, energy = misfit_of(plan, voxel)
    estimate = tuple(jnp.asarray(voxel.start[name], signals.dtype) for name in free)
    assert voxel.sigma is not None
    sigma = jnp.asarray(voxel.sigma, signals.dtype)

    def signal(moved: Values) -> Signals:
        values = dict(zip(free, unwarped(moved), strict=True))
        return equation.signal({**voxel.known, **values})

    # the coordinates of the fit: a signal that turns about a bound is flat there in its own
    lowest, highest = free_bounds(plan, bounds, signals.dtype)
    lower, upper = warped(lowest), warped(highest)
    values = tuple(jnp.asarray(v) for v in warped(estimate))
    at_bound = tuple((v <= lo) | (v >= hi) for v, lo, hi in zip(values, lower, upper, strict=True))
    once = computing_once(lower, upper)
    here = expand(signal, misfit, values)
    covariance = inverse(here.hessian, at_bound)
    pairs = []
    for k in range(len(free)):

        def profile(x: Scalar, others: Values, k: int = k) -> tuple[Scalar, Values]:
            return _profiled(signal, misfit, once, k, x, others, lower, upper, energy)

        spread = sigma * jnp.sqrt(covariance[k][k])
        stride = jnp.where(jnp.isfinite(spread), spread, 0.1 * jnp.abs(values[k]) + 1e-3)
        others = values[:k] + values[k + 1 :]
        pairs.append(
            tuple(
                _end(profile, values[k], others, here.cost, sigma, sign * stride, limit)
                for sign, limit in ((-1.0, lower[k]), (1.0, upper[k]))
            )
        )
    ends_moved = [tuple(pair[side] for pair in pairs) for side in (0, 1)]
    down, up = (  # a bound is a bound: its coordinate may be rounded
        tuple(
            jnp.where(end <= lo, least, jnp.where(end >= hi, most, value))
            for end, value, lo, hi, least, most in zip(
                moved, unwarped(moved), lower, upper, lowest, highest, strict=True
            )
        )
        for moved in ends_moved
    )
    if plan.carried:
        down, up = _carried(plan, equation, bounds, voxel, estimate, (down, up))
    ends = {}
    for k, name in enumerate(free):
        known = jnp.isfinite(estimate[k]) & jnp.isfinite(sigma)
        ends[name] = tuple(jnp.where(known, side[k], jnp.nan) for side in (down, up))
    return ends


def interval_maps(task: Any, ends: Mapping[str, tuple], volume: Any) -> tuple[Any, Any]:
    """Two structures of maps, lower and upper ends; NaN for a parameter that was held."""
    held = {name: volume.whole(jnp.nan) for name in task.known}
    return tuple(
        task.equation.build(
            held | {name: volume.spread(pair[side], jnp.nan) for name, pair in ends.items()}
        )
        for side in (0, 1)
    )


def _carried(
    plan: Plan,
    equation: Equation,
    bounds: Mapping[str, tuple],
    voxel: Voxel,
    estimate: Values,
    ends: tuple[Values, Values],
) -> tuple[Values, Values]:
    """Ends moved outwards, in quadrature, by the errors of known parameters."""
    lower, upper = free_bounds(plan, bounds, voxel.signals.dtype)
    misfit, _ = misfit_of(plan, voxel)
    signal = signal_of(plan, equation, voxel)
    at_bound = tuple(
        (v <= lo) | (v >= hi) for v, lo, hi in zip(estimate, lower, upper, strict=True)
    )
    covariance = inverse(expand(signal, misfit, estimate).hessian, at_bound)
    once = computing_once(lower, upper)
    carried = carried_errors(plan, equation, voxel, misfit, estimate, covariance, once)
    assert carried is not None
    down, up = [], []
    for k, value in enumerate(estimate):
        extra = LIMIT * LIMIT * carried.added[k][k]
        below, above = value - ends[0][k], ends[1][k] - value
        down.append(jnp.maximum(value - jnp.sqrt(below * below + extra), lower[k]))
        up.append(jnp.minimum(value + jnp.sqrt(above * above + extra), upper[k]))
    return tuple(down), tuple(up)


def _profiled(
    signal: Callable[[Values], Signals],
    misfit: Callable,
    once: Once,
    k: int,
    x: Scalar,
    others: Values,
    lower: Values,
    upper: Values,
    energy: Float[Array, ""],
) -> tuple[Scalar, Values]:
    """Lowest cost with parameter ``k`` held at ``x``, and where the others then are."""

    def around(rest: Values) -> Signals:
        return signal((*rest[:k], x, *rest[k:]))

    if not others:
        return expand(signal, misfit, (x,)).cost, others
    low, high = (side[:k] + side[k + 1 :] for side in (lower, upper))
    found = minimise(partial(expand, around, misfit), others, low, high, energy, INNER_STEPS, once)
    return found.expansion.cost, found.values


def _end(
    profile: Callable[[Scalar, Values], tuple[Scalar, Values]],
    estimate: Float[Array, ""],
    others: Values,
    cost: Scalar,
    sigma: Scalar,
    stride: Scalar,
    limit: Scalar,
) -> Scalar:
    """One end of an interval: the root of ``sqrt(deviance) - 1.96`` along one direction.

    The square root is close to linear in the parameter, so that regula falsi (its Illinois
    form) needs few trials once the root is between two of them.
    """

    def attempt(_: Any, search: _Search) -> _Search:
        outward = search.near + search.stride
        outward = jnp.where(search.stride < 0, jnp.maximum(outward, limit), outward)
        outward = jnp.where(search.stride > 0, jnp.minimum(outward, limit), outward)
        x = jnp.where(search.found, _crossing(search), outward)
        lowest, rest = profile(x, search.others)
        excess = jnp.sqrt(jnp.maximum(lowest - cost, 0.0)) / sigma - LIMIT
        beyond = ~(excess <= 0)
        return _Search(
            near=jnp.where(beyond, search.near, x),
            near_excess=jnp.where(
                beyond, jnp.where(search.found, 0.5, 1.0) * search.near_excess, excess
            ),
            far=jnp.where(beyond, x, search.far),
            far_excess=jnp.where(
                beyond, excess, jnp.where(search.found, 0.5, 1.0) * search.far_excess
            ),
            found=search.found | beyond,
            stride=jnp.where(search.found | beyond, 1.0, 2.0) * search.stride,
            others=tuple(
                jnp.where(beyond, old, new) for old, new in zip(search.others, rest, strict=True)
            ),
        )

    first = _Search(
        near=estimate,
        near_excess=jnp.full_like(estimate, -LIMIT),
        far=estimate,
        far_excess=jnp.zeros_like(estimate),
        found=jnp.zeros(estimate.shape, bool),
        stride=jnp.broadcast_to(stride, estimate.shape),
        others=others,
    )
    last = lax.fori_loop(0, TRIALS, attempt, first)
    return jnp.where(last.found, _crossing(last), last.near)


def _crossing(search: _Search) -> Scalar:
    """Where the line through the two trials crosses zero."""
    gap = search.far_excess - search.near_excess
    share = -search.near_excess / jnp.where(gap > 0, gap, 1.0)
    return search.near + jnp.clip(share, 0.0, 1.0) * (search.far - search.near)
