"""What the errors of parameters held at a map add to the errors of those that are fitted."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxqmri.fitting.equation import Equation
from jaxqmri.fitting.nlls import Once, expand
from jaxqmri.fitting.problem import Plan, Voxel
from jaxqmri.fitting.triangle import Triangle, Values, dot
from jaxqmri.physics.base import Scalar


class Carried(NamedTuple):
    """What the errors of held parameters do to those of fitted ones.

    Attributes
    ----------
    added
        Covariance of the fitted parameters that they cause, a lower triangle.
    across
        Covariance of each held parameter that has an error with each fitted one.
    """

    added: Triangle
    across: dict[str, Values]


def carried_errors(
    plan: Plan,
    equation: Equation,
    voxel: Voxel,
    misfit: Any,
    values: Values,
    covariance: Triangle,
    once: Once,
) -> Carried | None:
    """Errors of known parameters, carried through ``d values / d known`` of the minimum.

    With the slopes ``D`` and the covariance ``C`` of the known parameters, the fitted ones get
    ``D C D^T`` and share ``D C`` with the known.
    """
    if not plan.carried:
        return None
    size = len(values)

    def joint(both: Values) -> Float[Array, " n"]:
        fitted = dict(zip(plan.free, both[:size], strict=True))
        given = dict(zip(plan.carried, both[size:], strict=True))
        return equation.signal({**voxel.known, **given, **fitted})

    given = tuple(jnp.asarray(voxel.known[name], voxel.signals.dtype) for name in plan.carried)
    cross = once(lambda at: expand(joint, misfit, at, once).hessian, values + given)
    held, places = range(len(plan.carried)), range(size)

    def slope(i: int, k: int) -> Scalar:
        """How a fitted parameter follows a held one."""
        row = [covariance[max(i, j)][min(i, j)] for j in places]
        known = [jnp.where(jnp.isfinite(entry), entry, 0.0) for entry in row]
        return -dot(known, cross[size + k][:size])

    slopes = [[slope(i, k) for k in held] for i in places]
    errors = [[_shared(voxel, one, other) for other in plan.carried] for one in plan.carried]
    across = [tuple(dot(slopes[i], errors[k]) for i in places) for k in held]
    added = [[dot(slopes[i], [across[k][j] for k in held]) for j in range(i + 1)] for i in places]
    for i in places:  # covariances that nearly cancel may pass zero in their last digit
        added[i][i] = jnp.maximum(added[i][i], 0.0)
    return Carried(tuple(tuple(row) for row in added), dict(zip(plan.carried, across, strict=True)))


def _shared(voxel: Voxel, one: str, other: str) -> Any:
    """Covariance of two known parameters: zero unless it is given."""
    if one == other:
        return voxel.known_std[one] ** 2
    return voxel.known_cov.get((one, other), voxel.known_cov.get((other, one), 0.0))
