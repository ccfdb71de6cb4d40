"""What the devices can do at best, under the same JAX: arithmetic in cache, and a copy.

The limit of a fit is the time that its operations (:mod:`benchmarks.operations`) would take at
these rates one kind after another, or its bytes, whichever is longer; no program has to reach it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.operations import KINDS, Work

AT_ONCE = 8  # independent operations on each element loaded: enough to fill the pipelines
CHAINED = 8  # multiply-adds one after another, which cost too little to be timed alone
CPU_ELEMENTS = 4096  # of a device's tile: 16 KiB, in the innermost cache
ACCELERATOR_ELEMENTS = 2**24  # enough for every lane of an accelerator
COPIED = 2**25  # numbers that each device copies: 128 MiB, more than caches hold
SHORTEST = 0.05  # seconds that one measurement takes at least


def rates(repeats: int = 9) -> dict[str, float]:
    """Operations a second by kind, and ``bytes``, of all devices together: the best of repeats.

    An operation of a multiply-add is half of one: an addition or a multiplication.
    """
    return {kind: _rate(kind, repeats) for kind in KINDS} | {"bytes": _copy_rate(repeats)}


def distance(work: Work, rate: Mapping[str, float], seconds: float) -> dict[str, Any]:
    """How far from the limits a fit is that takes so many seconds a voxel.

    Returns
    -------
    dict
        The work of a voxel; nanoseconds that each kind of it takes at its limit; the time taken
        over that of all kinds together (``times_arithmetic``) and over that of the bytes
        (``times_memory``); and the ``share`` of the time that the higher limit explains.
    """
    least = {kind: work.counts[kind] / rate[kind] for kind in KINDS}
    arithmetic, memory = sum(least.values()), work.bytes / rate["bytes"]
    return {
        "counts": work.counts,
        "bytes": work.bytes,
        "least_ns": {kind: 1e9 * value for kind, value in least.items()},
        "memory_ns": 1e9 * memory,
        "taken_ns": 1e9 * seconds,
        "times_arithmetic": seconds / arithmetic,
        "times_memory": seconds / memory,
        "share": max(arithmetic, memory) / seconds,
    }


def table(cases: Mapping[str, Mapping[str, Any]], rate: Mapping[str, float]) -> str:
    """The limits, and for each case its work a voxel, its least time and the time it took."""
    measured = ", ".join(f"{rate[k] / 1e9:.3g} G {k}/s" for k in (*KINDS, "bytes"))
    lines: list[Sequence[str]] = [
        ("case", *KINDS, "bytes", "arithmetic ns", "memory ns", "taken ns", "times arithmetic")
    ]
    for name, row in cases.items():
        cells = [*(row["counts"][k] for k in KINDS), row["bytes"], sum(row["least_ns"].values())]
        cells += [row["memory_ns"], row["taken_ns"], row["times_arithmetic"]]
        lines.append((name, *(f"{c:,.0f}" if c >= 100 else f"{c:.3g}" for c in cells)))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = ("  ".join(map(str.rjust, line, widths)) for line in lines)
    return "\n".join([f"Limits: {measured}", "Of one voxel:", *rows])


def _chain(kind: str) -> tuple[Callable[[Any], Any], int]:
    """A map of numbers in [0, 1] into themselves, and its operations of a kind on each."""
    import jax.numpy as jnp
    from jax import lax

    several = [0.5 + k / AT_ONCE for k in range(AT_ONCE)]

    def mean(one: Callable[[Any, float], Any]) -> Callable[[Any], Any]:
        return lambda x: sum(one(x, c) for c in several) * (0.5 / AT_ONCE)

    def multiply_adds(x: Any) -> Any:
        chains = [x + c for c in several]
        for _ in range(CHAINED):
            chains = [chain * x + c for chain, c in zip(chains, several, strict=True)]
        return sum(chains) * 2.0**-10

    single = {
        "exponentials": lambda x, c: jnp.exp(-c * x),
        "sines": lambda x, c: jnp.sin(c * x),
        "divisions": lambda x, c: x / (x + c),
        "roots": lambda x, c: lax.rsqrt(x + c),
    }
    if kind in single:
        return mean(single[kind]), AT_ONCE
    return multiply_adds, 2 * AT_ONCE * CHAINED


def _rate(kind: str, repeats: int) -> float:
    import jax
    import jax.numpy as jnp
    from jax import lax

    chain, each = _chain(kind)
    elements = CPU_ELEMENTS if jax.default_backend() == "cpu" else ACCELERATOR_ELEMENTS

    def rounds(x: Any, times: Any) -> Any:
        return lax.fori_loop(0, times, lambda _, y: chain(y), x)

    run = _on_all_devices(rounds)
    x = jnp.linspace(0.0, 1.0, elements * jax.local_device_count(), dtype=jnp.float32)
    times = 1
    while _seconds(run, x, times) < SHORTEST:
        times *= 2
    return times * each * x.size / min(_seconds(run, x, times) for _ in range(repeats))


def _copy_rate(repeats: int) -> float:
    """Bytes read and written a second."""
    import jax
    import jax.numpy as jnp

    # in place, since the first touch of fresh memory costs more than the copy
    run = jax.jit(_on_all_devices(lambda x, one: x + one), donate_argnums=0)
    x = jnp.zeros(COPIED * jax.local_device_count(), jnp.float32)
    taken = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        x = jax.block_until_ready(run(x, 1.0))
        taken.append(time.perf_counter() - start)
    return 2 * x.nbytes / min(taken[1:])


def _on_all_devices(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The function of a number and of an array that is shared out over the devices."""
    import jax
    from jax.sharding import Mesh, PartitionSpec

    mesh = Mesh(jax.local_devices(), ("all",))
    divided, everywhere = PartitionSpec("all"), PartitionSpec()
    return jax.jit(
        jax.shard_map(function, mesh=mesh, in_specs=(divided, everywhere), out_specs=divided)
    )


def _seconds(run: Callable[..., Any], *arguments: Any) -> float:
    import jax

    jax.block_until_ready(run(*arguments))
    start = time.perf_counter()
    jax.block_until_ready(run(*arguments))
    return time.perf_counter() - start
