"""Time a training step in a process of its own; the standard library alone is needed."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Prepared(NamedTuple):
    """A step that waits for what it does, and the number of weights of a network.

    ``products`` returns the seconds that a step's convolutions and matrix products take alone.
    """

    step: Callable[[], None]
    weights: int
    products: Callable[[], float] | None = None


def serve(prepare: Callable[[dict[str, Any]], Prepared]) -> None:
    """Time the step that ``prepare`` makes of ``problem.json`` in the folder named.

    Parameters
    ----------
    prepare
        From the problem to one step of every training.
    """
    folder = Path(sys.argv[1])
    problem = json.loads((folder / "problem.json").read_text("utf-8"))
    step, weights, products = prepare(problem)
    start = time.perf_counter()
    step()
    first = time.perf_counter() - start
    seconds, busy = [], []
    for _ in range(problem["steps"]):
        start, cpu = time.perf_counter(), sum(os.times()[:2])
        step()
        seconds.append(time.perf_counter() - start)
        busy.append((sum(os.times()[:2]) - cpu) / seconds[-1])
    samples = problem["images"][0] * problem["trainings"]
    report = {
        "weights": weights,
        "first_s": first,
        "seconds": seconds,
        "samples_per_s": samples / statistics.median(seconds),
        "best_samples_per_s": samples / min(seconds),
        "cores_busy": statistics.median(busy),
    }
    if products is not None:
        report["products_s"] = products()
    (folder / "report.json").write_text(json.dumps(report), "utf-8")
