"""Time a training step in a process of its own; the standard library alone is needed."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple


class Prepared(NamedTuple):
    """A step that waits for what it does, and the number of weights of a network.

    ``products`` returns the seconds that a step's convolutions and matrix products take alone.
    """

    step: Callable[[], None]
    weights: int
    products: Callable[[], float] | None = None


def serve(prepare: Callable[[dict[str, Any]], Prepared]) -> None:
    """Time the step that ``prepare`` makes of the problem, in as many turns as are asked for.

    The first line of standard input is the problem in JSON; every line after it asks for a turn,
    and is answered by a line of JSON. When input ends so does the process, after a last line of
    what it only has to tell once.

    Parameters
    ----------
    prepare
        From the problem to one step of every training.
    """
    # what libraries print must not pass for an answer
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    problem = json.loads(sys.stdin.readline())
    step, weights, products = prepare(problem)
    start = time.perf_counter()
    step()
    once = {"weights": weights, "first_s": time.perf_counter() - start}
    print(json.dumps(once), file=answers, flush=True)
    for _ in sys.stdin:
        seconds, busy = [], []
        for _ in range(problem["steps"]):
            start, cpu = time.perf_counter(), sum(os.times()[:2])
            step()
            seconds.append(time.perf_counter() - start)
            busy.append((sum(os.times()[:2]) - cpu) / seconds[-1])
        turn = {"seconds": seconds, "cores_busy": statistics.median(busy)}
        print(json.dumps(turn), file=answers, flush=True)
    last = {} if products is None else {"products_s": products()}
    print(json.dumps(last), file=answers, flush=True)
