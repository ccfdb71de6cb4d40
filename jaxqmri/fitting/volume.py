"""Fit a volume: check it, fit the voxels of the mask, look again at the doubtful, make maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxqmri.fitting.assemble import assemble
from jaxqmri.fitting.chunks import Progress, Volume, fit_rows, inside_mask, rounded_up
from jaxqmri.fitting.intervals import interval_maps, interval_tiles
from jaxqmri.fitting.problem import VoxelFit
from jaxqmri.fitting.processes import gathered, own_share
from jaxqmri.fitting.result import FitResult, Status
from jaxqmri.fitting.task import Task, prepare
from jaxqmri.fitting.voxels import fit_tiles
from jaxqmri.physics import SignalModel

FEW_STEPS = 4  # for the voxels that a refined start leaves behind
MORE_STEPS = 20  # for those that the first steps leave behind
MANY_STEPS = 80  # for those that are left again
NEWTON_STEPS = 25  # instead, where several parameters are nonlinear, from several starts
PATIENT_STARTS = 4
# steps for every voxel where none can be given more, by whether several parameters are nonlinear
STEPS_FOR_ALL = {False: 12, True: 40}

UNSET = {
    "fixed": None,
    "fixed_std": None,
    "fixed_cov": None,
    "start": None,
    "bounds": None,
    "likelihood": "gaussian",
    "sigma": None,
    "weights": None,
    "free": (),
    "starts": None,
    "steps": None,
    "args": (),
}


def fit(
    model: SignalModel | Callable,
    images: Any,
    *,
    mask: Any = None,
    fixed: Any = None,
    fixed_std: Any = None,
    fixed_cov: Any = None,
    start: Any = None,
    bounds: Any = None,
    likelihood: str = "gaussian",
    sigma: Any = None,
    weights: Any = None,
    free: tuple[str, ...] = (),
    starts: int | None = None,
    steps: int | None = None,
    intervals: bool = False,
    quality: bool = True,
    args: tuple = (),
    progress: Progress | None = None,
    distributed: bool = False,
) -> FitResult:
    """Fit a signal equation to every voxel of a volume by non-linear least squares.

    Each voxel's parameters minimise ``sum(w (M - S)^2)``, or the Rician negative log-likelihood,
    inside their bounds, by Levenberg-Marquardt from the best of a grid, which is first improved
    along the one parameter beside amplitudes where there is but one. Errors come from the
    curvature at the minimum: ``covariance = sigma^2 (J^T W J)^-1``.

    Parameters
    ----------
    model
        A signal model, or any plain function ``f(params, *args)`` of a pytree of scalars that
        returns the ``n`` signals of one voxel. A function is compiled once for each identity.
    images
        Shape ``(..., n)``, contrast last, as in a 4-D NIfTI. Computed in float32, or in float64
        where they are float64 and JAX runs in 64 bits.
    mask
        Shape ``(...)``: the voxels that are not zero are fitted. All of them when None.
    fixed, fixed_std
        Parameters held at a known map or number, and the standard errors of those; by name, or
        for a plain function a pytree like ``start`` with None where a parameter is free.
    fixed_cov
        Covariances of the errors of held parameters, ``{("t1", "b1"): map}``; zero where none is
        given. :meth:`FitResult.covariance_of` of the fit that made one of the maps tells it.
    start
        Maps or numbers to start from. A model finds its own start when None, and looks for a
        lower minimum elsewhere where a cost may have several; from a start given it does not.
    bounds
        ``{name: (lower, upper)}``, or a pair of structures like ``start``.
    likelihood
        ``"gaussian"``, or ``"rician"`` for magnitudes close to the noise.
    sigma
        Standard deviation of the noise, a number or a map. When None it is pooled over the mask
        from the residuals (never taken from one voxel's own few); a Rician fit refuses that.
    weights
        Relative precision of the samples, shape ``(n,)`` or ``(..., n)``.
    free
        Parameters to fit that the model would hold at a default.
    starts, steps
        How many starts, and how many steps from each, where the model's own will not do.
    intervals
        Whether to find 95 % profile-likelihood intervals as well.
    quality
        False returns parameters and status alone, for speed.
    args
        Further arguments of a plain function, shared by all voxels.
    progress
        Called with the numbers of voxels done and of voxels in all.
    distributed
        Whether the processes of ``jax.distributed`` fit this volume together: all are given the
        same arguments, each fits a part of the voxels, and all return all maps.

    Returns
    -------
    FitResult
        Maps of NumPy arrays; of JAX arrays when ``images`` are traced.

    Raises
    ------
    ValueError
        If shapes differ, the mask is empty, samples are fewer than parameters, a Rician fit has
        no sigma, or a name or a bound makes no sense.
    TypeError
        If a plain function comes without ``start``.

    References
    ----------
    Marquardt, Journal of the Society for Industrial and Applied Mathematics 1963,
    doi:10.1137/0111030.
    """
    settings = {
        "fixed": fixed, "fixed_std": fixed_std, "fixed_cov": fixed_cov, "start": start,
        "bounds": bounds, "likelihood": likelihood, "sigma": sigma, "weights": weights,
        "free": tuple(free), "starts": starts, "steps": steps, "args": args,
    }  # fmt: skip
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves((model, images, mask, settings))):
        if intervals:
            raise ValueError("profile-likelihood intervals are not found for traced values")
        return fit_voxels(model, images, mask=mask, quality=quality, **settings)
    images = np.asarray(images)
    settings = _on_host(settings)
    task = prepare(model, images.shape, quality=quality or intervals, **settings)
    volume = Volume.of(images, mask)
    shared = distributed and volume.count >= jax.process_count() > 1
    own = volume.only(own_share(volume.count)) if shared else volume
    nowhere = np.full(task.shape, np.inf, volume.dtype)
    task = replace(task, away_from=dict.fromkeys(task.plan.several_minima, nowhere))
    fitted = fit_rows(task, task.plan, own, np.arange(own.count), progress)
    if task.plan.several_minima:
        task = _try_other_minima(task, own, fitted)
    _refit_left_behind(task, own, fitted)
    if shared:
        fitted = gathered(fitted._replace(cost=None, rivalled={}), volume.count)
    result = assemble(task, fitted, volume.taken(task.sigma), volume.spread, volume.whole, np)
    if intervals:
        found = {name: task.equation.parts(result.params, "params")[name] for name in result.free}
        about = replace(task, start=found, sigma=result.sigma)
        ends = fit_rows(about, task.plan, own, np.arange(own.count), progress, interval_tiles)
        ends = gathered(ends, volume.count) if shared else ends
        return replace(result, intervals=interval_maps(task, ends, volume))
    return result


def fit_voxels(
    model: SignalModel | Callable,
    images: Any,
    *,
    mask: Any = None,
    quality: bool = True,
    **settings: Any,
) -> FitResult:
    """Fit voxels as :func:`jaxqmri.fit` does, as one pure function that JAX can trace.

    Nothing depends on values: every voxel is fitted, inside the mask or not, all get the same
    steps, more than most need, none a second search elsewhere, and no exception speaks of what the
    arrays hold. Arguments, returns and errors are those of :func:`jaxqmri.fit`, without
    ``intervals`` and ``progress``.
    """
    images = jnp.asarray(images)
    images = images.astype(jnp.promote_types(images.dtype, jnp.float32))
    task = prepare(model, images.shape, quality=quality, **(UNSET | settings))
    count = int(np.prod(task.shape, dtype=int))
    padded = rounded_up(count, 1)
    if settings.get("steps") is None:
        task = replace(task, steps=STEPS_FOR_ALL[task.plan.curved])
    plan = replace(task.plan, several_minima=(), differentiable=True)
    plan = plan if jax.default_backend() == "cpu" else replace(plan, tile=padded)
    if mask is not None and np.shape(mask) != task.shape:
        raise ValueError(f"mask has shape {np.shape(mask)}, the images are {task.shape}")
    inside = jnp.ones(task.shape, bool) if mask is None else inside_mask(jnp.asarray(mask), jnp)
    shared, own = task.parts()

    def rows(leaf: Any) -> Any:
        flat = jnp.asarray(leaf, images.dtype).reshape(count, *leaf.shape[len(task.shape) :])
        return jnp.pad(flat, [(0, padded - count)] + [(0, 0)] * (flat.ndim - 1))

    each = jax.tree.map(rows, own._replace(signals=images))
    fitted = fit_tiles(plan, task.equation, task.bounds, shared, each)
    fitted = jax.tree.map(lambda leaf: leaf[:count], fitted)
    outside = jnp.asarray(Status.OUTSIDE_MASK, fitted.status.dtype)
    fitted = fitted._replace(status=jnp.where(inside.ravel(), fitted.status, outside))

    def spread(values: Any, fill: Any) -> Any:
        return jnp.where(inside, values.reshape(task.shape), jnp.asarray(fill, values.dtype))

    def whole(value: Any) -> Any:
        return jnp.broadcast_to(jnp.asarray(value, images.dtype), task.shape)

    sigma = task.sigma if np.ndim(task.sigma) == 0 else jnp.ravel(task.sigma)
    return assemble(task, fitted, sigma, spread, whole, jnp)


def _on_host(given: Any) -> Any:
    """The same with NumPy's arrays instead of those on a device; names keep their order."""
    if isinstance(given, dict):
        return {name: _on_host(value) for name, value in given.items()}
    return jax.tree.map(
        lambda leaf: np.asarray(leaf) if isinstance(leaf, jax.Array) and leaf.ndim else leaf, given
    )


def _try_other_minima(task: Task, volume: Volume, fitted: VoxelFit) -> Task:
    """Search once more, elsewhere, where another minimum may be lower; keep the lower, in place.

    Returns
    -------
    Task
        The same, but starting away from the first minimum where the second is lower.
    """
    first = {name: values.copy() for name, values in fitted.rivalled.items()}
    rivalled = ~np.isnan(next(iter(first.values())))
    wanted = np.flatnonzero(rivalled)
    if wanted.size == 0:
        return task

    def away_from_first(places: np.ndarray) -> Task:
        maps = {n: volume.spread(np.where(places, v, np.inf), np.inf) for n, v in first.items()}
        return replace(task, away_from=maps)

    second = fit_rows(away_from_first(rivalled), task.plan, volume, wanted, None)
    lower = second.cost < fitted.cost[wanted]
    _put(fitted, wanted[lower], jax.tree.map(lambda leaf: leaf[lower], second))
    moved = np.zeros_like(rivalled)
    moved[wanted[lower]] = True
    return away_from_first(moved)


def _refit_left_behind(task: Task, volume: Volume, fitted: VoxelFit) -> None:
    """Give the voxels that have not converged more steps, in place.

    The same program goes on for longer, and longer again; a search of several nonlinear
    parameters is then given the whole Hessian and several starts.
    """
    plan = task.plan
    rounds = [(plan, MORE_STEPS), (plan, MANY_STEPS)]
    if plan.refined_along:
        rounds.insert(0, (plan, FEW_STEPS))
    if plan.curved:
        starts = max(plan.starts, 1 if task.start else PATIENT_STARTS)
        rounds[1] = replace(plan, exact=True, starts=starts), NEWTON_STEPS
    for program, steps in rounds:
        left = np.flatnonzero(fitted.status == Status.NOT_CONVERGED)
        if left.size == 0:
            return
        again = fit_rows(replace(task, steps=steps), program, volume, left, None)
        _put(fitted, left, again)


def _put(fitted: VoxelFit, places: np.ndarray, again: VoxelFit) -> None:
    """Put the results of some voxels in their places among those of all."""
    for kept, new in zip(jax.tree.leaves(fitted), jax.tree.leaves(again), strict=True):
        kept[places] = new
