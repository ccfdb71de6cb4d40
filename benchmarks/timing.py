"""Time one fit in a process of its own, whatever package makes it.

A program of :mod:`benchmarks.methods` or :mod:`benchmarks.peers` is given a folder with
``images.npy``, shape ``(N, n)`` in float32, and ``problem.json``; it leaves ``estimates.npy``,
shape ``(voxels, p)``, and ``report.json``. Only the standard library and NumPy are needed.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Fit = Callable[[np.ndarray], Any]
Columns = Callable[[Any], Any]


def serve(prepare: Callable[[dict[str, Any]], tuple[Fit, Columns]]) -> None:
    """Run the program of one method: fit the images of the folder named on the command line.

    Parameters
    ----------
    prepare
        From what ``problem.json`` holds (the case, ``times``, ``voxels``, ...) to the fit, which
        is timed, and to what turns its result into estimates of shape ``(voxels, p)``, which is
        not. Imports belong here, so that they are not timed either.
    """
    folder = Path(sys.argv[1])
    problem = json.loads((folder / "problem.json").read_text("utf-8"))
    images = np.array(np.load(folder / "images.npy", mmap_mode="r")[: problem["voxels"]])
    fit, columns = prepare(problem)
    before = peak_memory()
    first, result, _ = timed(fit, images)
    seconds, busy = [], []
    while len(seconds) < problem["repeats"]:
        if len(seconds) >= problem["at_least"] and first + sum(seconds) > problem["patience"]:
            break
        wall, result, cpu = timed(fit, images)
        seconds.append(wall)
        busy.append(cpu / wall)
    np.save(folder / "estimates.npy", np.asarray(columns(result), dtype=np.float64))
    report = {
        "voxels": len(images),
        "first_s": first,
        "seconds": seconds,
        "cores_busy": float(np.median(busy)),
        "memory_before_mib": before,
        "memory_peak_mib": peak_memory(),
    }
    (folder / "report.json").write_text(json.dumps(report), "utf-8")


def timed(fit: Fit, images: np.ndarray) -> tuple[float, Any, float]:
    """Seconds on the clock, the result, and seconds of CPU in this process and its children.

    Children count once they have ended: a pool that lives on is not seen.
    """
    cpu, wall = _cpu_seconds(), time.perf_counter()
    result = fit(images)
    return time.perf_counter() - wall, result, _cpu_seconds() - cpu


def peak_memory() -> float:
    """Most memory that this process has held so far, MiB; its children are not counted.

    ``VmHWM`` where there is one: on Linux ``ru_maxrss`` begins with the parent's.
    """
    try:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _cpu_seconds() -> float:
    return sum(os.times()[:4])
