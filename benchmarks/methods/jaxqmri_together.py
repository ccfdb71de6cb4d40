"""One of several processes on one core each: they fit one volume together, or one each."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

TOGETHER, EACH = "one volume together", "a volume each"


def main() -> None:
    """Fit again and again, all beginning at once; the first writes down when the last was done."""
    how, name, voxels, repeats, address, count, report, number, core = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [int(core)])
    from jaxqmri.cli.accelerator import configure_jax
    from jaxqmri.cli.together import Place, is_first, meet, wait_for_all

    configure_jax(1)
    meet(Place(address, int(count), int(number)))
    import jaxqmri
    from benchmarks.cases import CASES

    case = CASES[name]
    images, *_ = case.simulate(int(voxels), 0)
    seconds = []
    for _ in range(int(repeats) + 1):
        wait_for_all()
        began = time.perf_counter()
        jaxqmri.fit(case.model, images, distributed=how == TOGETHER, quality=False)
        wait_for_all()
        seconds.append(time.perf_counter() - began)
    if is_first():
        Path(report).write_text(json.dumps(seconds[1:]), "utf-8")


if __name__ == "__main__":
    main()
