"""A better start where all free parameters but one are amplitudes: steps along that one alone.

At every value of it the amplitudes are known in closed form, so that the search has one dimension.
A step is one number from the samples: a compiler makes one loop of it that keeps all else in
registers, several times faster than a step of the whole search.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from jaxqmri.fitting.nlls import Once
from jaxqmri.fitting.triangle import Triangle, Values, dot, solve
from jaxqmri.physics.base import Scalar

STEPS = 4  # from a grid start: nearly every voxel above SNR 15 is then at its minimum
DOWN, UP = 0.5, 4.0  # times the value that a step may change it

Row = Sequence[Scalar]
Basis = Callable[[Scalar], tuple[Sequence[Row], Row]]


def refined(
    basis: Basis,
    samples: Row,
    weights: Row,
    value: Scalar,
    limits: tuple[Scalar, Scalar],
    once: Once,
) -> tuple[Scalar, Values]:
    """Gauss-Newton steps of a least-squares misfit whose amplitudes are at their best throughout.

    The step is the value's own part of the Gauss-Newton step of all parameters together, taken
    where the amplitudes are at their least-squares values: ``J^T W r`` over what is left of
    ``J^T W J`` when the amplitudes have taken their share.

    Parameters
    ----------
    basis
        From a value to the unit signal of each amplitude, and the signal of what is held.
    samples, weights
        One scalar a sample.
    value
        Where to start.
    limits
        Lowest and highest value.
    once
        :func:`jaxqmri.physics.computed_once` with its condition.

    Returns
    -------
    value, amplitudes
        After :data:`STEPS` steps.

    References
    ----------
    Golub and Pereyra, SIAM Journal on Numerical Analysis 1973, doi:10.1137/0710036; Kaufman, BIT
    1975, doi:10.1007/BF01932995.
    """

    def solved(gram: Triangle, right: Values) -> Values:
        return solve(gram, right, (False,) * len(gram), 0.0)

    def step(value: Scalar) -> Scalar:
        (rows, held), (turned, moved) = jax.jvp(basis, (value,), (jnp.ones_like(value),))
        rest = _difference(samples, held)
        gram, along = _normal_equations(rows, rest, weights)
        amplitudes = solved(gram, along)
        parts = zip(_columns(turned), moved, strict=True)
        slope = [dot(amplitudes, column) + own for column, own in parts]
        left = _difference(rest, [dot(amplitudes, column) for column in _columns(rows)])
        bent = [w * s for w, s in zip(weights, slope, strict=True)]
        shared = tuple(dot(bent, row) for row in rows)  # what amplitudes could do as well
        curvature = dot(bent, slope) - dot(shared, solved(gram, shared))
        curved = curvature > 0
        change = jnp.where(curved, dot(bent, left) / jnp.where(curved, curvature, 1.0), 0.0)
        size = jnp.abs(value)
        return jnp.clip(value + jnp.clip(change, -DOWN * size, UP * size), *limits)

    def best(value: Scalar) -> Values:
        rows, held = basis(value)
        gram, along = _normal_equations(rows, _difference(samples, held), weights)
        return solved(gram, along)

    for _ in range(STEPS):
        value = once(step, value)
    return value, once(best, value)


def _normal_equations(rows: Sequence[Row], samples: Row, weights: Row) -> tuple[Triangle, Values]:
    weighted = [[w * x for w, x in zip(weights, row, strict=True)] for row in rows]
    gram = tuple(tuple(dot(weighted[i], rows[j]) for j in range(i + 1)) for i in range(len(rows)))
    return gram, tuple(dot(row, samples) for row in weighted)


def _difference(samples: Row, others: Row) -> list[Scalar]:
    return [a - b for a, b in zip(samples, others, strict=True)]


def _columns(rows: Sequence[Row]) -> list[Row]:
    """What belongs to each sample."""
    return list(zip(*rows, strict=True))
