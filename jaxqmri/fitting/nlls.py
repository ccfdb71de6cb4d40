"""Levenberg–Marquardt for one voxel, written in scalars.

A voxel has few parameters and few samples. Unrolled into scalars, the normal equations become
elementwise arithmetic once ``vmap`` adds the voxel axis, which compilers vectorise far better than
batches of tiny matrices.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from jaxqmri.fitting.likelihood import Misfit
from jaxqmri.fitting.triangle import Triangle, Values, dot, factor, solve
from jaxqmri.physics.base import Scalar, Signals

Condition = Bool[Array, ""]
Once = Callable[..., Any]

FIRST_DAMPING = 1e-2
EASED, TIGHTENED = 0.1, 10.0  # what becomes of the damping after a step taken, or refused
UNDAMPED_STEPS = 2
TOO_SOFT = 0.1  # share of the curvature along a step that may be missing
# distance to the minimum, in standard deviations, that counts as converged
CLOSE_ENOUGH = {"float32": 3e-3, "float64": 1e-7}
# the same where several parameters are nonlinear: steps shrink slowly, much is left after the next
CLOSER = {"float32": 1e-3, "float64": 1e-7}


class Expansion(NamedTuple):
    """The misfit to second order around one point: cost, descent direction, half Hessian."""

    cost: Scalar
    descent: Values
    hessian: Triangle


class Minimum(NamedTuple):
    """Where the steps ended.

    ``distance`` is the length of the next undamped step, squared, in the metric of the Hessian;
    ``at_bound`` tells which parameters sit on a bound, ``lost`` whether the
    samples say nothing about one that does not.
    """

    values: Values
    expansion: Expansion
    distance: Scalar
    at_bound: tuple[Condition, ...]
    lost: Condition


def at_once(function: Callable, *operands: Any) -> Any:
    """Call a function and leave it to the compiler what is computed when: a plain :data:`Once`."""
    return function(*operands)


def expand(
    signal: Callable[[Values], Signals],
    misfit: Callable[[list[Scalar]], Misfit],
    values: Values,
    once: Once = at_once,
) -> Expansion:
    """Gauss–Newton expansion of a misfit: one linearisation, then sums over the samples.

    Parameters
    ----------
    signal, misfit
        Predicted samples at some values, and how far they are from the measured ones.
    values
        Where to expand.
    once
        How to linearise: where samples are chained, by :func:`jaxqmri.physics.computed_once`
        with its condition.
    """

    def linearised(at: Values) -> tuple[Values, list[Values]]:
        predicted, tangent = jax.linearize(signal, at)
        return _unstacked(predicted), [_unstacked(tangent(axis)) for axis in _axes(at)]

    predicted, columns = once(linearised, values)
    cost, residual, curvature = misfit(list(predicted))
    bent = [[c * w for c, w in zip(column, curvature, strict=True)] for column in columns]
    descent = tuple(dot(column, residual) for column in columns)
    hessian = tuple(
        tuple(dot(bent[i], columns[j]) for j in range(i + 1)) for i in range(len(values))
    )
    return Expansion(cost, descent, hessian)


def descent_of(
    signal: Callable[[Values], Signals], misfit: Callable[[list[Scalar]], Misfit], values: Values
) -> Values:
    """The descent direction of :func:`expand` alone: minus half the slope of the misfit."""
    predicted, slopes = jax.vjp(signal, values)
    residual = misfit(list(_unstacked(predicted))).residual
    return slopes(jnp.stack(residual))[0]


def expand_exactly(
    expansion_at: Callable[[Values], Expansion],
    lower: Values,
    upper: Values,
    energy: Float[Array, ""],
    once: Once,
    values: Values,
) -> Expansion:
    """Newton's expansion: the whole Hessian, from how the descent turns along each parameter.

    Where residuals are large against the model's curvature, Gauss-Newton steps overshoot and
    swing about the minimum; these do not. Where the whole Hessian is not positive definite, the
    Gauss-Newton one stands.

    Parameters
    ----------
    expansion_at
        The Gauss-Newton expansion around a point.
    lower, upper
        Bounds, which differences are taken inside of.
    energy
        Sum of the squared samples.
    once
        :func:`jaxqmri.physics.computed_once` with its condition.
    values
        Where to expand.
    """
    plain = once(expansion_at, values)
    size = len(values)
    # a small part of the change that would move the signal by its own size
    small = jnp.cbrt(jnp.finfo(energy.dtype).eps) * jnp.sqrt(energy)
    strides = []
    for k, (v, hi) in enumerate(zip(values, upper, strict=True)):
        curvature = plain.hessian[k][k]
        stride = jnp.where(curvature > 0, small * lax.rsqrt(jnp.maximum(curvature, 0)), 0.0)
        inward = jnp.where(v + stride > hi, -stride, stride)
        strides.append(jnp.maximum(v + inward, lower[k]) - v)
    nearby = jax.tree.map(
        lambda *points: jnp.stack(points),
        *(
            tuple(v + d * a for v, d, a in zip(values, strides, axis, strict=True))
            for axis in _axes(values)
        ),
    )
    turned = lax.map(lambda at: expansion_at(at).descent, nearby)  # the equation compiled once
    slopes = [
        [
            (plain.descent[i] - turned[i][k]) / jnp.where(strides[k] == 0, 1.0, strides[k])
            for k in range(size)
        ]
        for i in range(size)
    ]
    whole = tuple(
        tuple(0.5 * (slopes[i][j] + slopes[j][i]) for j in range(i + 1)) for i in range(size)
    )
    free = tuple(d == 0 for d in strides)
    rows = factor(whole, free, 0.0)[0]
    definite = [(row[-1] > 0) for row in rows]
    return plain._replace(
        hessian=jax.tree.map(partial(jnp.where, jnp.all(jnp.stack(definite))), whole, plain.hessian)
    )


def minimise(
    expansion_at: Callable[[Values], Expansion],
    start: Values,
    lower: Values,
    upper: Values,
    energy: Float[Array, ""],
    steps: Int[Array, ""] | int,
    once: Once,
    secant: bool = False,
) -> Minimum:
    """Minimise one voxel's misfit inside bounds by a fixed number of steps.

    A parameter on a bound whose descent points outwards is left out of the step. The last
    steps are undamped, and a step is accepted when the cost does not rise by more than its own
    rounding error: acceptance by cost alone stalls in float32 before the minimum is reached.

    Parameters
    ----------
    expansion_at
        The misfit around a point: :func:`expand` or :func:`expand_exactly` of a signal equation.
    start, lower, upper
        A scalar for each parameter.
    energy
        Sum of the squared samples: the scale of rounding errors in the cost.
    steps
        Number of steps, of which the last two are undamped.
    once
        :func:`jaxqmri.physics.computed_once` with its condition.
    secant
        Whether to stiffen the Hessian by what each step has shown of the true curvature.
    """
    eps = jnp.finfo(energy.dtype).eps
    rounding = 8.0 * eps

    def inside(values: Values) -> Values:
        return tuple(jnp.clip(v, lo, hi) for v, lo, hi in zip(values, lower, upper, strict=True))

    def propose(values: Values, expansion: Expansion, hessian: Triangle, damping: Scalar) -> Values:
        held = blocked(values, expansion, lower, upper)
        change = solve(hessian, expansion.descent, held, damping)
        return inside(tuple(v + d for v, d in zip(values, change, strict=True)))

    def accept(
        moved: Values, there: Expansion, values: Values, here: Expansion, damping: Scalar
    ) -> tuple[Values, Expansion, Triangle, Scalar]:
        allowance = rounding * (jnp.sqrt(jnp.abs(here.cost) * energy) + rounding * energy)
        better = (there.cost <= here.cost + allowance) | (here.cost == jnp.inf)
        at, kept = jax.tree.map(partial(jnp.where, better), (moved, there), (values, here))
        hessian = kept.hessian
        if secant:
            change = [m - v for m, v in zip(moved, values, strict=True)]
            turn = [h - t for h, t in zip(here.descent, there.descent, strict=True)]
            hessian = stiffened(hessian, change, turn)
        return at, kept, hessian, jnp.where(better, EASED, TIGHTENED) * damping

    def step(k: Any, state: tuple) -> tuple:
        values, expansion, hessian, damping = state
        now = jnp.where(k < steps - UNDAMPED_STEPS, damping, 0.0)
        moved = once(propose, values, expansion, hessian, now)
        there = once(expansion_at, moved)
        return once(accept, moved, there, values, expansion, damping)

    def finish(values: Values, expansion: Expansion) -> tuple[Scalar, tuple, Condition]:
        held = blocked(values, expansion, lower, upper)
        onward = solve(expansion.hessian, expansion.descent, held, 0.0)
        slope = [jnp.where(h, 0.0, d) for h, d in zip(held, expansion.descent, strict=True)]
        resting = tuple(
            (v <= lo) | (v >= hi) for v, lo, hi in zip(values, lower, upper, strict=True)
        )
        rows, _ = factor(expansion.hessian, resting, 0.0)
        silent = [~r & (row[-1] == 0) for r, row in zip(resting, rows, strict=True)]
        return dot(onward, slope), resting, jnp.any(jnp.stack(silent))

    # A round before the first step expands about the start: from a flat misfit of infinite cost
    # nothing is proposed, and anything is better. So the equation is compiled only once.
    first = once(inside, start)
    shapes = jax.eval_shape(expansion_at, first)
    flat = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    flat = flat._replace(cost=jnp.full(flat.cost.shape, jnp.inf, flat.cost.dtype))
    state = (first, flat, flat.hessian, jnp.full_like(energy, FIRST_DAMPING / EASED))
    values, expansion, _, _ = lax.fori_loop(-1, steps, step, state)
    return Minimum(values, expansion, *once(finish, values, expansion))


def converged(
    minimum: Minimum, energy: Float[Array, ""], variance: Scalar, curved: bool
) -> Condition:
    """Whether the next step would be a small part of the standard deviation, or mere rounding."""
    rounding = (32.0 * jnp.finfo(energy.dtype).eps) ** 2 * energy
    close = (CLOSER if curved else CLOSE_ENOUGH)[energy.dtype.name]
    return jnp.asarray(minimum.distance <= close * close * variance + rounding)


def stiffened(hessian: Triangle, change: list[Scalar], turn: list[Scalar]) -> Triangle:
    """A Hessian that agrees with how the descent turned over a step, where it was too soft.

    The symmetric rank-one correction: with ``e = turn - H change`` it adds
    ``e e^T / (e . change)``. Where residuals bend the cost more than Gauss-Newton knows, its
    steps overshoot and swing; with the curvature along the last step set right they do not.
    Where the cost is softer than it knows, it is left as it is, and stays positive definite.

    References
    ----------
    Nocedal and Wright, Numerical Optimization, Springer 2006, sections 6.2 and 10.3.
    """
    size = len(change)
    known = [dot([hessian[max(i, j)][min(i, j)] for j in range(size)], change) for i in range(size)]
    excess = [t - k for t, k in zip(turn, known, strict=True)]
    along = dot(excess, change)
    soft = along > TOO_SOFT * dot(known, change)
    scale = jnp.where(soft, 1.0 / jnp.where(soft, along, 1.0), 0.0)
    return tuple(
        tuple(hessian[i][j] + scale * excess[i] * excess[j] for j in range(i + 1))
        for i in range(size)
    )


def blocked(values: Values, expansion: Expansion, lower: Values, upper: Values) -> tuple:
    """Which parameters are on a bound and would be pushed outwards."""
    return tuple(
        pushed_out(v, d, lo, hi)
        for v, d, lo, hi in zip(values, expansion.descent, lower, upper, strict=True)
    )


def pushed_out(value: Scalar, descent: Scalar, lower: Scalar, upper: Scalar) -> Condition:
    """Whether a parameter is on a bound that its descent points beyond."""
    return jnp.asarray(((value <= lower) & (descent <= 0)) | ((value >= upper) & (descent >= 0)))


def _axes(values: Values) -> list[Values]:
    """One unit step along each parameter."""
    return [
        tuple(jnp.ones_like(v) if i == k else jnp.zeros_like(v) for i, v in enumerate(values))
        for k in range(len(values))
    ]


def _unstacked(samples: Signals) -> Values:
    return tuple(samples[i] for i in range(samples.shape[0]))
