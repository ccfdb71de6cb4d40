"""Fit a volume: check it, keep the voxels of the mask, fit them chunk by chunk, rebuild maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.sharding import Mesh, PartitionSpec

from jaxqmri.fitting.assemble import assemble
from jaxqmri.fitting.intervals import interval_maps, interval_tiles
from jaxqmri.fitting.result import FitResult, Status
from jaxqmri.fitting.task import Task, prepare
from jaxqmri.fitting.voxels import CPU_TILE, Plan, VoxelFit, fit_tiles
from jaxqmri.physics import SignalModel

CHUNK = 2**18  # voxels in flight: bounds the memory, keeps every device busy
COSTLY_CHUNK = 2**16  # where several parameters are nonlinear: a part fills it better
MORE_STEPS = 20  # for the voxels that the first steps leave behind
MANY_STEPS = 80  # for those that are left again
NEWTON_STEPS = 25  # instead, where several parameters are nonlinear, from several starts
PATIENT_STARTS = 4
WORTH_PADDING = 128  # times a part of a volume may be padded to spare a compilation
SMALLEST = 512  # voxels a device is given at least: below, time is not theirs

UNSET = {
    "fixed": None,
    "fixed_std": None,
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

Progress = Callable[[int, int], None]


def fit(
    model: SignalModel | Callable,
    images: Any,
    *,
    mask: Any = None,
    fixed: Any = None,
    fixed_std: Any = None,
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
) -> FitResult:
    """Fit a signal equation to every voxel of a volume by non-linear least squares.

    Each voxel's parameters minimise ``sum(w (M - S)^2)``, or the Rician negative log-likelihood,
    inside their bounds, by Levenberg-Marquardt. Errors come from the curvature at the minimum:
    ``covariance = sigma^2 (J^T W J)^-1``.

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
    start
        Maps or numbers to start from. A model finds its own start when None.
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
        "fixed": fixed, "fixed_std": fixed_std, "start": start, "bounds": bounds,
        "likelihood": likelihood, "sigma": sigma, "weights": weights, "free": tuple(free),
        "starts": starts, "steps": steps, "args": args,
    }  # fmt: skip
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves((model, images, mask, settings))):
        if intervals:
            raise ValueError("profile-likelihood intervals are not found for traced values")
        return fit_voxels(model, images, mask=mask, quality=quality, **settings)
    images = np.asarray(images)
    task = prepare(model, images.shape, quality=quality or intervals, **settings)
    volume = Volume.of(images, mask)
    fitted = _fit_rows(task, task.plan, volume, np.arange(volume.count), progress)
    _refit_left_behind(task, volume, fitted)
    result = assemble(task, fitted, volume.taken(task.sigma), volume.spread, volume.whole, np)
    if intervals:
        found = {name: task.equation.parts(result.params, "params")[name] for name in result.free}
        about = replace(task, start=found, sigma=result.sigma)
        ends = _fit_rows(
            about, task.plan, volume, np.arange(volume.count), progress, interval_tiles
        )
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

    Nothing depends on values: every voxel is fitted, inside the mask or not, no voxel gets more
    steps than another, and no exception speaks of what the arrays hold. Arguments, returns and
    errors are those of :func:`jaxqmri.fit`, without ``intervals`` and ``progress``.
    """
    images = jnp.asarray(images)
    images = images.astype(jnp.promote_types(images.dtype, jnp.float32))
    task = prepare(model, images.shape, quality=quality, **(UNSET | settings))
    count = int(np.prod(task.shape, dtype=int))
    padded = _rounded(count, 1)
    plan = task.plan if jax.default_backend() == "cpu" else replace(task.plan, tile=padded)
    if mask is not None and np.shape(mask) != task.shape:
        raise ValueError(f"mask has shape {np.shape(mask)}, the images are {task.shape}")
    inside = jnp.ones(task.shape, bool) if mask is None else _inside(jnp.asarray(mask), jnp)
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


@dataclass(frozen=True)
class Volume:
    """Images with the voxels to fit; maps are taken from it and spread back over it.

    ``index`` holds the flat positions of the fitted voxels, None where all are fitted.
    """

    signals: np.ndarray
    shape: tuple[int, ...]
    index: np.ndarray | None
    dtype: np.dtype

    @classmethod
    def of(cls, images: np.ndarray, mask: Any) -> Volume:
        """Check a mask and find its voxels."""
        shape = images.shape[:-1]
        wide = images.dtype == np.float64 and jnp.result_type(float) == jnp.float64
        dtype = np.dtype(np.float64 if wide else np.float32)
        index = None
        if mask is not None:
            given = np.asarray(mask)
            if given.shape != shape:
                raise ValueError(f"mask has shape {given.shape}, the images are {shape}")
            index = np.flatnonzero(_inside(given, np))
            if index.size == 0:
                raise ValueError("the mask is empty: no voxel is above zero")
        return cls(images.reshape(-1, images.shape[-1]), shape, index, dtype)

    @property
    def count(self) -> int:
        """Number of voxels to fit."""
        return self.signals.shape[0] if self.index is None else self.index.size

    def rows(self, leaf: np.ndarray, wanted: np.ndarray | slice) -> np.ndarray:
        """Entries of a map, or samples, of the wanted among the voxels to fit."""
        flat = np.asarray(leaf).reshape(self.signals.shape[0], -1)
        chosen = flat[wanted] if self.index is None else flat[self.index[wanted]]
        ready = chosen.astype(self.dtype, copy=False)
        per_sample = np.ndim(leaf) > len(self.shape) or leaf is self.signals
        return ready if per_sample else ready[:, 0]

    def taken(self, value: Any) -> Any:
        """A number as it is, of a map the voxels to fit."""
        return value if np.ndim(value) == 0 else self.rows(value, slice(None))

    def spread(self, values: np.ndarray, fill: Any) -> np.ndarray:
        """Put values back where they belong, ``fill`` elsewhere."""
        if self.index is None:
            return values.reshape(self.shape)
        flat = np.full(self.signals.shape[0], fill, values.dtype)
        flat[self.index] = values
        return flat.reshape(self.shape)

    def whole(self, value: Any) -> np.ndarray:
        """A map of the volume from a number or a map."""
        return np.broadcast_to(np.asarray(value, self.dtype), self.shape)


def _inside(mask: Any, xp: Any) -> Any:
    """Voxels of a mask: neither zero nor NaN."""
    return (mask != 0) & ~xp.isnan(mask)


def _fit_rows(
    task: Task,
    plan: Plan,
    volume: Volume,
    wanted: np.ndarray,
    progress: Progress | None,
    over_tiles: Callable[..., Any] = fit_tiles,
) -> Any:
    """Fit the wanted of the voxels to fit, in chunks of one size on all devices.

    A part of the volume is fitted in the volume's own size, for which the program is compiled
    already, unless it is tiny.
    """
    devices = jax.local_devices()
    count = wanted.size
    size, usual = (_chunk(n, plan, len(devices)) for n in (count, volume.count))
    if plan == task.plan and WORTH_PADDING * size >= usual:
        size = usual
    shared, own = task.parts()
    own = own._replace(signals=volume.signals)
    everything = count == volume.count
    run = _program(over_tiles, _tiled(plan), tuple(devices))
    results: Any = None

    def launch(first: int) -> Any:
        last = min(first + size, count)
        chosen = slice(first, last) if everything else wanted[first:last]

        def rows(leaf: np.ndarray) -> np.ndarray:
            taken = volume.rows(leaf, chosen)
            if last - first == size:
                return taken
            padded = np.zeros((size, *taken.shape[1:]), taken.dtype)
            padded[: last - first] = taken
            return padded

        return run(task.equation, task.bounds, shared, jax.tree.map(rows, own))

    starts = range(0, count, size)
    pending = launch(0)
    for first in starts:
        done, last = pending, min(first + size, count)
        if last < count:
            pending = launch(last)  # the devices work on while this chunk is copied
        if results is None:
            results = jax.tree.map(lambda leaf: np.empty(count, leaf.dtype), done)
        for kept, new in zip(jax.tree.leaves(results), jax.tree.leaves(done), strict=True):
            kept[first:last] = np.asarray(new)[: last - first]
        if progress is not None:
            progress(last, count)
    return results


def _refit_left_behind(task: Task, volume: Volume, fitted: VoxelFit) -> None:
    """Give the voxels that have not converged more steps, in place.

    The same program goes on for longer, and longer again; a search of several nonlinear
    parameters is then given the whole Hessian and several starts.
    """
    plan = task.plan
    rounds = [(plan, MORE_STEPS), (plan, MANY_STEPS)]
    if plan.curved:
        starts = max(plan.starts, 1 if task.start else PATIENT_STARTS)
        rounds[1] = replace(plan, exact=True, starts=starts), NEWTON_STEPS
    for program, steps in rounds:
        left = np.flatnonzero(fitted.status == Status.NOT_CONVERGED)
        if left.size == 0:
            return
        again = _fit_rows(replace(task, steps=steps), program, volume, left, None)
        for kept, new in zip(jax.tree.leaves(fitted), jax.tree.leaves(again), strict=True):
            kept[left] = new


@lru_cache(maxsize=64)
def _program(over_tiles: Callable[..., Any], plan: Plan, devices: tuple) -> Callable[..., Any]:
    """What is done to the voxels, compiled for one plan and shared out over the devices."""
    mesh = Mesh(np.asarray(devices), ("voxels",))
    everywhere, divided = PartitionSpec(), PartitionSpec("voxels")
    return jax.jit(
        jax.shard_map(
            partial(over_tiles, plan),
            mesh=mesh,
            in_specs=(everywhere, everywhere, everywhere, divided),
            out_specs=divided,
            check_vma=False,
        )
    )


def _tiled(plan: Plan) -> Plan:
    """On a CPU a tile fits the cache, elsewhere it is all there is."""
    return plan if jax.default_backend() == "cpu" else replace(plan, tile=CHUNK)


def _chunk(count: int, plan: Plan, devices: int) -> int:
    """Size of the equal chunks that many voxels are fitted in."""
    chunks = -(-count // (COSTLY_CHUNK if plan.curved else CHUNK))
    return _rounded(-(-count // chunks), devices)


def _rounded(count: int, devices: int) -> int:
    """The next size that devices and tiles divide; few sizes, so that few are compiled."""
    size = devices * SMALLEST
    while size < count:
        middle = 3 * size // 2
        if size >= 2 * devices * CPU_TILE and middle >= count:
            return middle
        size *= 2
    return size
