"""Derivatives of a fit: how a minimum follows what it was fitted to, whatever steps led there."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from jaxqmri.fitting.equation import Equation
from jaxqmri.fitting.nlls import Condition, descent_of, pushed_out
from jaxqmri.fitting.problem import Plan, Voxel, misfit_of, signal_of
from jaxqmri.fitting.triangle import Triangle, Values, dot, solve


class Given(NamedTuple):
    """All that a minimum of one voxel depends on: a pytree of arrays.

    ``equation`` holds the equation's arrays alone, such as acquisition times.
    """

    equation: Any
    lower: Values
    upper: Values
    voxel: Voxel


def given_to(equation: Equation, lower: Values, upper: Values, voxel: Voxel) -> Given:
    """What the minimum of one voxel depends on."""
    return Given(eqx.filter(equation, eqx.is_inexact_array), lower, upper, voxel)


def held_still(tree: Any) -> Any:
    """The same numbers, through which nothing is differentiated."""
    arrays, rest = eqx.partition(tree, eqx.is_inexact_array)
    return eqx.combine(jax.tree.map(lax.stop_gradient, arrays), rest)


def sound(known: Condition, voxel: Voxel, values: Values) -> tuple[Voxel, Values]:
    """A voxel and its minimum, ones instead of all numbers where there is no estimate.

    Nothing passes back from there, and where nothing is multiplied by what is not a number, zero
    stays zero: acquisition times, which all voxels share, keep the slopes of the others. The
    equation and the bounds stay as they are, the same for all voxels.
    """
    return jax.tree.map(lambda x: jnp.where(known, x, 1.0), (voxel._replace(steps=None), values))


def following(plan: Plan, equation: Equation, given: Given, values: Values) -> Values:
    r"""The same values, with the derivatives that the implicit function theorem gives a minimum.

    At a minimum the slope of half the misfit :math:`C` is zero along every parameter that does not
    rest on a bound. Whatever :math:`x` of the problem changes, the minimum follows by

    .. math:: \frac{dv}{dx} = -\Big(\frac{\partial^2 C}{\partial v^2}\Big)^{-1}
        \frac{\partial^2 C}{\partial v \, \partial x},

    with the whole Hessian: that of Gauss and Newton leaves out how residuals bend the misfit, and
    slopes are then off by a few percent at usual noise. A parameter that is pushed against a
    bound moves with the bound alone, and the others as if it were held.

    Parameters
    ----------
    plan, equation
        Of the fit.
    given
        What the minimum depends on, :func:`given_to` of the equation among others.
    values
        The minimum, without derivatives.

    Returns
    -------
    tuple of Array
        As ``values``. Differentiable in both modes and any number of times; neither time nor
        memory depends on how many steps were taken. A voxel whose steps did not arrive has no such
        derivative: what it returns must not be used.

    References
    ----------
    Krantz and Parks, The Implicit Function Theorem, Birkhaeuser 2002; Griewank and Faure,
    SIAM Journal on Scientific Computing 2002, doi:10.1137/S1064827500371616 (fixed points).
    """
    static = eqx.filter(equation, eqx.is_inexact_array, inverse=True)

    def descent(values: Values, given: Given) -> Values:
        whole = eqx.combine(given.equation, static)
        misfit, _ = misfit_of(plan, given.voxel)
        return descent_of(signal_of(plan, whole, given.voxel), misfit, values)

    @jax.custom_jvp
    def follow(values: Values, given: Given) -> Values:
        del given
        return values

    @follow.defjvp
    def _(primals: tuple, tangents: tuple) -> tuple[Values, Values]:
        values, given = primals
        found = follow(values, given)  # what is differentiated again follows again
        slope, turned = jax.jvp(lambda x: descent(found, x), (given,), (tangents[1],))
        rests = [
            pushed_out(v, d, lo, hi)
            for v, d, lo, hi in zip(found, slope, given.lower, given.upper, strict=True)
        ]
        moved = [
            jnp.where(r, jnp.where(v <= lo, dlo, dhi), 0.0)
            for r, v, lo, dlo, dhi in zip(
                rests, found, given.lower, tangents[1].lower, tangents[1].upper, strict=True
            )
        ]
        hessian = _whole_hessian(lambda at: descent(at, given), found)
        size = range(len(found))
        full = [[hessian[max(i, j)][min(i, j)] for j in size] for i in size]
        right = tuple(t - dot(row, moved) for t, row in zip(turned, full, strict=True))
        free = solve(hessian, right, tuple(rests), 0.0)
        return found, tuple(f + m for f, m in zip(free, moved, strict=True))

    return follow(values, given)


def _whole_hessian(descent: Any, values: Values) -> Triangle:
    """Half the second derivatives of the misfit, residuals and all."""
    columns = jax.jacfwd(descent)(values)
    return tuple(tuple(-columns[i][j] for j in range(i + 1)) for i in range(len(values)))
