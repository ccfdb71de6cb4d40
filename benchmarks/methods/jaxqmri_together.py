"""One of several processes that fit one case together, on one core each."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    """Fit again and again; the first process writes the seconds down."""
    name, voxels, repeats, address, count, report, number, core = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [int(core)])
    from jaxqmri.cli.accelerator import configure_jax
    from jaxqmri.cli.together import Place, is_first, meet

    configure_jax(1)
    meet(Place(address, int(count), int(number)))
    import jaxqmri
    from benchmarks.cases import CASES

    case = CASES[name]
    images, *_ = case.simulate(int(voxels), 0)
    seconds = []
    for _ in range(int(repeats) + 1):
        began = time.perf_counter()
        jaxqmri.fit(case.model, images, distributed=True, quality=False)
        seconds.append(time.perf_counter() - began)
    if is_first():
        Path(report).write_text(json.dumps(seconds[1:]), "utf-8")


if __name__ == "__main__":
    main()
