"""How a command uses JAX: every CPU core a device, compiled programs kept for the next run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from jaxqmri.cli.cache import cache_folder


def configure_jax(devices: int | None = None) -> None:
    """Set up JAX before it is first used; where something has imported it already, leave it.

    The cores of a CPU become so many devices, over which a fit is spread; accelerators are used
    as they are. Compiled programs are kept in the user's cache folder, so that a command
    compiles only once. ``JAX_NUM_CPU_DEVICES``, ``XLA_FLAGS`` and ``JAX_COMPILATION_CACHE_DIR``
    win over both.

    Parameters
    ----------
    devices
        How many CPU devices; all the cores that this process may use when None.
    """
    if "jax" in sys.modules:
        return
    import jax

    given = os.environ.get("JAX_NUM_CPU_DEVICES") or "device_count" in os.environ.get(
        "XLA_FLAGS", ""
    )
    if devices is not None or not given:
        jax.config.update("jax_num_cpu_devices", devices or available_cores())
    keep_compiled(cache_folder() / "compiled", 0.0)


def keep_compiled(folder: Path, shortest: float) -> None:
    """Keep programs that took at least ``shortest`` seconds to compile for the next run.

    In ``folder``, or where ``JAX_COMPILATION_CACHE_DIR`` says.
    """
    import jax

    if not os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", shortest)


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
