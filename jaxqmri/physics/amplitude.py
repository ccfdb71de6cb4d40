"""Linear amplitudes in closed form: shared by the start of a fit, by losses and by bounds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxqmri.physics.base import Scalar, SignalModel, Signals


def amplitude_basis(
    model: SignalModel, params: Mapping[str, Scalar], free: tuple[str, ...]
) -> tuple[Float[Array, "a n"], Signals]:
    """Signals per unit of each free amplitude, and the signal of the amplitudes that are held.

    Parameters
    ----------
    model
        A model whose signal is linear in its ``amplitudes``.
    params
        All parameters but the free amplitudes, scalars by name.
    free
        Names of the amplitudes to take out.

    Returns
    -------
    basis, held
        Shapes ``(len(free), n)`` and ``(n,)``: the signal is ``amplitudes @ basis + held``.
    """
    zeros = {name: 0.0 for name in model.amplitudes}

    def signal(**amplitudes: Scalar) -> Signals:
        values = {**zeros, **params, **amplitudes}
        return model(model.Params(**{name: jnp.asarray(v) for name, v in values.items()}))

    silent = {name: 0.0 for name in free}
    none_held = {name: 0.0 for name in model.amplitudes}
    basis = jnp.stack([signal(**{**none_held, name: 1.0}) for name in free])
    held = signal(**silent) if len(free) < len(model.amplitudes) else jnp.zeros_like(basis[0])
    return basis, held


def orthonormal(basis: Float[Array, "a n"]) -> tuple[Float[Array, "a n"], Float[Array, "a a"]]:
    """Gram–Schmidt: rows ``q`` with ``basis = lower @ q``, for the few rows amplitudes have."""
    tiny = jnp.finfo(basis.dtype).tiny
    rows: list[Float[Array, " n"]] = []
    lower = jnp.zeros((basis.shape[0], basis.shape[0]), basis.dtype)
    for i in range(basis.shape[0]):
        rest = basis[i]
        for j, row in enumerate(rows):
            overlap = jnp.sum(rest * row)
            lower = lower.at[i, j].set(overlap)
            rest = rest - overlap * row
        length = jnp.sqrt(jnp.maximum(jnp.sum(rest * rest), tiny))
        lower = lower.at[i, i].set(length)
        rows.append(rest / length)
    return jnp.stack(rows), lower


def profile_amplitudes(
    model: SignalModel,
    params: Mapping[str, Scalar],
    signals: Signals,
    weights: Signals | None = None,
) -> dict[str, Scalar]:
    """Least-squares amplitudes of one voxel given its other parameters.

    For a signal ``A f(theta)`` this is ``A = sum(w f S) / sum(w f^2)``; for several amplitudes the
    small linear system is solved. Differentiable in ``params`` and ``signals``.

    Parameters
    ----------
    model
        A model with ``amplitudes``.
    params
        Every parameter that is known, by name; an amplitude among them is held.
    signals
        The voxel's samples, shape ``(n,)``.
    weights
        Their relative precisions ``w``, shape ``(n,)``; equal when None.

    Returns
    -------
    dict
        All parameters: those given, and the amplitudes found.
    """
    free = tuple(name for name in model.amplitudes if name not in params)
    if not free:
        return dict(params)
    basis, held = amplitude_basis(model, params, free)
    scale = _scale(weights)
    q, lower = orthonormal(scale * basis)
    found = _back_substitute(lower, q @ (scale * (signals - held)))
    return {**params, **{name: found[i] for i, name in enumerate(free)}}


def best_candidates(
    model: SignalModel,
    signals: Signals,
    held: Mapping[str, Scalar],
    count: int,
    away_from: Mapping[str, Scalar],
    weights: Signals | None = None,
) -> list[Any]:
    """The ``count`` grid candidates that explain most of one voxel's signal, best first.

    Each is of another of the model's groups, as long as there are some.

    See :meth:`jaxqmri.physics.SignalModel.starts`.
    """
    grid, known = _candidates(model, held)
    if not grid:
        start = profile_amplitudes(model, known, signals, weights)
        return [_inside(model, start, held)] * count
    explained = _explained(model, known, grid, signals, weights)
    explained = jnp.where(_apart(model, grid, away_from), explained, -jnp.inf)
    numbers = jnp.arange(explained.shape[0])
    groups = numbers if count == 1 else model.groups(grid, known)
    untried = jnp.ones(explained.shape, bool)
    found = []
    for _ in range(count):
        scores = jnp.where(untried | ~jnp.any(untried), explained, -jnp.inf)
        chosen, group, number = _of_largest(scores, (grid, groups, numbers))
        untried &= groups != group
        explained = jnp.where(numbers == number, -jnp.inf, explained)
        start = profile_amplitudes(model, known | chosen, signals, weights)
        found.append(_inside(model, start, held))
    return found


def least_misfit_away_from(
    model: SignalModel,
    signals: Signals,
    held: Mapping[str, Scalar],
    away_from: Mapping[str, Scalar],
    weights: Signals | None = None,
) -> Scalar:
    """Weighted sum of squared residuals that the best grid candidate away from some values leaves.

    Away means as far as :attr:`jaxqmri.physics.SignalModel.minima_apart` tells; amplitudes are
    those of :func:`profile_amplitudes`.
    """
    grid, known = _candidates(model, held)
    explained = _explained(model, known, grid, signals, weights)
    explained = jnp.where(_apart(model, grid, away_from), explained, -jnp.inf)
    return jnp.sum((_scale(weights) * signals) ** 2) - jnp.max(explained)


def _scale(weights: Signals | None) -> Signals | float:
    """What makes plain least squares of samples of unequal weight."""
    return 1.0 if weights is None else jnp.sqrt(weights)


def _candidates(
    model: SignalModel, held: Mapping[str, Scalar]
) -> tuple[dict[str, Float[Array, " g"]], dict[str, Scalar]]:
    """The grid inside the bounds, without what is held, and every known parameter beside it."""
    lower, upper = model.bounds()
    grid = {
        name: jnp.clip(values, getattr(lower, name), getattr(upper, name))
        for name, values in model.grid().items()
        if name not in held
    }
    return grid, {n: v for n, v in model.defaults.items() if n not in grid} | dict(held)


def _apart(
    model: SignalModel, grid: Mapping[str, Float[Array, " g"]], away_from: Mapping[str, Scalar]
) -> Bool[Array, " g"]:
    """Candidates that could lead to another minimum than the one at some values."""
    apart = jnp.ones(next(iter(grid.values())).shape, bool)
    for name, value in away_from.items():
        if name in grid:
            apart &= jnp.abs(grid[name] - value) >= model.minima_apart[name]
    return apart


def _of_largest(scores: Float[Array, " g"], candidates: Any) -> Any:
    """What belongs to the largest of the scores; each leaf of ``candidates`` has an axis ``g``.

    A chain of comparisons: many voxels at once take it in their stride, where the index of a
    maximum, and reading by that index, go voxel by voxel.
    """
    best, chosen = scores[0], jax.tree.map(lambda leaf: leaf[0], candidates)
    for k in range(1, scores.shape[0]):
        better = scores[k] > best
        rival = jax.tree.map(lambda leaf, k=k: leaf[k], candidates)
        best, chosen = jax.tree.map(partial(jnp.where, better), (scores[k], rival), (best, chosen))
    return chosen


def _inside(model: SignalModel, params: Mapping[str, Scalar], held: Mapping[str, Scalar]) -> Any:
    """Move every parameter that is not held inside its bounds."""
    lower, upper = model.bounds()
    return model.Params(
        **{
            name: value
            if name in held
            else jnp.clip(value, getattr(lower, name), getattr(upper, name))
            for name, value in params.items()
        }
    )


def _explained(
    model: SignalModel,
    known: Mapping[str, Scalar],
    grid: Mapping[str, Float[Array, " g"]],
    signals: Signals,
    weights: Signals | None,
) -> Float[Array, " g"]:
    """Part of the weighted signal's energy that each candidate accounts for: all but its misfit.

    Free amplitudes are at their best; a lone one must be positive.
    """
    free = tuple(name for name in model.amplitudes if name not in known)
    scale = _scale(weights)
    signals = scale * signals
    if not free:
        signal = jax.vmap(lambda row: scale * model(model.Params(**{**known, **row})))(dict(grid))
        return jnp.sum(signals * signals) - jnp.sum((signal - signals) ** 2, axis=-1)

    def unit_rows(row: Mapping[str, Scalar]) -> tuple[Float[Array, "a n"], Signals]:
        basis, offset = amplitude_basis(model, {**known, **row}, free)
        return orthonormal(scale * basis)[0], scale * offset

    rows, offset = jax.vmap(unit_rows)(dict(grid))
    if len(free) == len(model.amplitudes):  # one matrix product for all candidates and voxels
        along = [
            sum(rows[:, i, k] * signals[k] for k in range(signals.shape[0]))
            for i in range(len(free))
        ]
        energy = jnp.zeros_like(along[0])
    else:
        rest = signals - offset
        along = [jnp.sum(rows[:, i] * rest, axis=-1) for i in range(len(free))]
        energy = jnp.sum(signals * signals) - jnp.sum(rest * rest, axis=-1)
    if len(free) == 1:
        return energy + along[0] * jnp.abs(along[0])
    return energy + sum(a * a for a in along)


def _back_substitute(lower: Float[Array, "a a"], along: Float[Array, " a"]) -> list[Scalar]:
    """Solve ``lower.T @ x = along`` for the amplitudes of ``basis = lower @ q``."""
    count = along.shape[0]
    found: list[Any] = [None] * count
    for i in reversed(range(count)):
        rest = along[i] - sum(lower[k, i] * found[k] for k in range(i + 1, count))
        found[i] = rest / lower[i, i]
    return found
