"""From fitted voxels to the maps of a result: errors scaled by the noise, structures rebuilt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jax import lax

from jaxqmri.fitting.problem import VoxelFit
from jaxqmri.fitting.result import FitResult, Status
from jaxqmri.fitting.task import Task

POOLED_VOXELS = 2**17  # enough for a median: its own error is then below half a percent


def pooled_sigma(task: Task, fitted: VoxelFit, xp: Any) -> Any:
    """Noise of a sample from the residuals of all voxels together.

    The median over voxels of the residual sum of squares, divided by the median of the
    chi-square distribution with as many degrees of freedom as a voxel has spare samples: a mean
    would follow the few voxels that moved or pulsated. NaN without spare samples.
    """
    every = max(1, fitted.noise.shape[0] // POOLED_VOXELS)
    noise, status = fitted.noise[::every], fitted.status[::every]
    inner = xp.where(status == Status.CONVERGED, noise, xp.nan)
    if xp.__name__ == "numpy" and xp.all(xp.isnan(inner)):
        return inner.dtype.type(xp.nan)
    return xp.sqrt(xp.nanmedian(inner))


def assemble(
    task: Task,
    fitted: VoxelFit,
    sigma: Any,
    spread: Callable[[Any, Any], Any],
    whole: Callable[[Any], Any],
    xp: Any,
) -> FitResult:
    """Make the result of a fit.

    Parameters
    ----------
    task
        What was fitted.
    fitted
        Every entry with one leading axis, the fitted voxels.
    sigma
        The noise: None to pool it, a number, or one value a voxel.
    spread
        Puts one value a voxel back into a map, with a fill value elsewhere.
    whole
        Makes a map of a number or map that was given.
    xp
        ``numpy``, or ``jax.numpy`` for traced voxels.
    """
    names, free = task.equation.names, task.plan.free

    def structure(maps: dict[str, Any]) -> Any:
        return task.equation.build({name: maps[name] for name in names})

    known = {name: whole(value) for name, value in task.known.items()}
    values = {name: spread(value, xp.nan) for name, value in fitted.values.items()}
    params = structure(known | values)
    status = spread(fitted.status, Status.OUTSIDE_MASK)
    if not task.plan.quality:
        return FitResult(params, status, free)

    assert fitted.covariance is not None
    if sigma is None:
        sigma = pooled_sigma(task, fitted, xp)
    variance = sigma * sigma
    with np.errstate(over="ignore"):  # a flat minimum's variance becomes infinite, as it should
        triangle = [[_scaled(variance, entry, xp) for entry in row] for row in fitted.covariance]
    across = {}
    if fitted.carried is not None:
        triangle = [
            [own + extra for own, extra in zip(*rows, strict=True)]
            for rows in zip(triangle, fitted.carried.added, strict=True)
        ]
        across = fitted.carried.across
    known_std = {name: whole(task.known_std.get(name, xp.nan)) for name in task.known}
    std = {name: spread(_root(triangle[k][k], xp), xp.nan) for k, name in enumerate(free)}
    return FitResult(
        params,
        status,
        free,
        sigma=sigma if xp.ndim(sigma) == 0 else spread(sigma, xp.nan),
        std=structure(known_std | std),
        triangle=tuple(tuple(spread(entry, xp.nan) for entry in row) for row in triangle),
        across={
            name: tuple(spread(entry, xp.nan) for entry in row) for name, row in across.items()
        },
        rmse=spread(fitted.rmse, xp.nan),
        r_squared=spread(fitted.r_squared, xp.nan),
    )


def _scaled(variance: Any, entry: Any, xp: Any) -> Any:
    """Their product; a voxel without an error does not make the slope along the noise NaN."""
    if xp.__name__ == "numpy":
        return variance * entry
    defined = xp.isfinite(entry) & xp.isfinite(variance)
    return xp.where(
        defined, variance * xp.where(defined, entry, 1.0), lax.stop_gradient(variance * entry)
    )


def _root(variance: Any, xp: Any) -> Any:
    """Its square root, with a slope wherever it is not zero."""
    if xp.__name__ == "numpy":
        return xp.sqrt(variance)
    sloped = (variance > 0) & xp.isfinite(variance)
    return xp.where(
        sloped, xp.sqrt(xp.where(sloped, variance, 1.0)), lax.stop_gradient(xp.sqrt(variance))
    )
