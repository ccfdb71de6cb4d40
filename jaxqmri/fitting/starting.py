"""Where the search of one voxel begins."""

from __future__ import annotations

import jax.numpy as jnp

from jaxqmri.fitting.equation import Equation
from jaxqmri.fitting.nlls import Once
from jaxqmri.fitting.problem import Plan, Voxel, coordinates, unrolled
from jaxqmri.fitting.separable import refined
from jaxqmri.fitting.triangle import Values
from jaxqmri.physics.base import Scalar, Signals


def starts_of(
    plan: Plan, equation: Equation, voxel: Voxel, lower: Values, upper: Values, once: Once
) -> list[Values]:
    """Where to begin, in the coordinates in which parameters are moved.

    Parameters
    ----------
    plan, equation, voxel
        The problem.
    lower, upper
        Bounds of the free parameters.
    once
        :func:`jaxqmri.physics.computed_once` with its condition.
    """
    warped, _ = coordinates(plan, equation)

    def from_grid(signals: Signals) -> list[Values]:
        if voxel.start:
            begun = [voxel.start]
        else:
            begun = equation.starts(
                signals, plan.starts, voxel.known, voxel.away_from, voxel.weights
            )
        return [tuple(jnp.asarray(s[name], signals.dtype) for name in plan.free) for s in begun]

    if plan.refined_along is None:
        return once(lambda signals: [warped(start) for start in from_grid(signals)], voxel.signals)
    alone, place = plan.refined_along, plan.free.index(plan.refined_along)
    amplitudes = tuple(name for name in plan.free if name != alone)
    samples, weights = unrolled(voxel)

    def basis(value: Scalar) -> tuple[list[Values], Values]:
        rows, held = equation.basis({**voxel.known, alone: value}, amplitudes)
        count = range(len(samples))
        return [tuple(row[i] for i in count) for row in rows], tuple(held[i] for i in count)

    # amplitudes of the grid's start are not asked for, and so not computed
    candidate = once(lambda signals: from_grid(signals)[0][place], voxel.signals)
    limits = lower[place], upper[place]
    value, found = refined(basis, samples, weights, candidate, limits, once)
    if len(found) == 1:
        # steps are free to go where the best amplitude is negative: the search then begins anew
        sound = found[0] > lower[plan.free.index(amplitudes[0])]
        size = jnp.sqrt(sum(y * y for y in samples) / len(samples))
        value, found = jnp.where(sound, value, candidate), (jnp.where(sound, found[0], size),)
    values = {alone: value, **dict(zip(amplitudes, found, strict=True))}
    return [warped(tuple(values[name] for name in plan.free))]
