"""Small symmetric matrices, written in scalars: factor, solve and invert a voxel's Hessian."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from jax import lax

from jaxqmri.physics.base import Scalar

Values = tuple[Scalar, ...]
Triangle = tuple[tuple[Scalar, ...], ...]  # lower triangle of a symmetric matrix, row by row


def factor(hessian: Triangle, left_out: tuple, damping: Scalar) -> tuple[list[list], list]:
    """Cholesky factor of the Hessian scaled to a unit diagonal.

    Returns
    -------
    lower, scale
        Rows of the factor, holding the reciprocal of each pivot on its diagonal (zero where a
        parameter is left out or its pivot is lost in rounding), and the scale that was taken out.
    """
    size = len(hessian)
    diagonal = [hessian[i][i] for i in range(size)]
    eps = jnp.finfo(jnp.result_type(diagonal[0])).eps
    used = [jnp.logical_not(out) & (d > 0) for out, d in zip(left_out, diagonal, strict=True)]
    scale = [
        jnp.where(u, lax.rsqrt(jnp.where(u, d, 1.0)), 0.0)
        for u, d in zip(used, diagonal, strict=True)
    ]
    rows: list[list] = []
    for i in range(size):
        row: list = []
        for j in range(i):
            entry = hessian[i][j] * scale[i] * scale[j] - dot(row[:j], rows[j][:j])
            row.append(entry * rows[j][j])
        pivot = 1.0 + damping - dot(row, row)
        sound = used[i] & (pivot > 4.0 * eps)
        row.append(jnp.where(sound, lax.rsqrt(jnp.where(sound, pivot, 1.0)), 0.0))
        rows.append(row)
    return rows, scale


def solve(hessian: Triangle, right: Values, left_out: tuple, damping: Scalar) -> Values:
    """Solve ``(H + damping diag(H)) x = right``; parameters left out do not move."""
    if len(hessian) == 1:  # a quotient is quicker than the roots of a factor
        ((only,),) = hessian
        used = jnp.logical_not(left_out[0]) & (only > 0)
        return (jnp.where(used, right[0] / jnp.where(used, only * (1.0 + damping), 1.0), 0.0),)
    rows, scale = factor(hessian, left_out, damping)
    size = len(rows)
    forward: list = []
    for i in range(size):
        rest = right[i] * scale[i] - dot(rows[i][:i], forward)
        forward.append(rest * rows[i][i])
    back: list = [None] * size
    for i in reversed(range(size)):
        rest = forward[i] - dot([rows[k][i] for k in range(i + 1, size)], back[i + 1 :])
        back[i] = rest * rows[i][i]
    return tuple(b * s for b, s in zip(back, scale, strict=True))


def inverse(hessian: Triangle, left_out: tuple) -> Triangle:
    """Inverse of the Hessian over the parameters that are not left out.

    The diagonal is NaN for a parameter that is left out, and infinite where the samples say
    nothing about it.
    """
    rows, scale = factor(hessian, left_out, 0.0)
    size = len(rows)
    inverted: list[list] = [[None] * size for _ in range(size)]  # of the factor: lower triangle
    for j in range(size):
        inverted[j][j] = rows[j][j]
        for i in range(j + 1, size):
            inner = dot(rows[i][j:i], [inverted[k][j] for k in range(j, i)])
            inverted[i][j] = -inner * rows[i][i]
    lost = [~out & (row[-1] == 0) for out, row in zip(left_out, rows, strict=True)]
    entries = []
    for i in range(size):
        row = []
        for j in range(i + 1):
            entry = dot(
                [inverted[k][i] for k in range(i, size)], [inverted[k][j] for k in range(i, size)]
            )
            entry = entry * scale[i] * scale[j]
            if i == j:
                entry = jnp.where(lost[i], jnp.inf, jnp.where(left_out[i], jnp.nan, entry))
            row.append(entry)
        entries.append(tuple(row))
    return tuple(entries)


def dot(left: Sequence[Scalar], right: Sequence[Scalar]) -> Scalar:
    """Sum of products, 0 of nothing."""
    return sum((a * b for a, b in zip(left, right, strict=True)), start=0.0)
