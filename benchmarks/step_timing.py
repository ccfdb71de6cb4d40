"""Time a training step in a process of its own; the standard library alone is needed."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def serve(prepare: Callable[[dict[str, Any]], tuple[Callable[[], None], int]]) -> None:
    """Time the step that ``prepare`` makes of ``problem.json`` in the folder named.

    Parameters
    ----------
    prepare
        From the problem to a function that takes one step of every training and waits for it, and
        the number of weights of a network.
    """
    folder = Path(sys.argv[1])
    problem = json.loads((folder / "problem.json").read_text("utf-8"))
    step, weights = prepare(problem)
    start = time.perf_counter()
    step()
    first = time.perf_counter() - start
    seconds, busy = [], []
    for _ in range(problem["steps"]):
        start, cpu = time.perf_counter(), sum(os.times()[:2])
        step()
        seconds.append(time.perf_counter() - start)
        busy.append((sum(os.times()[:2]) - cpu) / seconds[-1])
    patches = problem["batch"] * problem["trainings"]
    report = {
        "weights": weights,
        "first_s": first,
        "seconds": seconds,
        "patches_per_s": patches / statistics.median(seconds),
        "best_patches_per_s": patches / min(seconds),
        "cores_busy": statistics.median(busy),
    }
    (folder / "report.json").write_text(json.dumps(report), "utf-8")
