"""What the errors of parameters held at a map add to the errors of those that are fitted."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxqmri.fitting.equation import Equation
from jaxqmri.fitting.nlls import expand
from jaxqmri.fitting.problem import Plan, Voxel
from jaxqmri.fitting.triangle import Triangle, Values


def carried_errors(
    plan: Plan,
    equation: Equation,
    voxel: Voxel,
    misfit: Any,
    values: Values,
    covariance: Triangle,
) -> Triangle | None:
    """Errors of known parameters, carried through ``d values / d known`` of the minimum."""
    if not plan.carried:
        return None
    size = len(values)

    def joint(both: Values) -> Float[Array, " n"]:
        fitted = dict(zip(plan.free, both[:size], strict=True))
        given = dict(zip(plan.carried, both[size:], strict=True))
        return equation.signal({**voxel.known, **given, **fitted})

    given = tuple(jnp.asarray(voxel.known[name], voxel.signals.dtype) for name in plan.carried)
    cross = expand(joint, misfit, values + given).hessian
    moves = []
    for k, name in enumerate(plan.carried):
        row = cross[size + k][:size]
        slope = [
            -sum(
                jnp.where(jnp.isfinite(c := covariance[max(i, j)][min(i, j)]), c, 0.0) * row[j]
                for j in range(size)
            )
            for i in range(size)
        ]
        moves.append([s * voxel.known_std[name] for s in slope])
    return tuple(
        tuple(sum(move[i] * move[j] for move in moves) for j in range(i + 1)) for i in range(size)
    )
