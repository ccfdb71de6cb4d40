"""The voxels of a volume, and their way through the devices in chunks of one size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from jaxqmri.fitting.problem import CPU_TILE, Plan
from jaxqmri.fitting.task import Task
from jaxqmri.fitting.voxels import fit_tiles

CHUNK = 2**18  # voxels in flight: bounds the memory, keeps every device busy
COSTLY_CHUNK = 2**16  # where several parameters are nonlinear: a part fills it better
WORTH_PADDING = 128  # times a part of a volume may be padded to spare a compilation
# whole registers, of which XLA would use half; processors with shorter ones use what they have
FOR_CPU = {"xla_cpu_prefer_vector_width": 512}
SMALLEST = 512  # voxels a device is given at least: below, time is not theirs

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Volume:
    """Images with the voxels to fit; maps are taken from it and spread back over it.

    ``index`` holds the flat positions of the fitted voxels, those of neighbours as a slice; None
    where all are fitted.
    """

    signals: np.ndarray
    shape: tuple[int, ...]
    index: np.ndarray | slice | None
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
            index = np.flatnonzero(inside_mask(given, np))
            if index.size == 0:
                raise ValueError("the mask is empty: no voxel is above zero")
        return cls(images.reshape(-1, images.shape[-1]), shape, index, dtype)

    def only(self, wanted: slice) -> Volume:
        """The same volume with some of the voxels to fit."""
        assert not isinstance(self.index, slice)
        return replace(self, index=wanted if self.index is None else self.index[wanted])

    @property
    def count(self) -> int:
        """Number of voxels to fit."""
        if isinstance(self.index, slice):
            return self.index.stop - self.index.start
        return self.signals.shape[0] if self.index is None else self.index.size

    def rows(self, leaf: np.ndarray, wanted: np.ndarray | slice) -> np.ndarray:
        """Entries of a map, or samples, of the wanted among the voxels to fit."""
        flat = np.asarray(leaf).reshape(self.signals.shape[0], -1)
        if isinstance(self.index, slice):
            chosen = flat[self.index][wanted]
        else:
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


def inside_mask(mask: Any, xp: Any) -> Any:
    """Voxels of a mask: neither zero nor NaN."""
    return (mask != 0) & ~xp.isnan(mask)


def fit_rows(
    task: Task,
    plan: Plan,
    volume: Volume,
    wanted: np.ndarray,
    progress: Progress | None,
    over_tiles: Callable[..., Any] = fit_tiles,
) -> Any:
    """Fit the wanted of the voxels to fit, in chunks of one size on all devices.

    A part of the volume is fitted in the volume's own size, for which the program is compiled
    already, unless it is tiny; what only fills that size is passed over, tile by tile.
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
        dealt = _dealt(last - first, size, len(devices))

        def rows(leaf: np.ndarray) -> np.ndarray:
            taken = volume.rows(leaf, chosen)
            if last - first == size:
                return taken
            padded = np.zeros((size, *taken.shape[1:]), taken.dtype)
            for place, part in dealt:
                padded[place] = taken[part]
            return padded

        filled = np.array([part.stop - part.start for _, part in dealt])
        return run(task.equation, task.bounds, shared, jax.tree.map(rows, own), filled)

    starts = range(0, count, size)
    pending = launch(0)
    for first in starts:
        done, last = pending, min(first + size, count)
        if last < count:
            pending = launch(last)  # the devices work on while this chunk is copied
        if results is None:
            results = jax.tree.map(lambda leaf: np.empty(count, leaf.dtype), done)
        for kept, new in zip(jax.tree.leaves(results), jax.tree.leaves(done), strict=True):
            found = np.asarray(new)
            for place, part in _dealt(last - first, size, len(devices)):
                kept[first:last][part] = found[place]
        if progress is not None:
            progress(last, count)
    return results


@lru_cache(maxsize=64)
def _program(over_tiles: Callable[..., Any], plan: Plan, devices: tuple) -> Callable[..., Any]:
    """What is done to the voxels, compiled for one plan and shared out over the devices."""
    mesh = Mesh(np.asarray(devices), ("voxels",))
    everywhere, divided = PartitionSpec(), PartitionSpec("voxels")

    def on_device(equation: Any, bounds: Any, shared: Any, each: Any, filled: Any) -> Any:
        return over_tiles(plan, equation, bounds, shared, each, filled[0])

    return jax.jit(
        jax.shard_map(
            on_device,
            mesh=mesh,
            in_specs=(everywhere, everywhere, everywhere, divided, divided),
            out_specs=divided,
            check_vma=False,
        ),
        compiler_options=FOR_CPU if jax.default_backend() == "cpu" else None,
    )


def _dealt(count: int, size: int, devices: int) -> list[tuple[slice, slice]]:
    """For each device the places of a chunk that it fills, and which of the voxels fill them."""
    ends = [count * k // devices for k in range(devices + 1)]
    starts = range(0, size, size // devices)
    return [
        (slice(start, start + last - first), slice(first, last))
        for start, first, last in zip(starts, ends, ends[1:], strict=False)
    ]


def _tiled(plan: Plan) -> Plan:
    """On a CPU a tile fits the cache, elsewhere it is all there is."""
    return plan if jax.default_backend() == "cpu" else replace(plan, tile=CHUNK)


def _chunk(count: int, plan: Plan, devices: int) -> int:
    """Size of the equal chunks that many voxels are fitted in."""
    chunks = -(-count // (COSTLY_CHUNK if plan.curved else CHUNK))
    return rounded_up(-(-count // chunks), devices)


def rounded_up(count: int, devices: int) -> int:
    """The next size that devices and tiles divide; few sizes, so that few are compiled."""
    size = devices * SMALLEST
    while size < count:
        middle = 3 * size // 2
        if size >= 2 * devices * CPU_TILE and middle >= count:
            return middle
        size *= 2
    return size
